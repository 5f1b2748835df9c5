"""Many callers at once against a real TorchServe.

Throughput with callers that wait for their answers (closed loop), and latency at fixed rates of requests, which are
sent on time whether or not earlier ones were answered (open loop).
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch
from tqdm import tqdm

from benchmarks.report import keep, table
from benchmarks.serving import Limit, measure_limit
from handler.model import load_model
from handler.scoring import default_batch_hops
from scripts import torchserve
from tests.support.audio import encode, lively

TREE = Path(__file__).resolve().parent.parent


def ask(url: str, body: bytes, due_seconds: float | None = None) -> float | None:
    """Tags a body; returns the seconds since it was due (or since now), or None where the answer is an error."""
    start = time.perf_counter() if due_seconds is None else due_seconds
    status, _ = torchserve.post(url, "/invocations", {"Content-Type": "audio/mp3"}, body)
    return time.perf_counter() - start if status == 200 else None


def closed_loop(url: str, bodies: Sequence[bytes], num_callers: int, seconds: float) -> tuple[int, float]:
    """Callers that ask again as soon as they are answered; returns answered requests and the seconds they took."""
    end = time.perf_counter() + seconds
    counts = [0] * num_callers

    def call(caller: int) -> None:
        while time.perf_counter() < end:
            ask(url, bodies[(caller + counts[caller]) % len(bodies)])
            counts[caller] += 1

    start = time.perf_counter()
    with ThreadPoolExecutor(num_callers) as callers:
        list(callers.map(call, range(num_callers)))
    return sum(counts), time.perf_counter() - start


def open_loop(url: str, bodies: Sequence[bytes], rate: float, seconds: float) -> list[float | None]:
    """Requests at a fixed rate; returns their latencies, counted from when each was due."""
    start = time.perf_counter() + 0.1
    due = [start + index / rate for index in range(round(rate * seconds))]

    def call(index: int) -> float | None:
        threading.Event().wait(max(0.0, due[index] - time.perf_counter()))
        return ask(url, bodies[index % len(bodies)], due[index])

    with ThreadPoolExecutor(256) as callers:
        return list(callers.map(call, range(len(due))))


def percentile(sorted_values: Sequence[float], share: float) -> float:
    """The value below which `share` of the values lie."""
    return sorted_values[min(len(sorted_values) - 1, int(share * len(sorted_values)))]


def latency_row(rate: float, latencies: Sequence[float | None]) -> list[str]:
    """A row of the open loop's table."""
    answered = sorted(latency for latency in latencies if latency is not None)
    cells = [f"{1000 * percentile(answered, share):.0f} ms" for share in (0.5, 0.95, 0.99)] if answered else ["-"] * 3
    return [f"{rate:g} /s", *cells, str(len(latencies) - len(answered))]


def throughput(url: str, bodies: Sequence[bytes], limit: Limit, clip_seconds: float, seconds: float) -> str:
    """The closed loop's table."""
    rows = []
    for num_callers in (1, 8):
        runs = [closed_loop(url, bodies, num_callers, seconds / 3) for _ in range(3)]
        speed = statistics.median(clip_seconds * answered / taken for answered, taken in runs)
        share = f"{100 * speed * limit.all_cores:.0f} %"
        rows.append([str(num_callers), f"{speed / clip_seconds:.1f} /s", f"{speed:.0f}", share])
    return table([f"callers, {clip_seconds:g} s MP3", "requests", "s of audio per s", "share of the limit"], rows)


def main() -> None:
    """Measures, prints and keeps the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=TREE / "model" / "model.pt2", help="model file")
    parser.add_argument("--clip-seconds", type=float, default=10.0, help="length of a clip (default: 10)")
    parser.add_argument(
        "--rates", type=float, nargs="+", default=[5, 10, 20, 40], help="requests/s (default: 5 10 20 40)"
    )
    parser.add_argument("--seconds", type=float, default=20.0, help="length of each run (default: 20)")
    options = parser.parse_args()
    model = load_model(options.model, torch.device("cpu"))
    clips = [encode(lively(options.clip_seconds, num_channels=2, seed=seed), 44_100, "mp3") for seed in range(8)]
    bodies = [bytes(clip) for clip in clips]
    limit = measure_limit(model, clips[0], default_batch_hops(torch.device("cpu")))
    store = TREE / "build" / "benchmark"
    subprocess.run([TREE / "build_mar.sh", "--model", options.model, "--output", store], check=True)
    with torchserve.running(torchserve.Settings(TREE / "build" / "logs" / "benchmark", model_store=store)) as server:
        ask(server.url, bodies[0])
        closed = throughput(server.url, bodies, limit, options.clip_seconds, options.seconds)
        rates = tqdm(options.rates, unit="rate")
        rows = [latency_row(rate, open_loop(server.url, bodies, rate, options.seconds)) for rate in rates]
    opened = table([f"open loop, {options.clip_seconds:g} s MP3", "p50", "p95", "p99", "errors"], rows)
    note = f"Limit of this run: {1 / limit.all_cores:.0f} s of audio per second on all cores, decoding and model alone."
    keep("load", "Load", "\n\n".join([closed, opened, note]))


if __name__ == "__main__":
    main()
