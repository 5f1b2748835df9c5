"""Writes samples/demo.mp3: a piano, a woman who speaks, a siren over her. Training uses none of the three."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import numpy as np
from scipy import signal
from scipy.io import wavfile

from training.mixes.codecs import run_ffmpeg
from training.settings import RATE
from training.sources.instruments.midi import Note, Passage
from training.sources.instruments.sound_fonts import FONTS, render
from training.sources.unseen.sirens import american_patrol_siren
from training.stems import Samples

_RATE = 44_100
_SECONDS = 12.0
_TEXT = "Good evening. The river has risen since noon, so please stay away from the old bridge until the morning."
_CHORDS = ((48, 64, 67, 72), (45, 60, 64, 69), (41, 57, 60, 65), (43, 59, 62, 67))  # C, A minor, F, G


def _piano() -> Samples:
    """Two broken chords a second for four seconds, from a sound font that training never used."""
    notes = []
    for bar, chord in enumerate(_CHORDS):
        for number, key in enumerate((chord[0], chord[1], chord[2], chord[3], chord[2], chord[1])):
            notes.append(Note(bar + number / 6, 0.5, key, 88 - 6 * (number % 3)))
    rendered, rate = render(FONTS["TimGM6mb"], [Passage(0.0, 0, 0, tuple(notes))])
    return np.asarray(signal.resample_poly(rendered, _RATE, rate), np.float32)


def _woman() -> Samples:
    """A sentence by a voice that training never used."""
    with tempfile.TemporaryDirectory() as folder:
        wave = Path(folder, "out.wav")
        settings = ["--setf", "duration_stretch=1.05", "--setf", "int_f0_target_mean=185"]
        subprocess.run(["flite", "-voice", "slt", *settings, "-t", _TEXT, "-o", str(wave)], check=True)
        rate, samples = wavfile.read(wave)
    return np.asarray(signal.resample_poly(samples.astype(np.float32) / 32768, _RATE, rate), np.float32)


def _siren() -> Samples:
    """A patrol car that comes nearer."""
    samples = signal.resample_poly(american_patrol_siren(np.random.default_rng(3)), _RATE, RATE)
    return np.asarray(samples * np.linspace(0.15, 1, len(samples)), np.float32)


def _lay(track: Samples, piece: Samples, start_seconds: float, level: float, pan: float) -> None:
    """Add a piece in place at a peak level, with 50 ms ramps; pan: 0 is left, 1 is right."""
    first = int(start_seconds * _RATE)
    piece = piece[: len(track) - first] / np.abs(piece).max() * level
    ramp = np.minimum(np.arange(len(piece)) / (0.05 * _RATE), 1)
    piece = piece * ramp * ramp[::-1]
    track[first : first + len(piece)] += piece[:, None] * np.sqrt([1 - pan, pan])


def write_sample(path: Path) -> None:
    """Write the sample as a stereo MP3 of 44.1 kHz and 128 kb/s."""
    track = np.zeros((int(_SECONDS * _RATE), 2), np.float32)
    _lay(track, _piano()[: int(4.6 * _RATE)], 0.0, 0.7, 0.4)
    _lay(track, _woman(), 4.6, 0.75, 0.55)
    _lay(track, _siren(), 8.2, 0.45, 0.5)
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        wave = Path(folder, "sample.wav")
        wavfile.write(wave, _RATE, (np.clip(track, -1, 1) * 32767).astype(np.int16))
        run_ffmpeg(["-i", str(wave), "-codec:a", "libmp3lame", "-b:a", "128k", "-map_metadata", "-1", str(path)])
