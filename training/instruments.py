"""Instruments: phrases played by sound fonts through FluidSynth, and by GUS patches through TiMidity++."""

from __future__ import annotations

import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import signal
from scipy.io import wavfile

from training.catalogue import DRUM_KIT, GS_EFFECTS, Labels, labels_of_program
from training.midi import DRUM_CHANNEL, Passage, drum_phrase, melodic_phrase, write_midi
from training.settings import RATE
from training.stems import Samples, Stem

_RENDER_RATE = 32_000
_PHRASE_SECONDS = 7.0
_SLOT_SECONDS = 8.5  # a phrase and its release
_SOUNDS = Path("/usr/share/sounds")


@dataclass(frozen=True)
class Font:
    """A sound font.

    Attributes:
        name: as it appears in sources.
        files: in FluidSynth's loading order; none for the GUS patches of freepats.
        kits: programs of its drum channel.
        drums_only: its only preset is a kit.
        has_effects: its effects (programs 121 to 127, and the whistle) sound like what they are named after.
    """

    name: str
    files: tuple[str, ...]
    kits: tuple[int, ...] = (0,)
    drums_only: bool = False
    has_effects: bool = False


FONTS: dict[str, Font] = {
    font.name: font
    for font in (
        Font("FluidR3", ("sf2/FluidR3_GM.sf2", "sf2/FluidR3_GS.sf2"), (0, 8, 16, 24, 25, 32, 40, 48), has_effects=True),
        Font("MuseScore", ("sf3/MuseScore_General_Full.sf3",), (0, 8, 16, 24, 25, 32, 40, 48), has_effects=True),
        Font("OPL3", ("sf2/OPL-3_FM_128M.sf2",)),
        Font("BlackPearl", ("sf2/Black_Pearl_4_LV2.sf2",), drums_only=True),
        Font("RedZeppelin", ("sf2/Red_Zeppelin_4_LV2.sf2",), drums_only=True),
        Font("freepats", ()),
        Font("TimGM6mb", ("sf2/TimGM6mb.sf2",), (0, 8, 16, 24, 25, 40), has_effects=True),
        Font("sf_GMbank", ("sf2/sf_GMbank.sf2",), (0, 8, 16, 24, 25, 40), has_effects=True),
    )
}

# Which programs are drawn, and how often: families that are tags come up as often as all the others together.
_BOWED = (40, 41, 42, 43, 44, 48, 49, 110)
_OTHERS = tuple(sorted(set(range(4, 120)) - {14, 78, *range(24, 31), *_BOWED}))
_DRAWS: tuple[tuple[str, tuple[int, ...], float], ...] = (
    ("Piano", (0, 1, 2, 3), 0.15),
    ("Guitar", tuple(range(24, 31)), 0.17),
    ("Bowed_string_instrument", _BOWED, 0.17),
    ("Drum", (), 0.17),
    ("Bell", (14,), 0.02),
    ("music", _OTHERS, 0.26),
    ("effects", (78, 121, 122, 123, 124, 125, 126, 127), 0.06),
)
# The programs that the freepats package has (the others would be silent or another instrument).
_FREEPATS = frozenset(
    (0, 1, 2, 4, 5, 6, 7, 8, 9, 13, 14, 15, 16, 19, 21, 23, *range(24, 31), *range(32, 39), 40, 42, 44, 45, 46, 47, 48)
    + (53, *range(56, 62), *range(64, 77), 79, 80, 84, 88, 94, 95, 98, 101, 102, 104, 114, 115)
)
_EFFECT_GROUPS = {78: "Whistle", 123: "Bird_chirp", 125: "Aircraft_noise", 126: "Applause", 127: "Gunshot"}


