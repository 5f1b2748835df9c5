"""Mixes stems into clips on the fly, and says for every window which tags it has."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch

from training.catalogue import IMPULSIVE_TAGS, MOMENTARY_TAGS, NOTHING, TAG_INDEX, TAG_NAMES, Labels
from training.rooms import Channels
from training.settings import CLIP_HOPS, CLIP_SAMPLES, FRAME_SAMPLES, HOP_SAMPLES, RATE, WINDOW_HOPS
from training.stems import StoredStem

FloatArray = npt.NDArray[np.float32]
WINDOWS = CLIP_HOPS - WINDOW_HOPS + 1
_FRAMES_PER_HOP = HOP_SAMPLES // FRAME_SAMPLES

# The label law, per frame of 50 ms: a tag is clear where its stems are at most 6 dB under the whole mix, and absent
# where they are more than 14 dB under it; between the two nobody can say.
CLEAR_RATIO = 10 ** (-6 / 10)
FAINT_RATIO = 10 ** (-14 / 10)
_TAIL_RATIO = 10 ** (-35 / 10)  # frames this far under the clip's loudest are tails: neither clear nor faint
_CLEAR_FRAMES = np.array([1 if name in MOMENTARY_TAGS else 2 if name in IMPULSIVE_TAGS else 5 for name in TAG_NAMES])

# How often each urn is drawn, in training and in judging. Tags that were not learnt well enough to ship when all urns
# were drawn nearly alike stay in the mixes as near-sounds of the others, but rarely: the more often they are drawn, the
# rarer are the tags that ship, and their average precision falls with their share of the windows.
_NEAR_SOUND = 0.01  # about 1 of 200 sources
GROUP_WEIGHTS: dict[str, float] = {
    **{"Piano": 0.09, "Guitar": 0.09, "Bowed_string_instrument": 0.1, "Drum": 0.07, "music": 0.12, "Speech": 0.22},
    **{"Siren": 0.06, "Civil_defense_siren": 0.045, "Alarm": 0.05, "Bell": 0.06, "Whistle": 0.02, "Car_horn": 0.045},
    **{"Gunshot": 0.055, "Knock": 0.045, "Clap": 0.045, "Applause": 0.035, "background": 0.11, "noise": 0.07},
    **{"Fire_smoke_alarm": 0.02, "Appliance_alarm": 0.02, "Reversing_beep": 0.045, "Car_alarm": 0.045},
    **{"Doorbell": 0.045, "Bicycle_bell": 0.04, "Crossing_signal": _NEAR_SOUND, "Footstep": _NEAR_SOUND},
    **{"Thud": _NEAR_SOUND, "Keyboard": 0.04, "Single_click": _NEAR_SOUND, "Finger_snap": _NEAR_SOUND},
    **{"Glass_break": 0.045, "Dining_clink": _NEAR_SOUND, "Explosion": 0.045, "Water_run": 0.04, "Boiling": 0.035},
    **{"Wind_noise": _NEAR_SOUND, "Aircraft_noise": _NEAR_SOUND, "Vacuum_cleaner": _NEAR_SOUND},
    **{"Electric_shaver_or_toothbrush": _NEAR_SOUND, "Mosquito": _NEAR_SOUND, "Snore": _NEAR_SOUND},
    **{"Bird_chirp": 0.04, "Dog_bark": 0.04, "Cat_meow": 0.035, "Baby_cry": 0.035, "Whisper": 0.04},
}
# Silence, and steady noise by itself at its full level: nothing must be found in either.
_SILENCE_ODDS, _NOISE_ALONE_ODDS = 0.02, 0.04
_SOURCE_COUNTS, _SOURCE_ODDS = (1, 2, 3), (0.5, 0.33, 0.17)


@dataclass(frozen=True)
class Batch:
    """Mixed clips.

    Attributes:
        clips: float32[B, CLIP_SAMPLES].
        targets: float32[B, WINDOWS, tags], 1 where the window has the tag.
        known: float32[B, WINDOWS, tags], 0 where nobody can say.
    """

    clips: torch.Tensor
    targets: torch.Tensor
    known: torch.Tensor


def frame_energies(samples: FloatArray) -> FloatArray:
    """Energy of each 50 ms: [..., samples] to [..., frames]."""
    framed = samples.reshape(*samples.shape[:-1], -1, FRAME_SAMPLES)
    return np.asarray(np.einsum("...fs,...fs->...f", framed, framed))


def window_labels(energies: FloatArray, labels: list[Labels]) -> tuple[FloatArray, FloatArray]:
    """Targets and known marks [windows, tags] from each stem's frame energies [stems, frames] as it is in the mix.

    A window has a tag when enough of its frames are clear (1 for momentary tags, 2 for impulsive ones, 5 for the
    others), and has it not when none is even faint.
    """
    total = energies.sum(0) + 1e-9
    present, unsure = _tag_energies(energies, labels, "present"), _tag_energies(energies, labels, "unsure")
    heard = total > _TAIL_RATIO * total.max()
    clear = (present > CLEAR_RATIO * total) & heard
    faint = (present + unsure > FAINT_RATIO * total) & heard
    windows = len(total) // _FRAMES_PER_HOP - WINDOW_HOPS + 1
    spans = [slice(first * _FRAMES_PER_HOP, (first + WINDOW_HOPS) * _FRAMES_PER_HOP) for first in range(windows)]
    targets = np.stack([clear[:, span].sum(1) >= _CLEAR_FRAMES for span in spans])
    absent = np.stack([~faint[:, span].any(1) for span in spans])
    return targets.astype(np.float32), (targets | absent).astype(np.float32)


def _tag_energies(energies: FloatArray, labels: list[Labels], which: str) -> FloatArray:
    """The energy [tags, frames] of all stems that have a tag (present), or might have it (unsure)."""
    belongs = np.zeros((len(TAG_NAMES), len(labels)), np.float32)
    for column, each in enumerate(labels):
        for name in getattr(each, which):
            belongs[TAG_INDEX[name], column] = 1
    return belongs @ energies


def cut(rng: np.random.Generator, stem: StoredStem, fill: bool) -> FloatArray:
    """A clip's length of a stem at about unit power: out of its middle, beginning late, or repeated to fill."""
    out = np.zeros(CLIP_SAMPLES, np.float32)
    length = len(stem.samples)
    if fill:
        take = int(rng.integers(length))
        out[:] = np.resize(np.roll(stem.samples, -take), CLIP_SAMPLES)
    elif length >= CLIP_SAMPLES and rng.random() < 0.7:
        take = int(rng.integers(length - CLIP_SAMPLES + 1))
        out[:] = stem.samples[take : take + CLIP_SAMPLES]
    else:
        start = int(rng.integers(-length // 3, CLIP_SAMPLES - RATE // 2))
        source = stem.samples[max(0, -start) :][: CLIP_SAMPLES - max(0, start)]
        out[max(0, start) : max(0, start) + len(source)] = source
    energies = frame_energies(out)
    loud = energies[energies > energies.max() * 1e-3]
    return np.asarray(out / np.sqrt(loud.mean() / FRAME_SAMPLES)) if len(loud) else out


class Mixer:
    """Draws clips from a bank of stems."""

    def __init__(self, bank: list[StoredStem], channels: Channels, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._channels = channels
        self._urns: dict[str, list[StoredStem]] = defaultdict(list)
        for stem in bank:
            self._urns[stem.group].append(stem)
        self._groups = [group for group in GROUP_WEIGHTS if group in self._urns]
        odds = np.array([GROUP_WEIGHTS[group] for group in self._groups])
        self._odds = odds / odds.sum()

    def draw(self, clips: int) -> Batch:
        """Mix `clips` new clips."""
        drawn = [self._draw_scene() for _ in range(clips)]
        dry = [source for sources, _ in drawn for source in sources]
        stacked = self._through_channels(dry, [len(sources) for sources, _ in drawn])
        mixes, targets, known, start = [], [], [], 0
        for sources, labels in drawn:
            mine = stacked[start : start + len(sources)]
            start += len(sources)
            each_target, each_known = window_labels(frame_energies(mine), labels)
            mixes.append(self._record(mine.sum(0)))
            targets.append(each_target)
            known.append(each_known)
        arrays = (np.stack(mixes), np.stack(targets), np.stack(known))
        return Batch(*(torch.from_numpy(array) for array in arrays))

    def _draw_scene(self) -> tuple[list[FloatArray], list[Labels]]:
        kind = self._rng.random()
        if kind < _SILENCE_ODDS:
            return self._draw_nothing()
        if kind < _SILENCE_ODDS + _NOISE_ALONE_ODDS and "noise" in self._urns:
            stem = self._draw_stem("noise")
            return [cut(self._rng, stem, True)], [stem.labels]
        return self._draw_sources()

    def _draw_stem(self, group: str) -> StoredStem:
        return self._urns[group][self._rng.integers(len(self._urns[group]))]

    def _draw_nothing(self) -> tuple[list[FloatArray], list[Labels]]:
        """A clip without a source: digital silence, a constant, or faint hiss."""
        level = self._rng.choice([0.0, 1.0])
        hiss = self._rng.standard_normal(CLIP_SAMPLES).astype(np.float32) * np.float32(self._rng.choice([0.0, 1.0]))
        return [hiss + np.float32(level)], [NOTHING]

    def _draw_sources(self) -> tuple[list[FloatArray], list[Labels]]:
        """The dry sources of one clip at their levels, a bed of noise among them in every other clip."""
        rng, sources, labels = self._rng, [], []
        for _ in range(rng.choice(_SOURCE_COUNTS, p=_SOURCE_ODDS)):
            group = self._groups[rng.choice(len(self._groups), p=self._odds)]
            stem = self._draw_stem(group)
            sources.append(cut(rng, stem, group == "noise") * np.float32(10 ** (-rng.uniform(0, 10) / 20)))
            labels.append(stem.labels)
        if rng.random() < 0.5 and "noise" in self._urns:
            stem = self._draw_stem("noise")
            sources.append(cut(rng, stem, True) * np.float32(10 ** (-rng.uniform(0, 40) / 20)))
            labels.append(stem.labels)
        return sources, labels

    def _through_channels(self, sources: list[FloatArray], counts: list[int]) -> FloatArray:
        """Each source through its path, and all of a clip through the same line if it has one; levels are kept."""
        paths: list[npt.NDArray[np.complex64] | None] = []
        for count in counts:
            line = self._channels.draw_line(self._rng)
            for _ in range(count):
                path = self._channels.draw_path(self._rng)
                if line is not None:
                    path = line.astype(np.complex64) if path is None else path * line
                paths.append(path)
        stacked = np.stack(sources)
        touched = [index for index, path in enumerate(paths) if path is not None]
        if touched:
            dry = torch.from_numpy(stacked[touched])
            spectra = torch.fft.rfft(dry) * torch.from_numpy(np.stack([path for path in paths if path is not None]))
            wet = torch.fft.irfft(spectra, CLIP_SAMPLES)
            stacked[touched] = wet.numpy()
        return stacked

    def _record(self, mix: FloatArray) -> FloatArray:
        """The recording's own: its level (0 to -42 dB of peak), now and then clipping, a little noise."""
        rng = self._rng
        peak = np.abs(mix).max() + 1e-6
        if rng.random() < 0.05:
            clipped = np.clip(mix / peak * np.float32(rng.uniform(2, 6)), -1, 1)
            return np.asarray(clipped * np.float32(rng.uniform(0.3, 1)))
        decibel = rng.uniform(0, 12) if rng.random() < 0.6 else rng.uniform(12, 42)
        out = mix * np.float32(10 ** (-decibel / 20) / peak)
        if rng.random() < 0.5:
            hiss = rng.standard_normal(len(out), np.float32)
            out += hiss * np.float32(10 ** (-rng.uniform(60, 95) / 20))
        return np.asarray(out, np.float32)
