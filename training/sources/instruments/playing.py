"""Stems of instruments: random phrases, played by a sound font."""

from __future__ import annotations

import numpy as np
from scipy import signal

from training.settings import RATE
from training.sources.instruments.general_midi import DRUM_KIT, labels_of_program
from training.sources.instruments.midi import DRUM_CHANNEL, Passage
from training.sources.instruments.phrases import drum_phrase, melodic_phrase
from training.sources.instruments.sound_fonts import FONTS, SLOT_SECONDS, Font, render
from training.stems import Stem
from training.tags import Labels

_PHRASE_SECONDS = 7.0
LabelledPassage = tuple[Passage, Labels, str]  # with the group that its stem goes to

# Which programs are drawn, and how often. Piano, guitar, bowed strings and drums are tags and come up more often.
_BOWED = (40, 41, 42, 43, 44, 48, 49, 110)
_OTHERS = tuple(sorted(set(range(4, 120)) - {14, 78, *range(24, 31), *_BOWED}))
_DRAWS: tuple[tuple[str, tuple[int, ...], float], ...] = (
    ("Piano", (0, 1, 2, 3), 0.15),
    ("Guitar", tuple(range(24, 31)), 0.17),
    ("Bowed_string_instrument", _BOWED, 0.17),
    ("Drum", (), 0.17),
    ("Bell", (14,), 0.02),
    ("music", _OTHERS, 0.26),
    ("Whistle", (78,), 0.01),
)
# The programs that the freepats package has (others are silent, or play another instrument).
_FREEPATS = frozenset(
    (0, 1, 2, 4, 5, 6, 7, 8, 9, 13, 14, 15, 16, 19, 21, 23, *range(24, 31), *range(32, 39), 40, 42, 44, 45, 46, 47, 48)
    + (53, *range(56, 62), *range(64, 77), 79, 80, 84, 88, 94, 95, 98, 101, 102, 104, 114, 115)
)


def _passage(rng: np.random.Generator, font: Font, start: float) -> LabelledPassage:
    """A random passage on a random preset of the font, its labels and its group."""
    weights = np.array([weight * (name != "Whistle" or font.has_whistle) for name, _, weight in _DRAWS])
    group, programs, _ = _DRAWS[rng.choice(len(_DRAWS), p=weights / weights.sum())]
    if group == "Drum" or font.drums_only:
        channel, kit = (0, 0) if font.drums_only else (DRUM_CHANNEL, int(rng.choice(font.kits)))
        return Passage(start, channel, kit, drum_phrase(rng, _PHRASE_SECONDS)), DRUM_KIT, "Drum"
    program = int(rng.choice([number for number in programs if font.files or number in _FREEPATS]))
    low, high = (28, 52) if 32 <= program < 40 or program in (43, 58) else (45, 86)
    notes = melodic_phrase(rng, _PHRASE_SECONDS, low, high)
    return Passage(start, 0, program, notes), labels_of_program(program), group


def _cut_apart(rng: np.random.Generator, font: Font, labelled: list[LabelledPassage]) -> list[Stem]:
    """Render the passages and cut them into stems. Each is resampled by up to 9 %, so that no two pianos are alike."""
    (rendered, rate), stems = render(font, [passage for passage, _, _ in labelled]), []
    slot = int(SLOT_SECONDS * rate)
    for number, (passage, labels, group) in enumerate(labelled):
        piece = rendered[number * slot : (number + 1) * slot]
        if len(piece) < slot // 2:
            continue
        length = int(len(piece) * RATE / rate * rng.uniform(0.91, 1.09))
        samples = signal.resample(piece, length).astype(np.float32)
        stems.append(Stem(samples, labels, _source(font, passage), group))
    return stems


def _source(font: Font, passage: Passage) -> str:
    """What the stem's `source` says: "FluidR3/24", "FluidR3/drums16"."""
    if passage.channel == DRUM_CHANNEL or font.drums_only:
        return f"{font.name}/drums{passage.program}"
    return f"{font.name}/{passage.program}"


def render_phrases(rng: np.random.Generator, font_name: str, count: int) -> list[Stem]:
    """Random phrases of one font."""
    font = FONTS[font_name]
    return _cut_apart(rng, font, [_passage(rng, font, number * SLOT_SECONDS) for number in range(count)])
