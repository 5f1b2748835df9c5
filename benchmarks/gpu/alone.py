"""The model alone in one form, loaded as the handler loads it: from the host's memory to the host's memory."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from benchmarks.together import StartLine, run_together
from handler.arrays import Floats
from handler.audio.stream import AudioStream
from handler.media import EncodedAudio
from handler.model.file import ModelInfo
from handler.model.forms import EXPORTED
from handler.model.loading import Model, load_model
from handler.model.scoring import default_num_threads

MAX_SECONDS = 3600


@dataclass(frozen=True)
class Plan:
    """What is measured of every form.

    Attributes:
        device: "cuda" or "cpu".
        batches: Hops in a batch.
        seconds: How long each speed is measured.
        heard: Sound files on which probabilities are compared.
    """

    device: str
    batches: tuple[int, ...]
    seconds: float
    heard: tuple[Path, ...]


@dataclass(frozen=True)
class Speed:
    """Hops per second in batches of that many hops, which that many threads score at once."""

    batch_hops: int
    num_threads: int
    hops_per_second: float


@dataclass(frozen=True)
class Measured:
    """A form of a model.

    Attributes:
        form: As the handler names it.
        loading_seconds: Until it was loaded and tried.
        speeds: In all batches and numbers of threads.
        probabilities: float32 of shape (windows, tags), of the sound files.
        thresholds: float32 of shape (tags,).
    """

    form: str
    loading_seconds: float
    speeds: Sequence[Speed]
    probabilities: Floats
    thresholds: Floats


class Alone:
    """Measures forms, each in a process of its own: a form that breaks a GPU's context spoils it for its process."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._exported: dict[Path, Floats] = {}

    def measure(self, model_file: Path, form: str) -> Iterator[str]:
        """Yields each figure in words; probabilities are compared once the exported program was measured."""
        (measured,) = run_together(_measured, (model_file, form, self._plan), 1)
        yield f"loaded and tried in {measured.loading_seconds:.1f} s: {measured.form}"
        for speed in measured.speeds:
            threads = f"{speed.num_threads} threads" if speed.num_threads > 1 else "1 thread"
            yield f"{threads}, {speed.batch_hops} hops in a batch: {speed.hops_per_second:,.0f} hops/s"
        if form == EXPORTED:
            self._exported[model_file] = measured.probabilities
        if model_file in self._exported:
            yield difference(measured.probabilities, self._exported[model_file], measured.thresholds)


def difference(probabilities: Floats, expected: Floats, thresholds: Floats) -> str:
    """In words: how far probabilities of shape (windows, tags) are off, and how many detections that changes."""
    if not np.isfinite(probabilities).all():
        return "some probabilities are not finite"
    changed = ((probabilities >= thresholds) != (expected >= thresholds)).mean()
    return (
        f"probabilities move by at most {np.abs(probabilities - expected).max():.1e}, which changes {changed:.2%} of "
        f"{probabilities.size:,} window-tags"
    )


def _measured(_: StartLine, model_file: Path, form: str, plan: Plan) -> Measured:
    device = torch.device(plan.device)
    torch.set_num_threads(1)
    start = time.monotonic()
    model = load_model(model_file, device, form=form)
    loading_seconds = time.monotonic() - start
    speeds = [
        Speed(batch_hops, num_threads, hops_per_second(model, batch_hops, num_threads, plan.seconds))
        for batch_hops in plan.batches
        for num_threads in (1, default_num_threads(device))
    ]
    hops = torch.cat([_hops(file, model.info) for file in plan.heard])
    probabilities = model.score(hops, torch.arange(len(hops) - model.info.grid.window_hops + 1))
    return Measured(model.form, loading_seconds, speeds, probabilities, model.info.thresholds)


def hops_per_second(model: Model, batch_hops: int, num_threads: int, seconds: float) -> float:
    """Threads score the same batch of noise again and again, for that long."""
    hops = torch.randn(batch_hops, model.info.hop_samples, generator=torch.Generator().manual_seed(0)) * 0.1
    starts = torch.arange(batch_hops - model.info.grid.window_hops + 1)

    def score_until(end: float) -> int:
        num_batches = 0
        while time.monotonic() < end or not num_batches:
            model.score(hops, starts)
            num_batches += 1
        return num_batches

    with ThreadPoolExecutor(num_threads) as threads:
        list(threads.map(score_until, [0.0] * num_threads))  # warms up
        start = time.monotonic()
        num_batches = sum(threads.map(score_until, [start + seconds] * num_threads))
        return num_batches * batch_hops / (time.monotonic() - start)


def _hops(file: Path, info: ModelInfo) -> torch.Tensor:
    """A sound file's whole hops: float32 of shape (hops, hop_samples)."""
    body = memoryview(bytearray(file.read_bytes()))
    samples = torch.cat([*AudioStream(body, EncodedAudio(), sample_rate=info.sample_rate, max_seconds=MAX_SECONDS)])
    return samples[: len(samples) // info.hop_samples * info.hop_samples].reshape(-1, info.hop_samples)
