"""Mixes stems into clips. The group weights say how often each kind of source is drawn."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import numpy.typing as npt
import torch

from training.mixes.batch import Batch
from training.mixes.labelling import frame_energies, window_labels
from training.mixes.transmission import Transmission
from training.settings import CLIP_SAMPLES, FRAME_SAMPLES, RATE
from training.stems import Samples, StoredStem
from training.tags import NOTHING, Labels

# How often each group of stems is drawn, in training and in judging. Tags that are not learnt well enough to ship stay
# in the mixes, so that the network does not take them for other tags. They are rare: drawing them more often makes the
# tags that ship rarer, and average precision falls with a tag's share of the windows.
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
# Clips of silence, and of steady noise alone at its full level: they have no tag.
_SILENCE_ODDS, _NOISE_ALONE_ODDS = 0.02, 0.04
_SOURCE_COUNTS, _SOURCE_ODDS = (1, 2, 3), (0.5, 0.33, 0.17)


def cut(rng: np.random.Generator, stem: StoredStem, fill: bool) -> Samples:
    """A clip of a stem at about unit power: from its middle, starting late, or repeated to fill the clip."""
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

    def __init__(self, bank: list[StoredStem], transmission: Transmission, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._transmission = transmission
        self._stems: dict[str, list[StoredStem]] = defaultdict(list)
        for stem in bank:
            self._stems[stem.group].append(stem)
        self._groups = [group for group in GROUP_WEIGHTS if group in self._stems]
        odds = np.array([GROUP_WEIGHTS[group] for group in self._groups])
        self._odds = odds / odds.sum()

    def draw(self, clips: int) -> Batch:
        """Mix `clips` new clips."""
        drawn = [self._draw_scene() for _ in range(clips)]
        dry = [source for sources, _ in drawn for source in sources]
        stacked = self._transmitted(dry, [len(sources) for sources, _ in drawn])
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

    def _draw_scene(self) -> tuple[list[Samples], list[Labels]]:
        kind = self._rng.random()
        if kind < _SILENCE_ODDS:
            return self._draw_nothing()
        if kind < _SILENCE_ODDS + _NOISE_ALONE_ODDS and "noise" in self._stems:
            stem = self._draw_stem("noise")
            return [cut(self._rng, stem, True)], [stem.labels]
        return self._draw_sources()

    def _draw_stem(self, group: str) -> StoredStem:
        return self._stems[group][self._rng.integers(len(self._stems[group]))]

    def _draw_nothing(self) -> tuple[list[Samples], list[Labels]]:
        """A clip without a source: digital silence, a constant, or faint hiss."""
        level = self._rng.choice([0.0, 1.0])
        hiss = self._rng.standard_normal(CLIP_SAMPLES).astype(np.float32) * np.float32(self._rng.choice([0.0, 1.0]))
        return [hiss + np.float32(level)], [NOTHING]

    def _draw_sources(self) -> tuple[list[Samples], list[Labels]]:
        """The dry sources of one clip at their levels. Every second clip has noise under them."""
        rng, sources, labels = self._rng, [], []
        for _ in range(rng.choice(_SOURCE_COUNTS, p=_SOURCE_ODDS)):
            group = self._groups[rng.choice(len(self._groups), p=self._odds)]
            stem = self._draw_stem(group)
            sources.append(cut(rng, stem, group == "noise") * np.float32(10 ** (-rng.uniform(0, 10) / 20)))
            labels.append(stem.labels)
        if rng.random() < 0.5 and "noise" in self._stems:
            stem = self._draw_stem("noise")
            sources.append(cut(rng, stem, True) * np.float32(10 ** (-rng.uniform(0, 40) / 20)))
            labels.append(stem.labels)
        return sources, labels

    def _transmitted(self, sources: list[Samples], counts: list[int]) -> Samples:
        """Each source through its own path, and all sources of a clip through the same narrow line, if it has one."""
        paths: list[npt.NDArray[np.complex64] | None] = []
        for count in counts:
            line = self._transmission.draw_line(self._rng)
            for _ in range(count):
                path = self._transmission.draw_path(self._rng)
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

    def _record(self, mix: Samples) -> Samples:
        """The mix as recorded: at a level of 0 to -42 dB of peak, sometimes clipped, sometimes with a little noise."""
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
