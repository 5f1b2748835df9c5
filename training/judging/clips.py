"""The clips that a network is judged on: mixes, single sources, new noise, silence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from training.errors import TrainingError
from training.mixes.batch import WINDOWS, Batch
from training.mixes.labelling import frame_energies, window_labels
from training.mixes.mixing import GROUP_WEIGHTS, Mixer, cut
from training.mixes.transmission import Transmission
from training.settings import CLIP_SAMPLES
from training.stems import StoredStem
from training.tags import NOTHING, TAG_NAMES, Labels

Generator = Callable[[np.random.Generator], npt.NDArray[np.floating[Any]]]
_BATCH_CLIPS = 50
_PEAK = 0.9 * 32767


def draws(bank: list[StoredStem], clips: int, seed: int) -> Iterator[Batch]:
    """Mixed clips of a bank, a few at a time; the same seed gives the same clips.

    Raises:
        TrainingError: the mixer would never draw from one of the bank's groups.
    """
    if undrawn := sorted({stem.group for stem in bank} - GROUP_WEIGHTS.keys()):
        raise TrainingError(
            f"no weight for the groups {undrawn}; add them to GROUP_WEIGHTS in training/mixes/mixing.py"
        )
    mixer = Mixer(bank, Transmission.drawn(seed), seed)
    for start in range(0, clips, _BATCH_CLIPS):
        yield mixer.draw(min(_BATCH_CLIPS, clips - start))


def singles(bank: list[StoredStem], clips: int, seed: int) -> Iterator[Batch]:
    """Clips of one source each, dry; all stems are drawn about equally often."""
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


def noise_bank(generator: Generator, count: int, seed: int, labels: Labels = NOTHING) -> list[StoredStem]:
    """`count` new stems of a generator of noise, in the group "noise"."""
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
