"""The limit of a run: decoding and resampling alone, and the model alone on ready hops, on all cores at once.

Each core has a process of its own, so nobody waits for anybody's lock. Costs are processor time, which hardly changes
when others use the machine, too. Both share the cores, so per second of audio the two costs add up.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from benchmarks.together import StartLine, run_together
from deploy.torchserve import allocator
from handler.audio.stream import AudioStream
from handler.cores import num_cores
from handler.media import EncodedAudio
from handler.memory import keep_freed_memory
from handler.model.loading import Model, load_model
from handler.model.scoring import default_batch_hops
from handler.settings import Settings

CPU = torch.device("cpu")
WARM_UP_SECONDS = 0.2


@dataclass(frozen=True)
class Limit:
    """What a second of audio costs at least.

    Attributes:
        decoding: Decoding and resampling, in seconds of one core.
        scoring: The model, in seconds of one core.
        cores: Cores that share the work.
    """

    decoding: float
    scoring: float
    cores: int

    @property
    def speed(self) -> float:
        """Seconds of audio per second that all cores can do at most."""
        return self.cores / (self.decoding + self.scoring)


def measure_limit(model_file: Path, file: Path, *, seconds: float) -> Limit:
    """Measures decoding that file and then the model, for that many seconds each."""
    os.environ.update(allocator.preloaded(os.environ))  # for the processes, as the server's workers have it
    costs = run_together(_costs, (model_file, file, seconds), num_cores())
    decoding, scoring = (statistics.harmonic_mean(each) for each in zip(*costs, strict=True))
    return Limit(decoding, scoring, len(costs))


def _costs(start_line: StartLine, model_file: Path, file: Path, seconds: float) -> tuple[float, float]:
    """Processor seconds for a second of audio: decoding, and scoring."""
    torch.set_num_threads(1)
    keep_freed_memory()
    model, body = load_model(model_file, CPU), memoryview(bytearray(file.read_bytes()))
    decode = partial(_decoded_seconds, body, model.info.sample_rate)
    score = partial(_scored_seconds, model)
    return _cost(start_line, decode, seconds), _cost(start_line, score, seconds)


def _cost(start_line: StartLine, work: Callable[[float], float], seconds: float) -> float:
    work(WARM_UP_SECONDS)
    start_line()
    start = time.process_time()
    audio_seconds = work(seconds)
    return (time.process_time() - start) / audio_seconds


def _decoded_seconds(body: memoryview, sample_rate: int, seconds: float) -> float:
    """Decodes until the time is over, in the middle of the file if need be; returns how much audio that was."""
    deadline, audio_seconds = time.perf_counter() + seconds, 0.0
    while True:
        stream = AudioStream(body, EncodedAudio(), sample_rate=sample_rate, max_seconds=Settings().max_audio_seconds)
        for _ in stream:
            if time.perf_counter() > deadline:
                return audio_seconds + float(stream.duration_seconds)
        audio_seconds += float(stream.duration_seconds)


def _scored_seconds(model: Model, seconds: float) -> float:
    """Scores full batches until the time is over; returns how much audio that was."""
    info, batch_hops = model.info, default_batch_hops(CPU)
    hops = torch.randn(batch_hops, info.hop_samples, generator=torch.Generator().manual_seed(0)) * 0.1
    starts = torch.arange(batch_hops - info.grid.window_hops + 1)
    deadline, num_batches = time.perf_counter() + seconds, 0
    while time.perf_counter() < deadline:
        model.score(hops, starts)
        num_batches += 1
    return num_batches * batch_hops * float(info.grid.hop_seconds)
