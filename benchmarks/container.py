"""The container's life as SageMaker sees it: its start, its memory, the loss of its workers, its end."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil

from benchmarks.measured_server import LOGS, pack
from benchmarks.results import MEBIBYTE, duration_text, table
from deploy.processes import command_line
from deploy.torchserve.launch import WORKER_PROGRAM
from deploy.torchserve.readiness import wait_until
from local_sagemaker.containers import Container, get, started

ROUNDS, QUICK_ROUNDS = 5, 1
KINDS = {WORKER_PROGRAM: "workers", "java": "JVM", "nginx": "nginx"}


def measure(model_file: Path, *, quick: bool) -> dict[str, Any]:
    """Measures everything, a container for each round."""
    command = [sys.executable, "-m", "deploy.entrypoint", "serve", "--host", "127.0.0.1"]
    command += ["--model-store", str(pack(model_file))]
    return {"rounds": [measure_round(command) for _ in range(QUICK_ROUNDS if quick else ROUNDS)]}


def measure_round(command: list[str]) -> dict[str, Any]:
    """Starts a container, kills its workers, and ends it."""
    began = time.perf_counter()
    with started(command, {}, LOGS / "container.log") as container:
        container.wait_until_healthy()
        figures: dict[str, Any] = {"start_seconds": time.perf_counter() - began, "memory": memory(container)}
        for worker in processes(container, WORKER_PROGRAM):
            worker.kill()
        figures["unhealthy_seconds"] = seconds_until(lambda: get(container.url, "/ping").status == 503)
        figures["healthy_seconds"] = seconds_until(lambda: get(container.url, "/ping").ok)
        began = time.perf_counter()
        container.stop()
        return {**figures, "stop_seconds": time.perf_counter() - began, "status": container.process.returncode}


def processes(container: Container, marker: str = "") -> list[psutil.Process]:
    """Returns the container's processes whose command line has the marker."""
    everything = psutil.Process(container.process.pid).children(recursive=True)
    return [process for process in everything if marker in command_line(process)]


def memory(container: Container) -> dict[str, int]:
    """Returns bytes by kind of process. Memory that several share counts in parts (proportional set size)."""
    sizes = dict.fromkeys((*KINDS.values(), "rest"), 0)
    for process in [psutil.Process(container.process.pid), *processes(container)]:
        line = command_line(process)
        kind = next((kind for marker, kind in KINDS.items() if marker in line), "rest")
        sizes[kind] += process.memory_full_info().pss
    return sizes


def seconds_until(is_so: Callable[[], bool]) -> float:
    """Waits for something, and returns how long that took."""
    began = time.perf_counter()
    wait_until(is_so, lambda: None)
    return time.perf_counter() - began


def text(result: Mapping[str, Any]) -> str:
    """The section of the page."""
    rounds = result["rounds"]
    sizes = {kind: statistics.median(each["memory"][kind] for each in rounds) for kind in rounds[0]["memory"]}
    parts = ", ".join(f"{kind} {size / MEBIBYTE:.0f} MiB" for kind, size in sizes.items())
    rows = [
        ["from the start until /ping says 200", _times(rounds, "start_seconds")],
        ["all workers killed: until /ping says 503", _times(rounds, "unhealthy_seconds")],
        ["then until it says 200 again", _times(rounds, "healthy_seconds")],
        ["from SIGTERM to the end", _times(rounds, "stop_seconds")],
        ["statuses at the end", ", ".join(str(each["status"]) for each in rounds)],
        ["memory after the start", f"{sum(sizes.values()) / MEBIBYTE:.0f} MiB: {parts}"],
    ]
    return f"{table(['', 'median (least to most)'], rows)}\n\nRounds: {len(rounds)}."


def _times(rounds: list[Mapping[str, Any]], name: str) -> str:
    seconds = [each[name] for each in rounds]
    return (
        f"{duration_text(statistics.median(seconds))} ({duration_text(min(seconds))} to {duration_text(max(seconds))})"
    )
