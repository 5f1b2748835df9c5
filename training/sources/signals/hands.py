"""Hands: a few people clapping, and an audience."""

from __future__ import annotations

import numpy as np

from training.settings import RATE
from training.sources.signals.tones import FloatArray, band_noise, log_uniform, place, seconds_to_samples


def _clap(rng: np.random.Generator, centre_hz: float, decay: float) -> FloatArray:
    """One pair of hands: a burst of noise through the hands' cavity."""
    time = np.arange(seconds_to_samples(0.12)) / RATE
    hands = band_noise(rng, len(time), centre_hz * 0.6, min(centre_hz * 1.7, 7500)) * np.exp(-time / decay)
    slap = band_noise(rng, len(time), 400, 7000) * np.exp(-time / 0.003)
    return np.asarray(hands + rng.uniform(0.2, 0.8) * slap)


def clapping(rng: np.random.Generator) -> FloatArray:
    """One to four people who clap in time, or one who claps twice."""
    out = np.zeros(seconds_to_samples(rng.uniform(3, 5)))
    people = [(log_uniform(rng, 500, 2800), log_uniform(rng, 0.004, 0.02)) for _ in range(rng.choice([1, 1, 1, 2, 4]))]
    step, start, spread = log_uniform(rng, 0.18, 0.8), rng.uniform(0, 0.4), rng.uniform(0.002, 0.03)
    while start < len(out) / RATE:
        for centre, decay in people:
            place(out, _clap(rng, centre, decay) * rng.uniform(0.5, 1), int((start + rng.exponential(spread)) * RATE))
        start += step * rng.uniform(0.95, 1.05)
    return out


def applause(rng: np.random.Generator) -> FloatArray:
    """Ten to two hundred people who clap each at their own pace, swelling and thinning."""
    out = np.zeros(seconds_to_samples(rng.uniform(4, 6)))
    for _ in range(int(log_uniform(rng, 10, 200))):
        centre, decay, step = log_uniform(rng, 500, 2800), log_uniform(rng, 0.004, 0.02), rng.uniform(0.17, 0.4)
        claps = [_clap(rng, centre, decay) for _ in range(2)]
        distance = log_uniform(rng, 0.1, 1)
        for start in np.arange(rng.uniform(0, step), len(out) / RATE, step):
            place(out, claps[rng.integers(2)] * distance, int((start + rng.normal(0, 0.01)) * RATE) % len(out))
    swell = np.interp(np.arange(len(out)), np.linspace(0, len(out), 5), rng.uniform(0.4, 1, 5))
    return np.asarray(out * swell)
