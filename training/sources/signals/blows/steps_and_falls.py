"""Steps, falls and other dull blows: a foot, a body, a box, a ball."""

from __future__ import annotations

import numpy as np

from training.settings import RATE
from training.sources.signals.tones import (
    FloatArray,
    band_noise,
    bursts,
    dying,
    harmonic_tone,
    log_uniform,
    peaked,
    place,
    puff,
    resonate,
    rhythm,
    ringing,
    seconds_to_samples,
    sequence,
    shaped_noise,
)


def _grains(rng: np.random.Generator, seconds: float, count: int, low_hz: float, high_hz: float) -> FloatArray:
    """Many tiny cracks, thickest in the middle: gravel, snow, leaves, shards of wood."""
    out = np.zeros(seconds_to_samples(seconds))
    for _ in range(count):
        low, high = sorted(log_uniform(rng, low_hz, high_hz) for _ in range(2))
        crack = puff(rng, low, high, log_uniform(rng, 5e-4, 5e-3))
        place(out, crack * rng.exponential(0.4), int(rng.beta(2, 2.5) * len(out)))
    return out


def hard_steps(rng: np.random.Generator) -> FloatArray:
    """Heels and soles on wood, stone or stairs: two blows per step, the left not quite like the right."""
    seconds, step = rng.uniform(4, 6), 1 / rng.uniform(1, 3.5)
    floor, fall = log_uniform(rng, 60, 300), log_uniform(rng, 0.02, 0.12)
    modes = floor * np.concatenate([[1], np.sort(rng.uniform(1.3, 14, 6))])
    bright, roll = rng.uniform(0, 1.2), rng.uniform(0.02, 0.12)

    def one() -> FloatArray:
        levels = rng.uniform(0.2, 1, 7) * (modes / floor) ** -rng.uniform(0.4, 1.0)
        heel = ringing(0.35, modes * rng.uniform(0.96, 1.04), levels, np.full(7, fall) * 2)
        place(heel, puff(rng, 500, log_uniform(rng, 2000, 7000), 0.003) * bright, 0)
        place(heel, puff(rng, 200, 3500, 0.015) * rng.uniform(0.05, 0.6), int(roll * rng.uniform(0.7, 1.3) * RATE))
        return heel * rng.uniform(0.5, 1)

    return sequence(seconds, rhythm(rng, seconds, step, rng.uniform(0.02, 0.12)), one)


def crunching_steps(rng: np.random.Generator) -> FloatArray:
    """Steps on gravel, snow or leaves: a crunch of many grains as the foot comes down and rolls off."""
    seconds, step = rng.uniform(4, 6), 1 / rng.uniform(1, 3)
    low, count = log_uniform(rng, 300, 1500), int(log_uniform(rng, 12, 70))
    high, length = low * rng.uniform(3, 8), rng.uniform(0.12, 0.45) * min(1, step * 1.5)

    def one() -> FloatArray:
        crunch = peaked(_grains(rng, length, count, low, high))
        place(crunch, puff(rng, 50, 180, 0.03) * rng.uniform(0, 1), 0)
        return crunch * rng.uniform(0.5, 1)

    return sequence(seconds, rhythm(rng, seconds, step, 0.1), one)


def soft_steps(rng: np.random.Generator) -> FloatArray:
    """Trainers or bare feet: a dull pat, and the sole that brushes the floor."""
    seconds, step = rng.uniform(4, 6), 1 / rng.uniform(1, 3.5)
    body, brush = log_uniform(rng, 90, 400), rng.uniform(0, 0.6)

    def one() -> FloatArray:
        out = np.zeros(seconds_to_samples(0.4))
        place(out, puff(rng, body * 0.6, body * rng.uniform(1.5, 5), rng.uniform(0.012, 0.04)), 0)
        scrape = band_noise(rng, seconds_to_samples(0.12), 800, 6000) * np.hanning(seconds_to_samples(0.12))
        place(out, scrape * brush * rng.uniform(0.3, 1), int(rng.uniform(0, 0.15) * RATE))
        return out * rng.uniform(0.5, 1)

    return sequence(seconds, rhythm(rng, seconds, step, rng.uniform(0.02, 0.15)), one)


