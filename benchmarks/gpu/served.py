"""The real server with one model file in one form, called from several processes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks import bodies
from benchmarks.callers import ClosedLoop, closed_loop, merged
from benchmarks.measured_server import WITHOUT_GPU, MeasuredServer, serving
from benchmarks.processes import watched
from benchmarks.results import MEBIBYTE, duration_text
from benchmarks.together import StartLine, run_together
from handler.cores import WORKERS_VARIABLE, num_cores

CLIP_SECONDS = 10.0
# One process does not send fast enough for a GPU.
CORES_PER_CALLING_PROCESS = 4
WARM_UP_SECONDS = 1.0


@dataclass(frozen=True)
class Load:
    """What a server is asked.

    Attributes:
        num_callers: Callers with 10 s clips, one run for each number.
        long_callers: Callers with long files.
        long_seconds: Length of those.
        seconds: How long each run lasts, at least until every caller has an answer.
    """

    num_callers: tuple[int, ...]
    long_callers: int
    long_seconds: float
    seconds: float


def served(model_file: Path, form: str, num_workers: int, device: str, load: Load) -> Iterator[str]:
    """Starts the server and asks it; yields each figure in words."""
    environment = {"SENSE_MODEL_FORM": form, WORKERS_VARIABLE: str(num_workers)}
    start = time.monotonic()
    with serving(model_file, {**environment, **(WITHOUT_GPU if device == "cpu" else {})}) as server:
        yield f"{len(server.processes['worker'])} workers ready after {time.monotonic() - start:.1f} s"
        called(server.url, bodies.mp3(CLIP_SECONDS), max(load.num_callers), WARM_UP_SECONDS)
        runs = [(CLIP_SECONDS, num_callers) for num_callers in load.num_callers]
        for audio_seconds, num_callers in [*runs, (load.long_seconds, load.long_callers)]:
            yield _figure(server, audio_seconds, num_callers, load.seconds)


def called(url: str, file: Path, num_callers: int, seconds: float) -> ClosedLoop:
    """Callers in several processes ask again as soon as they are answered."""
    most = max(1, num_cores() // CORES_PER_CALLING_PROCESS)
    num_processes = max(number for number in range(1, most + 1) if num_callers % number == 0)
    return merged(run_together(_call, (url, file, num_callers // num_processes, seconds), num_processes))


def _call(start_line: StartLine, url: str, file: Path, num_callers: int, seconds: float) -> ClosedLoop:
    body = file.read_bytes()
    start_line()
    return closed_loop(url, body, num_callers, seconds)


def _figure(server: MeasuredServer, audio_seconds: float, num_callers: int, seconds: float) -> str:
    with watched(server.processes) as usage:
        loop = called(server.url, bodies.mp3(audio_seconds), num_callers, seconds)
    text = f"{loop.num_callers} callers with {duration_text(audio_seconds)} of MP3: {len(loop.errors)} errors"
    if loop.errors:
        text += f" ({loop.errors[0]})"
    if loop.answers:
        text += f", {loop.rate:,.1f} answers/s, {audio_seconds * loop.rate:,.0f} s of audio per s"
        text += f", p50 {duration_text(loop.latency(0.5))}, p95 {duration_text(loop.latency(0.95))}"
    return f"{text}, {usage.peak_bytes / MEBIBYTE:,.0f} MiB in all processes"
