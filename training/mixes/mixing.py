"""Mixes stems into clips, a whole batch at once on the bank's device, and says what is in each of their windows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from training.mixes.bank import NOISE, Bank
from training.mixes.batch import WINDOWS, Batch
from training.mixes.labelling import frame_energies, window_targets
from training.mixes.transmission import Transmission
from training.settings import CLIP_SAMPLES, FRAME_SAMPLES, HOP_SAMPLES, RATE, TEACHER_STEP_SECONDS

# How often each group of synthetic stems is drawn, in training and in judging. Tags that are not learnt well enough to
# ship stay in the mixes, so that the network does not take them for other tags.
GROUP_WEIGHTS: dict[str, float] = {
    **{"Piano": 0.09, "Guitar": 0.09, "Bowed_string_instrument": 0.1, "Drum": 0.07, "music": 0.12, "Speech": 0.22},
    **{"Siren": 0.06, "Civil_defense_siren": 0.045, "Alarm": 0.05, "Bell": 0.06, "Whistle": 0.02, "Car_horn": 0.045},
    **{"Fire_smoke_alarm": 0.02, "Appliance_alarm": 0.02, "Reversing_beep": 0.045, "Car_alarm": 0.045},
    **{"Doorbell": 0.045, "Bicycle_bell": 0.04, "Crossing_signal": 0.01, "Clap": 0.045, "Applause": 0.035},
    **{"Whisper": 0.04, "background": 0.05, "noise": 0.07},
}
# The share of sources that are recordings, where there are any.
RECORDED_SHARE = 0.65
# Clips of silence, and of steady noise alone at its full level: they have no tag.
_SILENCE_ODDS, _NOISE_ALONE_ODDS = 0.02, 0.08
_SOURCE_COUNTS, _SOURCE_ODDS = (1, 2, 3), (0.5, 0.33, 0.17)


@dataclass(frozen=True)
class Sources:
    """The sources of a batch of clips, K of them.

    Attributes:
        clips: int64 [K], the clip that each is in.
        stems: int64 [K].
        looped: bool [K], whether the stem is repeated to fill the clip.
        starts: int64 [K], where in the clip the first sample of the stem is, negative where its beginning is cut off.
        levels: float32 [K], amplitude against unit power.
    """

    clips: npt.NDArray[np.int64]
    stems: npt.NDArray[np.int64]
    looped: npt.NDArray[np.bool_]
    starts: npt.NDArray[np.int64]
    levels: npt.NDArray[np.float32]


def draw_sources(rng: np.random.Generator, bank: Bank, clips: int) -> Sources:
    """Draw what is in each clip: nothing, noise alone, or one to three sources and often noise under them."""
    kind = rng.random(clips)
    alone = (kind >= _SILENCE_ODDS) & (kind < _SILENCE_ODDS + _NOISE_ALONE_ODDS) & (NOISE in bank.groups)
    mixed = (kind >= _SILENCE_ODDS) & ~alone
    counts = np.where(mixed, rng.choice(_SOURCE_COUNTS, clips, p=_SOURCE_ODDS), 0)
    under = mixed & (rng.random(clips) < 0.5) & (NOISE in bank.groups)
    owners = np.concatenate([np.repeat(np.arange(clips), counts), np.flatnonzero(alone), np.flatnonzero(under)])
    num_drawn, num_alone, num_under = int(counts.sum()), int(alone.sum()), int(under.sum())
    noise = bank.groups.index(NOISE) if NOISE in bank.groups else 0
    groups = np.full(len(owners), noise)
    groups[:num_drawn] = rng.choice(len(bank.groups), num_drawn, p=bank.odds)
    decibels = np.concatenate([rng.uniform(0, 10, num_drawn), np.zeros(num_alone), rng.uniform(0, 40, num_under)])
    stems = bank.draw(rng, groups)
    looped = (groups == noise) & (NOISE in bank.groups)
    starts = drawn_starts(rng, bank.lengths[stems], looped)
    return Sources(owners, stems, looped, starts, (10 ** (-decibels / 20)).astype(np.float32))


def drawn_starts(
    rng: np.random.Generator, lengths: npt.NDArray[np.int64], looped: npt.NDArray[np.bool_]
) -> npt.NDArray[np.int64]:
    """From the middle of the stem (seven of ten long ones), or beginning late, or up to a third of it cut off."""
    room = lengths - CLIP_SAMPLES
    middle = (room >= 0) & (rng.random(len(lengths)) < 0.7)
    free = rng.integers(-lengths // 3, CLIP_SAMPLES - RATE // 2)
    inside = -rng.integers(0, np.maximum(room, 0) + 1)
    return np.asarray(np.where(looped, -rng.integers(0, lengths), np.where(middle, inside, free)))


def gathered(bank: Bank, sources: Sources) -> Tensor:
    """The dry sources at their levels: float32 [K, CLIP_SAMPLES]. Loud parts have unit power before the level."""
    device = bank.samples.device
    lengths = torch.from_numpy(bank.lengths[sources.stems]).to(device)[:, None]
    place = torch.arange(CLIP_SAMPLES, device=device) - torch.from_numpy(sources.starts).to(device)[:, None]
    looped = torch.from_numpy(sources.looped).to(device)[:, None]
    place = torch.where(looped, place.remainder(lengths), place)
    inside = (place >= 0) & (place < lengths)
    first = torch.from_numpy(bank.first[sources.stems]).to(device)[:, None]
    dry = bank.samples[(first + place).clamp(0, len(bank.samples) - 1)].float() * inside
    energies = frame_energies(dry)
    loud = energies > energies.amax(1, keepdim=True) * 1e-3
    power = (energies * loud).sum(1) / loud.sum(1).clamp(min=1) / FRAME_SAMPLES
    levels = torch.from_numpy(sources.levels).to(device)
    return dry * (levels / power.sqrt().clamp(min=1e-6))[:, None]


def source_targets(bank: Bank, sources: Sources) -> Tensor:
    """What each source has in each window of its clip, by its track: float32 [K, WINDOWS, tags]."""
    seconds = np.arange(WINDOWS)[None, :] * HOP_SAMPLES - sources.starts[:, None]
    lengths, counts = bank.lengths[sources.stems][:, None], bank.row_counts[sources.stems][:, None]
    places = np.where(sources.looped[:, None], seconds % lengths, seconds)
    rows = np.rint(places / (TEACHER_STEP_SECONDS * RATE)).astype(np.int64).clip(0, counts - 1)
    rows += bank.row_first[sources.stems][:, None]
    return bank.rows[torch.from_numpy(rows).to(bank.rows.device)]


class Mixer:
    """Draws clips from a bank of stems."""

    def __init__(self, bank: Bank, transmission: Transmission, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._device = bank.samples.device
        self._generator = torch.Generator(self._device).manual_seed(seed)
        self._transmission = transmission.on(self._device)
        self._bank = bank

    def draw(self, clips: int) -> Batch:
        """Mix `clips` new clips."""
        sources = draw_sources(self._rng, self._bank, clips)
        wet = self._transmission.send(self._rng, gathered(self._bank, sources), sources.clips)
        owners = torch.from_numpy(sources.clips).to(self._device)
        mixes = torch.zeros(clips, CLIP_SAMPLES, device=self._device).index_add_(0, owners, wet)
        targets, known = window_targets(frame_energies(wet), source_targets(self._bank, sources), owners, clips)
        return Batch(self._recorded(self._with_silence(mixes, sources.clips)), targets, known)

    def _uniform(self, low: float, high: float, count: int) -> Tensor:
        return torch.from_numpy(self._rng.uniform(low, high, count).astype(np.float32)).to(self._device)[:, None]

    def _hiss(self, clips: int) -> Tensor:
        return torch.randn(clips, CLIP_SAMPLES, generator=self._generator, device=self._device)

    def _with_silence(self, mixes: Tensor, owners: npt.NDArray[np.int64]) -> Tensor:
        """Clips without a source become digital silence, a constant, or faint hiss."""
        empty = np.setdiff1d(np.arange(len(mixes)), owners)
        if len(empty):
            hiss, level = (self._uniform(0, 1, len(empty)).round() for _ in range(2))
            mixes[torch.from_numpy(empty).to(self._device)] = self._hiss(len(empty)) * hiss + level
        return mixes

    def _recorded(self, mixes: Tensor) -> Tensor:
        """Mixes as recorded: at a level of 0 to -42 dB of peak, sometimes clipped, sometimes with a little noise."""
        count, rng = len(mixes), self._rng
        peaked = mixes / (mixes.abs().amax(1, keepdim=True) + 1e-6)
        clipped = (peaked * self._uniform(2, 6, count)).clamp(-1, 1) * self._uniform(0.3, 1, count)
        near = rng.random(count) < 0.6
        decibels = np.where(near, rng.uniform(0, 12, count), rng.uniform(12, 42, count))
        gains = torch.from_numpy((10 ** (-decibels / 20)).astype(np.float32)).to(self._device)[:, None]
        hissing = self._uniform(0, 1, count) < 0.5
        noise = 10 ** (-self._uniform(60, 95, count) / 20) * hissing
        return torch.where(self._uniform(0, 1, count) < 0.05, clipped, peaked * gains + self._hiss(count) * noise)
