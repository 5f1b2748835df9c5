"""Sirens and horns that only judge."""

from __future__ import annotations

import numpy as np
from scipy import signal

from training.settings import RATE
from training.sources.unseen.parts import Array, filtered, modulated_square


def american_patrol_siren(rng: np.random.Generator) -> Array:
    """Wail and yelp as an electronic siren's capacitor makes them: exponential charge and discharge."""
    length, state = int(rng.uniform(4, 8) * RATE), rng.uniform(0, 1)
    charge = rng.choice([rng.uniform(0.6, 2.5), rng.uniform(0.05, 0.2)])
    track, rising = np.empty(length), True
    for index in range(0, length, 16):
        target = 1.25 if rising else -0.25
        state += (target - state) * 16 / (charge * RATE * (1 if rising else rng.uniform(0.98, 1.02) * 1.6))
        rising = (state < 1) if rising else (state < 0)
        track[index : index + 16] = state
    frequency = 1400.0 * rng.uniform(0.8, 1.2) * track + 500 * rng.uniform(0.8, 1.3)
    horn = filtered(modulated_square(np.clip(frequency, 200, 3000), rng.uniform(0.3, 0.5)), "bandpass", (500, 4000))
    return horn * np.linspace(rng.uniform(0.2, 1), rng.uniform(0.2, 1), length)


def european_horn_siren(rng: np.random.Generator) -> Array:
    """Martinshorn and pin-pon: two fixed reeds in turn, through a resonant bell."""
    pairs = np.array([[435, 580], [450, 600], [392, 660], [660, 880], [414, 554]])
    low, high = rng.choice(pairs) * rng.uniform(0.95, 1.05)
    length, hold = int(rng.uniform(4, 7) * RATE), rng.uniform(0.35, 0.8)
    switch = signal.square(2 * np.pi * np.arange(length) / RATE / (2 * hold)) > 0
    reed = signal.sawtooth(2 * np.pi * np.cumsum(np.where(switch, high, low)) / RATE, rng.uniform(0.6, 1))
    return filtered(reed, "bandpass", (low * 0.8, rng.uniform(2500, 5500)))


def air_raid_siren(rng: np.random.Generator) -> Array:
    """A chopper that spins up by its motor's inertia and coasts, once or over and over."""
    length, target = int(rng.uniform(6, 10) * RATE), rng.uniform(380, 780)
    turns = np.arange(length) / RATE / rng.uniform(5, 12) + rng.uniform(0, 0.3)
    drive, inertia = (signal.square(2 * np.pi * turns, 0.55) > 0) * target, rng.uniform(1.0, 2.5) * RATE
    speed = signal.lfilter([1 / inertia], [1, -(1 - 1 / inertia)], drive, zi=[target * rng.uniform(0.3, 0.8)])[0]
    chopped = modulated_square(np.maximum(speed, 40), 0.5) * (speed / target) ** 2
    second = modulated_square(np.maximum(speed, 40) * 1.2, 0.5) * (speed / target) ** 2
    hiss = filtered(rng.standard_normal(length), "bandpass", (400, 2500)) * 0.05
    return filtered(chopped + second * rng.choice([0, 0.8]), "lowpass", 3500) + hiss


def klaxon_of_a_car(rng: np.random.Generator) -> Array:
    """A diaphragm horn: a narrow pulse train into the trumpet's resonances; mostly two horns a third apart."""
    length, base = int(rng.uniform(3, 5) * RATE), rng.uniform(310, 500)
    time = np.arange(length) / RATE
    total = np.zeros(length)
    for note in (base, base * rng.choice([1.2, 1.25])) if rng.random() < 0.8 else (base,):
        pulses = modulated_square(np.full(length, note), rng.uniform(0.08, 0.3))
        total += filtered(pulses, "bandpass", (note * 1.2, 3800), 1) + filtered(pulses, "bandpass", (1800, 3200), 2)
    honks = signal.square(2 * np.pi * (time / rng.uniform(0.4, 3) + rng.random()), rng.uniform(0.4, 0.8)) > 0
    return total * np.clip(filtered(honks.astype(float), "lowpass", 30, 1), 0, 1)
