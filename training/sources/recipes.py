"""Which sources are synthesised for which split, and how much of each.

Splits: "train"; "valid" (the same sources, other draws: thresholds are set on it); "unseen" (fonts, voices and
generators that training does not use; it only judges).
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from training.sources.instruments.playing import render_phrases
from training.sources.trained_signals import TRAIN_SIGNALS, Generator
from training.sources.unseen_signals import UNSEEN_SIGNALS
from training.sources.voices.speakers import TRAIN_VOICES, UNSEEN_VOICES, Voice
from training.sources.voices.speech import speak, speak_with_espeak
from training.sources.voices.whispers import WHISPERING_VOICES, espeak_whispers, whisper_with, whisper_with_espeak
from training.stems import Stem
from training.tags import Labels

Maker = Callable[[np.random.Generator], list[Stem]]


@dataclass(frozen=True)
class Shard:
    """One piece of work: a file's name, its seed, and the function that makes its stems."""

    split: str
    name: str
    make: Maker

    @property
    def seed(self) -> int:
        """The same number for the same shard on every machine."""
        return zlib.crc32(f"{self.split}/{self.name}".encode())


_TRAIN_FONTS = {"FluidR3": 8, "MuseScore": 6, "freepats": 5, "OPL3": 2, "BlackPearl": 2, "RedZeppelin": 2}
_VALID_FONTS = {"FluidR3": 4, "MuseScore": 3, "freepats": 2, "OPL3": 1, "BlackPearl": 1, "RedZeppelin": 1}
_UNSEEN_FONTS = {"TimGM6mb": 8, "sf_GMbank": 3}
_SAME_SPEAKER = {"kal", "kal16", "kal_diphone"}


def generate(generator: Generator, labels: Labels, group: str, count: int, rng: np.random.Generator) -> list[Stem]:
    """Stems from a signal generator, each brought to the same peak."""
    stems = []
    for _ in range(count):
        samples = generator(rng)
        peaked = (samples / (np.abs(samples).max() + 1e-12)).astype(np.float32)
        stems.append(Stem(peaked, labels, f"signal/{generator.__name__}", group))
    return stems


def _fonts(split: str, amounts: dict[str, int]) -> list[Shard]:
    return [
        Shard(split, f"font-{name}-{number:02}", partial(render_phrases, font_name=name, count=60))
        for name, shards in amounts.items()
        for number in range(shards)
    ]


def _voices(split: str, voices: tuple[Voice, ...], shards: int, count: int, crossing: float) -> list[Shard]:
    return [
        Shard(
            split,
            f"voice-{voice.engine}-{voice.name}-{number:02}",
            partial(speak, voice=voice, count=count, crossing=crossing),
        )
        for voice in voices
        for number in range(1 if voice.name in _SAME_SPEAKER else shards)
    ]


def _espeak(split: str, shards: int, count: int) -> list[Shard]:
    make = partial(speak_with_espeak, count=count)
    return [Shard(split, f"voice-espeak-{number:02}", make) for number in range(shards)]


def _whispers(split: str, count: int, espeak_shards: int) -> list[Shard]:
    """Whispers by the speakers of training. Few are by Festival's, which take ten times as long."""
    spoken = [
        Shard(split, f"whisper-{voice.engine}-{voice.name}", partial(whisper_with, voice=voice, count=count))
        for voice in WHISPERING_VOICES
    ]
    makers = {"espeak": whisper_with_espeak, "variant": espeak_whispers}
    return spoken + [
        Shard(split, f"whisper-{name}-{number:02}", partial(make, count=2 * count))
        for name, make in makers.items()
        for number in range(espeak_shards)
    ]


def _signals(split: str, shards: int, count: int) -> list[Shard]:
    return [
        Shard(split, f"signal-{generator.__name__}-{number:02}", partial(generate, generator, labels, group, count))
        for generator, labels, group in TRAIN_SIGNALS
        for number in range(shards)
    ]


def all_shards() -> list[Shard]:
    """All shards of all splits."""
    unseen_signals = [
        Shard("unseen", f"signal-{generator.__name__}", partial(generate, generator, labels, group, 60))
        for generator, labels, group in UNSEEN_SIGNALS
    ]
    return [
        *_voices("train", TRAIN_VOICES, 1, 100, 0.4),
        *_espeak("train", 6, 100),
        *_whispers("train", 40, 3),
        *_fonts("train", _TRAIN_FONTS),
        *_signals("train", 2, 60),
        *_fonts("valid", _VALID_FONTS),
        *_voices("valid", TRAIN_VOICES, 1, 40, 0.3),
        *_espeak("valid", 2, 100),
        *_whispers("valid", 10, 1),
        *_signals("valid", 1, 40),
        *_fonts("unseen", _UNSEEN_FONTS),
        *_voices("unseen", UNSEEN_VOICES, 1, 60, 0.0),
        *unseen_signals,
    ]
