"""Sound fonts, played through FluidSynth, and the GUS patches of freepats, played through TiMidity++."""

from __future__ import annotations

import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.io import wavfile

from training.sources.instruments.midi import Passage, write_midi
from training.stems import Samples

SLOT_SECONDS = 8.5  # a phrase and its release
_RENDER_RATE = 32_000
_SOUNDS = Path("/usr/share/sounds")


@dataclass(frozen=True)
class Font:
    """A sound font.

    Attributes:
        name: as it appears in sources.
        files: in FluidSynth's loading order; none for the GUS patches of freepats.
        kits: programs of its drum channel.
        drums_only: its only preset is a kit.
        has_whistle: its whistle (program 78) sounds like one.
    """

    name: str
    files: tuple[str, ...]
    kits: tuple[int, ...] = (0,)
    drums_only: bool = False
    has_whistle: bool = False


FONTS: dict[str, Font] = {
    font.name: font
    for font in (
        Font("FluidR3", ("sf2/FluidR3_GM.sf2", "sf2/FluidR3_GS.sf2"), (0, 8, 16, 24, 25, 32, 40, 48), has_whistle=True),
        Font("MuseScore", ("sf3/MuseScore_General_Full.sf3",), (0, 8, 16, 24, 25, 32, 40, 48), has_whistle=True),
        Font("OPL3", ("sf2/OPL-3_FM_128M.sf2",)),
        Font("BlackPearl", ("sf2/Black_Pearl_4_LV2.sf2",), drums_only=True),
        Font("RedZeppelin", ("sf2/Red_Zeppelin_4_LV2.sf2",), drums_only=True),
        Font("freepats", ()),
        Font("TimGM6mb", ("sf2/TimGM6mb.sf2",), (0, 8, 16, 24, 25, 40), has_whistle=True),
        Font("sf_GMbank", ("sf2/sf_GMbank.sf2",), (0, 8, 16, 24, 25, 40), has_whistle=True),
    )
}


def _fluidsynth(font: Font, midi: Path, wave: Path) -> list[str]:
    options = ["-ni", "-q", "-g", "0.5", "-R", "0", "-C", "0", "-r", str(_RENDER_RATE), "-O", "s16", "-T", "wav"]
    files = [str(_SOUNDS / file) for file in font.files]
    return ["fluidsynth", *options, "-o", "synth.midi-bank-select=gs", "-F", str(wave), *files, str(midi)]


def _timidity(midi: Path, wave: Path) -> list[str]:
    rate = ["-s", str(_RENDER_RATE), "-Ow", "--output-mono", "-EFreverb=d", "-EFchorus=d"]
    return ["timidity", "-c", "/etc/timidity/freepats.cfg", "-idqq", *rate, "-o", str(wave), str(midi)]


def render(font: Font, passages: list[Passage]) -> tuple[Samples, int]:
    """Play all passages in one run, for a large font takes seconds to load.

    Returns:
        Mono samples and their rate in hertz.
    """
    with tempfile.TemporaryDirectory() as folder:
        midi, wave = Path(folder, "in.mid"), Path(folder, "out.wav")
        write_midi(midi, passages, len(passages) * SLOT_SECONDS + 1)
        command = _fluidsynth(font, midi, wave) if font.files else _timidity(midi, wave)
        subprocess.run(command, check=True, capture_output=True)
        samples = wavfile.read(wave)[1].astype(np.float32) / 32768
    return (samples.mean(axis=1) if samples.ndim == 2 else samples), _RENDER_RATE