def heavy_fall(rng: np.random.Generator) -> FloatArray:
    """A bag, a body or a book comes down: low modes, at once damped, and a floor that gives way a little."""

    def one() -> FloatArray:
        modes = log_uniform(rng, 35, 150) * np.concatenate([[1], np.sort(rng.uniform(1.2, 4, 4))])
        blow = ringing(0.5, modes, rng.uniform(0.3, 1, 5), np.full(5, log_uniform(rng, 0.08, 0.35)))
        place(blow, puff(rng, 80, log_uniform(rng, 250, 900), rng.uniform(0.01, 0.05)) * rng.uniform(0.1, 1), 0)
        place(blow, puff(rng, 60, 400, 0.04) * rng.uniform(0, 0.5), int(rng.uniform(0.05, 0.2) * RATE))
        return blow * rng.uniform(0.5, 1)

    seconds = rng.uniform(3, 5)
    return sequence(seconds, bursts(rng, seconds, (1, 2), rng.uniform(0.2, 0.9), 1.2), one)


def dull_blow(rng: np.random.Generator) -> FloatArray:
    """A fist on a mattress, a soft door: a pitch that drops as it dies, wrapped in low noise."""
    base = log_uniform(rng, 45, 130)

    def one() -> FloatArray:
        samples = seconds_to_samples(rng.uniform(0.15, 0.5))
        drop = base * (1 + rng.uniform(0, 1.5) * dying(samples, rng.uniform(0.01, 0.05)))
        body = harmonic_tone(drop, np.array([1, rng.uniform(0, 0.4)])) * dying(samples, rng.uniform(0.03, 0.12))
        cloth = shaped_noise(rng, samples, [50, 250, 1500, 8000], [0, -3, -rng.uniform(15, 40), -60])
        return (body + rng.uniform(0.1, 2) * cloth * dying(samples, rng.uniform(0.015, 0.07))) * rng.uniform(0.6, 1)

    seconds = rng.uniform(3, 5)
    return sequence(seconds, bursts(rng, seconds, (1, 3), rng.uniform(0.3, 1.0), 1.0), one)


def box_thud(rng: np.random.Generator) -> FloatArray:
    """A crate, a car door, a trunk lid, furniture set down: the hollow inside answers, then settles once more."""
    hollow = log_uniform(rng, 55, 240)
    centres, widths = [hollow, hollow * rng.uniform(1.4, 2.2), hollow * 3.1], list(rng.uniform(12, 60, 3))

    def one() -> FloatArray:
        hit = np.zeros(seconds_to_samples(0.6))
        place(hit, puff(rng, 30, log_uniform(rng, 200, 1000), rng.uniform(0.003, 0.02)), 0)
        if rng.random() < 0.4:
            place(hit, 0.5 * puff(rng, 30, 400, 0.01), int(rng.uniform(0.06, 0.25) * RATE))
        return peaked(resonate(hit, centres, widths)) * rng.uniform(0.6, 1)

    seconds = rng.uniform(3, 5)
    return sequence(seconds, bursts(rng, seconds, (1, 2), rng.uniform(0.3, 1.0), 1.0), one)


def bouncing_ball(rng: np.random.Generator) -> FloatArray:
    """A ball: the same hollow blow at ever shorter times, or a game's. Neither a step nor a knock."""
    modes = log_uniform(rng, 90, 900) * np.array([1, 1.6, 2.4, 5.2])
    levels, falls = rng.uniform(0.2, 1, 4), np.full(4, log_uniform(rng, 0.03, 0.15))
    out, time, step = np.zeros(seconds_to_samples(5)), rng.uniform(0, 0.5), rng.uniform(0.4, 1.0)
    while time < 5 and step > 0.03:
        place(out, ringing(0.2, modes, levels, falls) * step, int(time * RATE))
        time, step = time + step, step * rng.uniform(0.72, 0.85)
        if step < 0.06 and rng.random() < 0.7:
            time, step = time + rng.uniform(0.2, 0.8), rng.uniform(0.4, 1.0)
    return out
