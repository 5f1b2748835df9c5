"""Explosions, near and far, and thunder."""

from __future__ import annotations

import numpy as np

from training.settings import RATE
from training.sources.signals.tones import (
    FloatArray,
    fade,
    peaked,
    place,
    resonate,
    seconds_to_samples,
    shaped_noise,
    slow_wander,
)


def explosion(rng: np.random.Generator) -> FloatArray:
    """A blast: noise whose upper edge comes down as it dies, into a rumble of seconds, with debris."""
    seconds, start = rng.uniform(4, 6), rng.uniform(0.1, 1.2)
    out = np.zeros(seconds_to_samples(seconds))
    length = rng.uniform(1.2, 4)
    time = np.arange(seconds_to_samples(length)) / RATE
    for corner, fall in (
        (rng.uniform(1500, 5000), 0.08),
        (rng.uniform(400, 900), 0.35),
        (rng.uniform(100, 250), length / 3),
    ):
        band = shaped_noise(rng, len(time), [30, corner, corner * 4, 16_000], [0, 0, -24, -60])
        place(out, band * np.exp(-time / (fall * rng.uniform(0.6, 1.5))) * rng.uniform(0.5, 1.2), int(start * RATE))
    debris = rng.standard_normal(len(time)) * (rng.random(len(time)) < 0.004 * np.exp(-time))
    place(out, 0.3 * rng.uniform(0, 1) * peaked(resonate(debris, [900, 2500], [600, 1500])), int((start + 0.2) * RATE))
    return np.asarray(np.tanh(out * rng.uniform(1, 5)))


def distant_explosion(rng: np.random.Generator) -> FloatArray:
    """Far away or underground: a soft front, then a boom that rolls in swells; one or two."""
    out = np.zeros(seconds_to_samples(rng.uniform(4, 6)))
    for start in rng.uniform(0, 2, rng.integers(1, 3)):
        samples = seconds_to_samples(rng.uniform(1.5, 4))
        time = np.arange(samples) / RATE
        boom = np.sin(2 * np.pi * np.cumsum(rng.uniform(28, 90) * (1 + np.exp(-time / 0.08))) / RATE) * np.exp(
            -time / 0.25
        )
        roll = shaped_noise(rng, samples, [25, 80, 350, 2000, 8000], [-6, 0, -9, -35, -60]) * np.exp(
            -time / rng.uniform(0.4, 1.3)
        )
        roll *= 1 + 0.8 * slow_wander(rng, samples, rng.uniform(2, 9))
        place(out, fade(rng.uniform(0.2, 1) * boom + 2 * roll, rng.uniform(0.002, 0.06), 0.1), int(start * RATE))
    return out


def thunder(rng: np.random.Generator) -> FloatArray:
    """Thunder: claps that overlap and roll on. So near to an explosion that it teaches nothing about one."""
    out = np.zeros(seconds_to_samples(6))
    for start in np.sort(rng.uniform(0, 3, rng.integers(2, 9))):
        time = np.arange(seconds_to_samples(3)) / RATE
        clap = shaped_noise(rng, len(time), [30, 120, 800, 8000], [0, 0, rng.uniform(-25, -8), -50])
        place(out, fade(clap * np.exp(-time / rng.uniform(0.1, 0.9)), rng.uniform(0.005, 0.2), 0.1), int(start * RATE))
    return out
