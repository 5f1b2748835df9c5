"""What a network hears in sounds that are drawn to judge it: scores beside what is there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from tqdm import tqdm

from training.catalogue import NOTHING, TAG_NAMES, Labels
from training.errors import TrainingError
from training.fit import hops_of, window_starts
from training.metrics import BoolArray, FloatArray
from training.mixing import GROUP_WEIGHTS, WINDOWS, Batch, Mixer, cut, frame_energies, window_labels
from training.network import Tagger
from training.rooms import Channels
from training.settings import CLIP_SAMPLES
from training.stems import StoredStem

Generator = Callable[[np.random.Generator], npt.NDArray[np.floating[Any]]]
_BATCH_CLIPS = 50
_PEAK = 0.9 * 32767


@dataclass(frozen=True)
class Heard:
    """Scored windows.

    Attributes:
        scores: float32[windows, tags], probabilities.
        there: bool[windows, tags], whether the window has the tag.
        known: bool[windows, tags], whether anybody can say.
    """

    scores: FloatArray
    there: BoolArray
    known: BoolArray

    def of(self, tag: int) -> tuple[FloatArray, BoolArray]:
        """Scores of one tag and whether it is there, in the windows where somebody can say."""
        known = self.known[:, tag]
        return self.scores[known, tag], self.there[known, tag]

    def wrong(self, thresholds: FloatArray) -> BoolArray:
        """bool[windows, tags]: reported at these thresholds, and surely not there."""
        return (self.scores >= thresholds) & self.known & ~self.there


@torch.no_grad()
def probabilities(tagger: Tagger, clips: torch.Tensor) -> FloatArray:
    """Clips [B, CLIP_SAMPLES] to probabilities [B * WINDOWS, tags]."""
    parts = [torch.sigmoid(tagger(hops_of(part), window_starts(len(part)))) for part in torch.split(clips, 32)]
    return np.asarray(torch.cat(parts).numpy())


def draws(bank: list[StoredStem], clips: int, seed: int) -> Iterator[Batch]:
    """Mixed clips of a bank, a few at a time; the same seed gives the same clips.

    Raises:
        TrainingError: the mixer would never draw from one of the bank's urns.
    """
    if undrawn := sorted({stem.group for stem in bank} - GROUP_WEIGHTS.keys()):
        raise TrainingError(f"no weight for the urns {undrawn}; add them to GROUP_WEIGHTS in training/mixing.py")
    mixer = Mixer(bank, Channels.drawn(seed), seed)
    for start in range(0, clips, _BATCH_CLIPS):
        yield mixer.draw(min(_BATCH_CLIPS, clips - start))


def singles(bank: list[StoredStem], clips: int, seed: int) -> Iterator[Batch]:
    """Clips of one source each, dry and alone, every stem about as often as the others."""
    rng = np.random.default_rng(seed)
    order = [bank[index] for index in np.resize(rng.permutation(len(bank)), clips)]
    for start in range(0, clips, _BATCH_CLIPS):
        yield _alone(rng, order[start : start + _BATCH_CLIPS])


def _alone(rng: np.random.Generator, stems: list[StoredStem]) -> Batch:
    cuts = np.stack([cut(rng, stem, fill=False) for stem in stems])
    labels = [window_labels(frame_energies(each[None]), [stem.labels]) for each, stem in zip(cuts, stems, strict=True)]
    levelled = (0.5 * cuts / (np.abs(cuts).max(1, keepdims=True) + 1e-9)).astype(np.float32)
    arrays = (levelled, np.stack([targets for targets, _ in labels]), np.stack([known for _, known in labels]))
    return Batch(*(torch.from_numpy(array) for array in arrays))


def hear(tagger: Tagger, batches: Iterable[Batch], what: str) -> Heard:
    """Score all windows of some batches; `what` they are stands beside the progress."""
    parts = [
        (probabilities(tagger, batch.clips), batch.targets.flatten(0, 1), batch.known.flatten(0, 1))
        for batch in tqdm(batches, desc=what, unit="batch", leave=False)
    ]
    scores, there, known = zip(*parts, strict=True)
    return Heard(np.concatenate(scores), torch.cat(there).numpy() > 0.5, torch.cat(known).numpy() > 0.5)


def noise_bank(generator: Generator, count: int, seed: int, labels: Labels = NOTHING) -> list[StoredStem]:
    """New draws of a generator of noise, in the urn of noise."""
    rng, name = np.random.default_rng(seed), f"signal/{generator.__name__}"
    drawn = [generator(rng) for _ in range(count)]
    whole = [(each * (_PEAK / np.abs(each).max())).astype(np.int16) for each in drawn]
    return [StoredStem(samples, labels, name, "noise") for samples in whole]


def calm_clips(seed: int) -> Iterator[Batch]:
    """Digital silence, constants, and hiss from -100 to -40 dB of full scale."""
    generator = torch.Generator().manual_seed(seed)
    constants = torch.cat([torch.zeros(1), torch.linspace(-1, 1, 40)])[:, None].expand(-1, CLIP_SAMPLES)
    levels = 10 ** (torch.linspace(-100, -40, 160)[:, None] / 20)
    yield _without_tags(constants)
    yield _without_tags(levels * torch.randn(len(levels), CLIP_SAMPLES, generator=generator))


def _without_tags(clips: torch.Tensor) -> Batch:
    nothing = torch.zeros(len(clips), WINDOWS, len(TAG_NAMES))
    return Batch(clips, nothing, torch.ones_like(nothing))
