"""The clips that a network is judged on: mixes, single sources, new noise, silence."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from training.errors import TrainingError
from training.mixes.bank import Bank, labelled_tracks, make_bank
from training.mixes.batch import WINDOWS, Batch
from training.mixes.labelling import frame_energies, window_targets
from training.mixes.mixing import GROUP_WEIGHTS, Mixer, Sources, drawn_starts, gathered, source_targets
from training.mixes.transmission import Transmission
from training.settings import CLIP_SAMPLES
from training.stems import StoredStem
from training.tags import NOTHING, NUM_TAGS, Labels

Generator = Callable[[np.random.Generator], npt.NDArray[np.floating[Any]]]
_BATCH_CLIPS = 50
_PEAK = 0.9 * 32767


def banked(stems: list[StoredStem]) -> Bank:
    """Synthetic stems as a bank to draw from.

    Raises:
        TrainingError: the mixer would never draw from one of their groups.
    """
    if undrawn := sorted({stem.group for stem in stems} - GROUP_WEIGHTS.keys()):
        raise TrainingError(
            f"no weight for the groups {undrawn}; add them to GROUP_WEIGHTS in training/mixes/mixing.py"
        )
    return make_bank(labelled_tracks(stems), GROUP_WEIGHTS, 0, torch.device("cpu"))


def draws(stems: list[StoredStem], clips: int, seed: int) -> Iterator[Batch]:
    """Mixed clips of stems, a few at a time; the same seed gives the same clips."""
    mixer = Mixer(banked(stems), Transmission.drawn(seed), seed)
    for start in range(0, clips, _BATCH_CLIPS):
        yield mixer.draw(min(_BATCH_CLIPS, clips - start))


def singles(stems: list[StoredStem], clips: int, seed: int) -> Iterator[Batch]:
    """Clips of one source each, dry; all stems are drawn about equally often."""
    rng, bank = np.random.default_rng(seed), banked(stems)
    order = np.resize(rng.permutation(len(stems)), clips)
    for start in range(0, clips, _BATCH_CLIPS):
        yield _alone(rng, bank, order[start : start + _BATCH_CLIPS])


def _alone(rng: np.random.Generator, bank: Bank, stems: npt.NDArray[np.int64]) -> Batch:
    owners, looped = np.arange(len(stems)), np.zeros(len(stems), np.bool_)
    starts = drawn_starts(rng, bank.lengths[stems], looped)
    sources = Sources(owners, stems, looped, starts, np.ones(len(stems), np.float32))
    dry = gathered(bank, sources)
    targets, known = window_targets(
        frame_energies(dry), source_targets(bank, sources), torch.from_numpy(owners), len(stems)
    )
    return Batch(0.5 * dry / (dry.abs().amax(1, keepdim=True) + 1e-9), targets, known)


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
    nothing = torch.zeros(len(clips), WINDOWS, NUM_TAGS)
    return Batch(clips, nothing, torch.ones_like(nothing))
