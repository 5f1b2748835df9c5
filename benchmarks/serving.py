"""A real TorchServe on this machine: latency of a short clip, and speed and memory over the length of a file.

The limit is measured in the same run, without a server: decoding and resampling alone, and the model alone on ready
hops, each in seconds of one core. Without a GPU both share the cores, so per second of audio the two costs add up and
are spread over all cores.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import torch
from tqdm import tqdm

from benchmarks.report import keep, table
from handler.content_type import EncodedAudio
from handler.decoder import AudioStream
from handler.model import Model, load_model
from handler.scoring import default_batch_hops
from handler.settings import Settings
from scripts import torchserve
from tests.support.audio import encode, lively

TREE = Path(__file__).resolve().parent.parent
MEBIBYTE = 1 << 20
NUM_CORES = len(os.sched_getaffinity(0))


@dataclass(frozen=True)
class Limit:
    """What a second of audio costs at least, in seconds of one core.

    Attributes:
        decoding: Decoding and resampling.
        scoring: The model.
    """

    decoding: float
    scoring: float

    @property
    def one_core(self) -> float:
        """Both, one after the other."""
        return self.decoding + self.scoring

    @property
    def all_cores(self) -> float:
        """Both, spread over all cores of this machine."""
        return self.one_core / NUM_CORES


def measure_limit(model: Model, body: bytearray, batch_hops: int) -> Limit:
    """Measures decoding alone and the model alone on full batches, each on one core."""
    torch.set_num_threads(1)
    start = time.process_time()
    stream = AudioStream(
        memoryview(body), EncodedAudio(), sample_rate=model.info.sample_rate, max_seconds=Settings().max_audio_seconds
    )
    for _ in stream:
        pass
    decoding = (time.process_time() - start) / float(stream.duration_seconds)
    hops = torch.randn(batch_hops, model.info.hop_samples) * 0.1
    starts = torch.arange(batch_hops - model.info.grid.window_hops + 1)
    return Limit(decoding, statistics.median(_scoring_seconds(model, hops, starts) for _ in range(30)) / batch_hops)


def _scoring_seconds(model: Model, hops: torch.Tensor, starts: torch.Tensor) -> float:
    start = time.process_time()
    model.score(hops, starts)
    return time.process_time() - start


@contextmanager
def peak_memory(process: psutil.Process) -> Iterator[list[int]]:
    """Samples a process's resident bytes for the length of the block; the list holds the highest figure alone."""
    peak = [process.memory_info().rss]
    stopped = threading.Event()

    def sample() -> None:
        while not stopped.wait(0.02):
            peak[0] = max(peak[0], process.memory_info().rss)

    thread = threading.Thread(target=sample)
    thread.start()
    try:
        yield peak
    finally:
        stopped.set()
        thread.join()


def ask(server: torchserve.TorchServe, body: bytes) -> float:
    """Tags a body and returns how many seconds that took."""
    start = time.perf_counter()
    status, answer = torchserve.post(server.url, "/invocations", {"Content-Type": "audio/mp3"}, body)
    if status != 200:
        raise SystemExit(f"the server answered {status}: {answer[:200].decode()}")
    return time.perf_counter() - start


def clip_latency(server: torchserve.TorchServe, limit: Limit, num_requests: int) -> str:
    """One caller, one request after another."""
    body = bytes(encode(lively(10.0, num_channels=2), 44_100, "mp3"))
    ask(server, body)
    times = sorted(ask(server, body) for _ in tqdm(range(num_requests), desc="10 s clips", unit="request"))
    median = statistics.median(times)
    rows = [
        ["median", f"{1000 * median:.0f} ms"],
        ["95th percentile", f"{1000 * times[int(0.95 * (len(times) - 1))]:.0f} ms"],
        ["decoding and model alone, on one core", f"{1000 * 10 * limit.one_core:.0f} ms"],
        ["median, as a multiple of that", f"{median / (10 * limit.one_core):.1f}"],
    ]
    return table(["10 s MP3, one caller", f"{num_requests} requests"], rows)


def long_files(server: torchserve.TorchServe, limit: Limit, minutes: list[int]) -> str:
    """One long file after another: speed, and how the worker's memory grows over what it held when idle."""
    (worker,) = server.workers()
    rows = []
    for length in tqdm(minutes, desc="long files", unit="file"):
        body = bytes(encode(lively(60.0 * length), 44_100, "mp3"))
        idle = worker.memory_info().rss
        with peak_memory(worker) as peak:
            seconds = ask(server, body)
        speed = 60 * length / seconds
        rows.append(
            [
                f"{length} min",
                f"{len(body) / MEBIBYTE:.0f} MiB",
                f"{seconds:.1f} s",
                f"{speed:.0f}",
                f"{100 * speed * limit.all_cores:.0f} %",
                f"{(peak[0] - idle - len(body)) / MEBIBYTE:.0f} MiB",
            ]
        )
    header = ["MP3", "body", "time", "s of audio per s", "share of the limit", "worker's growth beyond the body"]
    return table(header, rows)


def main() -> None:
    """Measures, prints and keeps the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--model", type=Path, default=TREE / "model" / "model.pt2", help="model file (default: the bundled one)"
    )
    parser.add_argument("--requests", type=int, default=100, help="short clips (default: 100)")
    parser.add_argument("--minutes", type=int, nargs="+", default=[10, 30, 60], help="long files (default: 10 30 60)")
    options = parser.parse_args()
    model = load_model(options.model, torch.device("cpu"))
    limit = measure_limit(model, encode(lively(120.0), 44_100, "mp3"), default_batch_hops(torch.device("cpu")))
    store = TREE / "build" / "benchmark"
    subprocess.run([TREE / "build_mar.sh", "--model", options.model, "--output", store], check=True)
    with torchserve.running(torchserve.Settings(TREE / "build" / "logs" / "benchmark", model_store=store)) as server:
        tables = [clip_latency(server, limit, options.requests), long_files(server, limit, options.minutes)]
    note = (
        f"Limit of this run: one core needs {1000 * limit.decoding:.2f} ms to decode a second of audio and "
        f"{1000 * limit.scoring:.2f} ms to score it; spread over {NUM_CORES} cores, {1 / limit.all_cores:.0f} s of "
        "audio per second."
    )
    keep("serving", "Serving", "\n\n".join([*tables, note]))


if __name__ == "__main__":
    main()
