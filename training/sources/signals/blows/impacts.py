"""Short sounds: shots, knocks, claps, and the blows that must not be taken for them."""

from __future__ import annotations

import numpy as np

from training.settings import RATE
from training.sources.signals.tones import (
    FloatArray,
    band_noise,
    log_uniform,
    place,
    ringing,
    seconds_to_samples,
    shaped_noise,
)


def gunshot(rng: np.random.Generator) -> FloatArray:
    """Single shots or bursts: the blast's N wave, a burst of noise that darkens as it decays, echoes."""
    out = np.zeros(seconds_to_samples(rng.uniform(3, 5)))
    start, burst, step = rng.uniform(0, 1.0), rng.random() < 0.3, rng.uniform(0.06, 0.16)
    decay, tail = log_uniform(rng, 0.012, 0.09), log_uniform(rng, 0.15, 1.2)
    corners, colour = [60, 300, 2000, 8000], [rng.uniform(-12, 0), 0, rng.uniform(-8, 3), rng.uniform(-25, -3)]
    while start < len(out) / RATE - 0.2:
        for number in range(rng.integers(3, 12) if burst else 1):
            time = np.arange(seconds_to_samples(1.5)) / RATE
            blast = shaped_noise(rng, len(time), corners, colour) * np.exp(-time / decay)
            echo = shaped_noise(rng, len(time), corners, [0, -3, -14, -35]) * np.exp(-6.9 * time / tail)
            thump = np.sin(2 * np.pi * rng.uniform(50, 180) * time) * np.exp(-time / 0.03)
            shot = np.tanh(4 * blast + rng.uniform(0, 1.5) * thump) + rng.uniform(0.05, 0.4) * echo
            place(out, shot, int((start + number * step * rng.uniform(0.95, 1.05)) * RATE))
        start += rng.uniform(0.3, 2.5) + (1 if burst else 0)
    return out


def _blow(rng: np.random.Generator, modes_hz: FloatArray, decay: float, click: float) -> FloatArray:
    """A blow on wood or a panel: quickly damped modes and the contact's noise."""
    levels = rng.uniform(0.3, 1, len(modes_hz)) * (modes_hz / modes_hz.min()) ** -0.7
    out = ringing(0.4, modes_hz, levels, decay * rng.uniform(0.6, 1.2, len(modes_hz)))
    contact = band_noise(rng, seconds_to_samples(0.02), 300, 4000) * np.exp(-np.arange(seconds_to_samples(0.02)) / 60)
    place(out, contact * click, 0)
    return out


def knock(rng: np.random.Generator) -> FloatArray:
    """Knuckles on a door: two to six blows in a row, a pause, again."""
    out = np.zeros(seconds_to_samples(rng.uniform(3, 5)))
    modes = log_uniform(rng, 80, 400) * np.concatenate([[1], np.sort(rng.uniform(1.3, 9, rng.integers(4, 9)))])
    decay, start, click = log_uniform(rng, 0.03, 0.18), rng.uniform(0, 0.6), rng.uniform(0.1, 1.2)
    while start < len(out) / RATE:
        step = rng.uniform(0.11, 0.3)
        for _ in range(rng.integers(2, 7)):
            place(out, _blow(rng, modes, decay, click) * rng.uniform(0.5, 1), int(start * RATE))
            start += step * rng.uniform(0.92, 1.08)
        start += rng.uniform(0.4, 1.5)
    return out


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


def slams_and_thuds(rng: np.random.Generator) -> FloatArray:
    """Doors, boxes, dropped things: single dull blows that are neither a knock nor a shot."""
    out = np.zeros(seconds_to_samples(rng.uniform(3, 5)))
    start = rng.uniform(0, 1)
    while start < len(out) / RATE:
        modes = log_uniform(rng, 40, 900) * np.concatenate([[1], np.sort(rng.uniform(1.2, 12, 9))])
        blow = _blow(rng, modes, log_uniform(rng, 0.08, 0.5), rng.uniform(0, 1))
        rattle = band_noise(rng, len(blow), 200, 3000) * np.exp(-np.arange(len(blow)) / log_uniform(rng, 200, 2500))
        place(out, blow + rng.uniform(0, 0.8) * rattle, int(start * RATE))
        start += rng.uniform(0.5, 2.5)
    return out


def footsteps(rng: np.random.Generator) -> FloatArray:
    """Heel and sole at a walker's pace."""
    out = np.zeros(seconds_to_samples(rng.uniform(4, 6)))
    start, step = rng.uniform(0, 0.5), rng.uniform(0.3, 0.8)
    modes, gravel = rng.uniform(60, 900, 5), rng.uniform(0, 1)
    while start < len(out) / RATE:
        heel = _blow(rng, modes, 0.05, 0.5)
        sole = band_noise(rng, len(heel), 300, 5000) * np.exp(-np.arange(len(heel)) / 900) * gravel
        place(out, heel * rng.uniform(0.5, 1) + 0.3 * np.roll(sole, 900), int(start * RATE))
        start += step * rng.uniform(0.93, 1.07)
    return out


def clinks_and_clicks(rng: np.random.Generator) -> FloatArray:
    """Dishes, keys on a keyboard, coins, a tool: small bright blows at random."""
    out = np.zeros(seconds_to_samples(rng.uniform(3, 5)))
    metal = rng.random() < 0.5
    for _ in range(rng.integers(4, 40)):
        modes = rng.uniform(900, 7000, 5) if metal else rng.uniform(500, 4000, 3)
        hit = ringing(
            0.3, modes, rng.uniform(0.2, 1, len(modes)), np.full(len(modes), rng.uniform(0.01, 0.25 if metal else 0.03))
        )
        place(out, hit * rng.uniform(0.2, 1), int(rng.random() * len(out)))
    return out
