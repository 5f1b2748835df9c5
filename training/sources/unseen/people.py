"""People who whistle or snore, to judge only."""

from __future__ import annotations

import numpy as np
from scipy import signal

from training.settings import RATE
from training.sources.unseen.parts import (
    Array,
    bump,
    filtered,
    hiss,
    lay,
    peaked,
    pulses_along,
    seconds_of,
    softened,
    through_formants,
    wander,
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


def _breath_out(rng: np.random.Generator, seconds: float) -> Array:
    """Air let go through the lips: soft noise, now and then with a faint whistle in it."""
    length = int(seconds * RATE)
    puff = hiss(rng, length, "bandpass", (rng.uniform(300, 700), rng.uniform(1500, 3500)))
    lips = [np.full(length, rng.uniform(900, 2200)) * (1 + 0.05 * wander(rng, length, 3))]
    whistle = peaked(through_formants(rng.standard_normal(length), lips, [25]))
    return peaked(puff + rng.choice([0.0, 2.0]) * whistle) * bump(seconds, 0.3)[:length]


def palatal_snorer(rng: np.random.Generator) -> Array:
    """The soft palate flutters 20 to 90 times a second, unevenly, through throat and nose; then the breath goes out."""
    length, begin = seconds_of(rng, 6, 8), rng.uniform(0, 0.8)
    out, rate = np.zeros(length), rng.uniform(22, 85)
    tract = [rng.uniform(200, 450), rng.uniform(600, 1000), rng.uniform(1200, 1700)]
    loud_out = rng.uniform(0, 0.2)
    while begin < length / RATE:
        seconds = rng.uniform(0.8, 2.0)
        size = int(seconds * RATE)
        flutter = pulses_along(rng, rate * (1 + 0.12 * wander(rng, size, 6)), 0.35)
        burst = np.convolve(flutter, np.exp(-np.arange(200) / rng.uniform(15, 60)))[:size] * rng.standard_normal(size)
        source = softened(flutter, 0.002) * rng.uniform(1, 4) + rng.uniform(0.05, 0.3) * burst
        rasp = through_formants(source, [np.full(size, hz) for hz in tract], [120, 180, 300])
        lay(out, peaked(rasp * bump(seconds, rng.uniform(0.4, 0.75))[:size]), begin, rng.uniform(0.7, 1))
        begin += seconds + rng.uniform(0.1, 0.4)
        lay(out, _breath_out(rng, rng.uniform(0.5, 1.0)), begin, loud_out)
        begin += rng.uniform(0.7, 1.5)
    return out


def nasal_snorer(rng: np.random.Generator) -> Array:
    """A tight nose: noise whose level is chopped by the flutter, brighter, with a catch at the end of the breath."""
    length, begin = seconds_of(rng, 6, 8), rng.uniform(0, 0.8)
    out, rate = np.zeros(length), rng.uniform(28, 70)
    low, high = rng.uniform(200, 500), rng.uniform(1200, 2600)
    while begin < length / RATE:
        seconds = rng.uniform(0.8, 1.8)
        size = int(seconds * RATE)
        track = rate * (1 + 0.1 * wander(rng, size, 4)) * np.linspace(0.8, 1.2, size)
        chopped = 0.5 + 0.5 * signal.sawtooth(2 * np.pi * np.cumsum(track) / RATE, 0.15)
        rasp = hiss(rng, size, "bandpass", (low, high)) * chopped ** rng.uniform(1, 4)
        lay(out, peaked(rasp * bump(seconds, rng.uniform(0.5, 0.8))[:size]), begin, rng.uniform(0.6, 1))
        begin += seconds + rng.uniform(0.9, 2.2)
    return out
