"""People who whistle, to judge only."""

from __future__ import annotations

import numpy as np
from scipy import signal

from training.settings import RATE
from training.sources.unseen.parts import (
    Array,
    filtered,
)


def tin_whistler(rng: np.random.Generator) -> Array:
    """Someone who whistles a tune: noise through a very narrow moving resonance, as at the lips."""
    length = int(rng.uniform(3, 6) * RATE)
    steps = rng.integers(2, 8)
    notes = 700 * rng.uniform(1, 2) * 2 ** (rng.integers(-2, 12, steps) / 12)
    smooth = signal.butter(2, 9, fs=RATE, output="sos")
    track = signal.sosfiltfilt(smooth, np.repeat(notes, -(-length // steps))[:length])
    wobble = 1 + 0.16 * filtered(rng.standard_normal(length), "lowpass", 7, 1)
    phase = 2 * np.pi * np.cumsum(track * wobble) / RATE
    lips = filtered(rng.standard_normal(length), "lowpass", 25) * 6 + 1
    mouth = filtered(rng.standard_normal(length), "bandpass", (800, 4000)) * rng.uniform(0.005, 0.05)
    blown = np.repeat(rng.random(steps) > 0.15, -(-length // steps))[:length].astype(float)
    return np.asarray((np.sin(phase) * np.abs(lips) + mouth) * np.clip(signal.sosfiltfilt(smooth, blown), 0, 1))


def umpire_whistle(rng: np.random.Generator) -> Array:
    """A pea whistle: frequency modulation by a rolling ball, in sharp blasts."""
    length = int(rng.uniform(3, 5) * RATE)
    time = np.arange(length) / RATE
    ball = signal.sawtooth(2 * np.pi * rng.uniform(25, 50) * time, 0.5)
    carrier = rng.uniform(2100, 3900)
    tone = np.sin(2 * np.pi * np.cumsum(carrier * (1 + rng.uniform(0.008, 0.03) * ball)) / RATE)
    blasts = signal.square(2 * np.pi * (time / rng.uniform(0.4, 1.8) + rng.random()), rng.uniform(0.4, 0.8)) > 0
    gate = np.clip(filtered(blasts.astype(float), "lowpass", 20, 1), 0, 1)
    breath = filtered(rng.standard_normal(length), "bandpass", (carrier * 0.6, 7000)) * rng.uniform(0.02, 0.2)
    return np.asarray((tone * (0.75 + 0.25 * ball) + breath) * gate)