def _passage(rng: np.random.Generator, font: Font, start: float) -> tuple[Passage, Labels, str]:
    """A random passage on a random preset of the font, its labels and its group."""
    weights = np.array([weight * (name != "effects" or font.has_effects) for name, _, weight in _DRAWS])
    group, programs, _ = _DRAWS[rng.choice(len(_DRAWS), p=weights / weights.sum())]
    if group == "Drum" or font.drums_only:
        channel, kit = (0, 0) if font.drums_only else (DRUM_CHANNEL, int(rng.choice(font.kits)))
        return Passage(start, channel, 0, kit, drum_phrase(rng, _PHRASE_SECONDS)), DRUM_KIT, "Drum"
    program = int(rng.choice([number for number in programs if font.files or number in _FREEPATS]))
    if group == "effects":
        group = _EFFECT_GROUPS.get(program, "background")
        notes = melodic_phrase(rng, _PHRASE_SECONDS, 57, 72)
    else:
        low, high = (28, 52) if 32 <= program < 40 or program in (43, 58) else (45, 86)
        notes = melodic_phrase(rng, _PHRASE_SECONDS, low, high)
    return Passage(start, 0, 0, program, notes), labels_of_program(program), group


def _fluidsynth(font: Font, midi: Path, wave: Path) -> list[str]:
    options = ["-ni", "-q", "-g", "0.5", "-R", "0", "-C", "0", "-r", str(_RENDER_RATE), "-O", "s16", "-T", "wav"]
    files = [str(_SOUNDS / file) for file in font.files]
    return ["fluidsynth", *options, "-o", "synth.midi-bank-select=gs", "-F", str(wave), *files, str(midi)]


def _timidity(midi: Path, wave: Path) -> list[str]:
    rate = ["-s", str(_RENDER_RATE), "-Ow", "--output-mono", "-EFreverb=d", "-EFchorus=d"]
    return ["timidity", "-c", "/etc/timidity/freepats.cfg", "-idqq", *rate, "-o", str(wave), str(midi)]


def render(font: Font, passages: list[Passage]) -> tuple[Samples, int]:
    """All passages in one go (a large font takes seconds to load): mono samples and their rate in hertz."""
    with tempfile.TemporaryDirectory() as folder:
        midi, wave = Path(folder, "in.mid"), Path(folder, "out.wav")
        write_midi(midi, passages, len(passages) * _SLOT_SECONDS + 1)
        command = _fluidsynth(font, midi, wave) if font.files else _timidity(midi, wave)
        subprocess.run(command, check=True, capture_output=True)
        samples = wavfile.read(wave)[1].astype(np.float32) / 32768
    return (samples.mean(axis=1) if samples.ndim == 2 else samples), _RENDER_RATE


def _cut_apart(rng: np.random.Generator, font: Font, lessons: list[tuple[Passage, Labels, str]]) -> list[Stem]:
    """Render the passages and cut them into stems.

    Each is stretched in pitch and time by up to 9 %, so that no two pianos are alike.
    """
    (rendered, rate), stems = render(font, [passage for passage, _, _ in lessons]), []
    slot = int(_SLOT_SECONDS * rate)
    for number, (passage, labels, group) in enumerate(lessons):
        piece = rendered[number * slot : (number + 1) * slot]
        if len(piece) < slot // 2:
            continue
        length = int(len(piece) * RATE / rate * rng.uniform(0.91, 1.09))
        bank = f"{passage.bank}:" if passage.bank else ""
        kind = "drums" if passage.channel == DRUM_CHANNEL or font.drums_only else bank
        samples = signal.resample(piece, length).astype(np.float32)
        stems.append(Stem(samples, labels, f"{font.name}/{kind}{passage.program}", group))
    return stems


def render_phrases(rng: np.random.Generator, font_name: str, count: int) -> list[Stem]:
    """Random phrases of one font."""
    font = FONTS[font_name]
    return _cut_apart(rng, font, [_passage(rng, font, number * _SLOT_SECONDS) for number in range(count)])


def render_effects(rng: np.random.Generator, font_name: str, count: int) -> list[Stem]:
    """The effects of a font's GS banks in turn, each played as a few slow notes."""
    lessons = []
    for number in range(count):
        (bank, program), (labels, group) = list(GS_EFFECTS.items())[number % len(GS_EFFECTS)]
        notes = melodic_phrase(rng, _PHRASE_SECONDS, 54, 67)
        lessons.append((Passage(number * _SLOT_SECONDS, 0, bank, program, notes), labels, group))
    return _cut_apart(rng, FONTS[font_name], lessons)
