"""One file at a time, from 10 s to 1 GiB of MP3: time and memory. Both should not depend on the length."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tqdm import tqdm

from benchmarks import bodies
from benchmarks.callers import Callers
from benchmarks.measured_server import MeasuredServer, serving
from benchmarks.processes import watched
from benchmarks.results import MEBIBYTE, duration_text, table

HOUR = 3600.0
LENGTHS, QUICK_LENGTHS = (10.0, 60.0, 600.0, HOUR, 6 * HOUR), (10.0, 60.0, 600.0)
QUICK_LARGEST_BYTES = 20 * MEBIBYTE
# Short files are sent several times.
LEAST_SECONDS = 2.0
MOST_REPEATS = 20


def measure(model_file: Path, *, quick: bool) -> dict[str, Any]:
    """Measures everything."""
    files = [bodies.mp3(seconds) for seconds in (QUICK_LENGTHS if quick else LENGTHS)]
    files.append(bodies.largest_mp3(QUICK_LARGEST_BYTES if quick else bodies.GIBIBYTE))
    with serving(model_file) as server:
        callers = Callers(server.url)
        callers.ask(files[0])
        return {"files": [measure_file(server, callers, file) for file in tqdm(files, desc="lengths", unit="file")]}


def measure_file(server: MeasuredServer, callers: Callers, file: Path) -> dict[str, Any]:
    """Sends a file once, or more often if it is short."""
    times: list[float] = []
    with watched(server.processes) as usage:
        while not times or (sum(times) < LEAST_SECONDS and len(times) < MOST_REPEATS):
            start = time.perf_counter()
            answer = callers.ask(file)
            times.append(time.perf_counter() - start)
    return {
        "audio_seconds": json.loads(answer)["metadata"]["length_sec"],
        "size_bytes": file.stat().st_size,
        "seconds": statistics.median(times),
        "peak_bytes": usage.peak_bytes,
        "growth_bytes": usage.growth().total_bytes,
        "growth_own_bytes": usage.growth().own_bytes,
    }


def text(result: Mapping[str, Any]) -> str:
    """The section of the page."""
    header = ["MP3", "body", "time", "s of audio per s", "an hour of it takes"]
    header += ["memory", "worker grows by", "without mapped files"]
    note = (
        "Growth: of the workers, over the moment before the request. Mapped files are libraries and the body itself, "
        "which the worker reads from the front's file."
    )
    return f"{table(header, [_row(file) for file in result['files']])}\n\n{note}"


def _row(file: Mapping[str, Any]) -> list[str]:
    speed = file["audio_seconds"] / file["seconds"]
    size = f"{file['size_bytes'] / MEBIBYTE:.3g} MiB" if file["size_bytes"] < MEBIBYTE * 1000 else "1 GiB"
    memory = [f"{file[name] / MEBIBYTE:.0f} MiB" for name in ("peak_bytes", "growth_bytes", "growth_own_bytes")]
    times = [duration_text(file["seconds"]), f"{speed:.0f}", duration_text(HOUR / speed)]
    return [duration_text(file["audio_seconds"]), size, *times, *memory]
