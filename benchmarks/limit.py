"""The limit of a run: decoding and resampling alone, and the model alone on ready hops, on all cores at once.

Each core runs a process of its own, so nobody waits for anybody's lock: first all decode, then all score full batches.
Costs are processor time, which hardly changes when others use the machine, too.
Both share the cores, so per second of audio the two costs add up. (With a GPU the limit is the slower of the two:
benchmarks/gpu.py.)
"""

from __future__ import annotations

import itertools
import multiprocessing
import os
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier

import torch

from deploy.torchserve import allocator
from handler.audio.stream import AudioStream
from handler.media import EncodedAudio
from handler.memory import keep_freed_memory
from handler.model.loading import Model, load_model
from handler.model.scoring import default_batch_hops
from handler.settings import Settings

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Limit:
    """What a second of audio costs at least.

    Attributes:
        decoding: Decoding and resampling, in seconds of one core.
        scoring: The model, in seconds of one core.
        num_cores: Cores that share the work.
    """

    decoding: float
    scoring: float
    num_cores: int

    @property
    def one_core(self) -> float:
        """Seconds that one core needs for both, one after the other."""
        return self.decoding + self.scoring

    @property
    def speed(self) -> float:
        """Seconds of audio per second that all cores can do at most."""
        return self.num_cores / self.one_core

    def describe(self) -> str:
        """In words, for below a table."""
        return (
            f"the limit of this run: a second of these files costs {1000 * self.decoding:.2f} ms of a core to decode "
            f"and {1000 * self.scoring:.2f} ms to score, measured alone on all {self.num_cores} cores at once: "
            f"{self.speed:.0f} s of audio per second."
        )


def num_cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0))


def measure_limit(model_file: Path, files: Sequence[Path], *, seconds: float = 4.0) -> Limit:
    """Measures for that many seconds each: decoding these files, and the model."""
    context = multiprocessing.get_context("spawn")
    cores = num_cores()
    os.environ.update(allocator.preloaded(os.environ))  # for the processes, as the server's workers have it
    with context.Pool(cores, _prepare, (model_file, files, context.Barrier(cores))) as processes:
        decoding = processes.map(_decoding_seconds, [seconds] * cores, chunksize=1)
        scoring = processes.map(_scoring_seconds, [seconds] * cores, chunksize=1)
    return Limit(statistics.harmonic_mean(decoding), statistics.harmonic_mean(scoring), cores)


class _Process:
    """What a measuring process holds."""

    model: Model
    bodies: list[memoryview]
    together: Barrier


def _prepare(model_file: Path, files: Sequence[Path], together: Barrier) -> None:
    torch.set_num_threads(1)
    keep_freed_memory()
    _Process.model = load_model(model_file, CPU)
    _Process.bodies = [memoryview(bytearray(file.read_bytes())) for file in files]
    _Process.together = together


def _decoding_seconds(seconds: float) -> float:
    """Decodes until the time is over, in the middle of a file if need be; processor seconds for a second of audio."""
    _decoded_seconds(0.2)
    _Process.together.wait()
    start = time.process_time()
    audio_seconds = _decoded_seconds(seconds)
    return (time.process_time() - start) / audio_seconds


def _decoded_seconds(seconds: float) -> float:
    deadline, audio_seconds = time.perf_counter() + seconds, 0.0
    for body in itertools.cycle(_Process.bodies):
        stream = AudioStream(
            body,
            EncodedAudio(),
            sample_rate=_Process.model.info.sample_rate,
            max_seconds=Settings().max_audio_seconds,
        )
        for _ in stream:
            if time.perf_counter() > deadline:
                return audio_seconds + float(stream.duration_seconds)
        audio_seconds += float(stream.duration_seconds)
    raise AssertionError("a cycle has no end")


def _scoring_seconds(seconds: float) -> float:
    """Scores full batches until the time is over; processor seconds for a second of audio."""
    info, batch_hops = _Process.model.info, default_batch_hops(CPU)
    hops = torch.randn(batch_hops, info.hop_samples, generator=torch.Generator().manual_seed(0)) * 0.1
    starts = torch.arange(batch_hops - info.grid.window_hops + 1)
    _Process.model.score(hops, starts)
    _Process.together.wait()
    start, deadline, num_batches = time.process_time(), time.perf_counter() + seconds, 0
    while time.perf_counter() < deadline:
        _Process.model.score(hops, starts)
        num_batches += 1
    return (time.process_time() - start) / (num_batches * batch_hops * float(info.grid.hop_seconds))
