"""Noises that have no tag, so that false alarms count."""

from __future__ import annotations

import numpy as np

from training.settings import RATE
from training.sources.unseen.parts import (
    Array,
    bump,
    filtered,
    hiss,
    lay,
    resonate,
    struck,
    summed,
    wander,
)


def office_noise(rng: np.random.Generator) -> Array:
    """Air conditioning and a fan: noise through low filters, with a weak tone."""
    length = int(5 * RATE)
    noise = filtered(rng.standard_normal(length), "lowpass", rng.uniform(150, 4000), int(rng.integers(1, 3)))
    tone = np.sin(2 * np.pi * rng.uniform(80, 400) * np.arange(length) / RATE)
    return np.asarray(noise / noise.std() + rng.uniform(0, 0.5) * tone)


def shower_head(rng: np.random.Generator) -> Array:
    """Water: high-passed noise whose level trembles."""
    length = int(5 * RATE)
    noise = filtered(rng.standard_normal(length), "highpass", rng.uniform(300, 2000), 1)
    return noise * (1 + 0.3 * filtered(rng.standard_normal(length), "lowpass", 20) * 5)


def motorbike(rng: np.random.Generator) -> Array:
    """Exhaust pulses through two resonances, with the throttle opened now and then."""
    length = int(5 * RATE)
    speed = rng.uniform(25, 90) * (1 + 0.4 * np.interp(np.arange(length), np.linspace(0, length, 6), rng.random(6)))
    pulses = np.diff(np.floor(np.cumsum(speed) / RATE), prepend=0) * rng.uniform(0.7, 1, length)
    return resonate(pulses, rng.uniform(80, 200), 0.05) + 0.5 * resonate(pulses, rng.uniform(400, 900), 0.02)


def rain_on_roof(rng: np.random.Generator) -> Array:
    """Drops of all sizes on tin or tiles: thousands of tiny blows a second, a few heavy ones, the hiss of the rest."""
    length = int(5 * RATE)
    drops = (rng.random(length) < rng.uniform(200, 3000) / RATE) * rng.exponential(1.0, length) ** 2
    roof = struck(drops, rng.uniform(250, 4500, 5), rng.uniform(0.005, 0.03, 5), rng.uniform(0.2, 1, 5))
    rest = hiss(rng, length, "bandpass", (rng.uniform(500, 1500), 7000))
    return np.asarray(roof + rng.uniform(0.05, 0.4) * rest)


def traffic_rumble(rng: np.random.Generator) -> Array:
    """A street some way off: tyres (a hump near 1 kHz) that swell as cars pass, engines below."""
    length = int(5 * RATE)
    tyres = hiss(rng, length, "bandpass", (rng.uniform(300, 600), rng.uniform(1200, 2500)))
    low = hiss(rng, length, "lowpass", rng.uniform(80, 200))
    passing = np.exp(0.5 * wander(rng, length, rng.uniform(0.2, 0.5)))
    return np.asarray(rng.uniform(0.1, 1) * tyres * passing + low * np.exp(0.3 * wander(rng, length, 0.5)))


def cabin_hum(rng: np.random.Generator) -> Array:
    """Inside a train, a ship or a server room: dull noise and 3 to 15 steady lines that have no chord in common."""
    length = int(5 * RATE)
    time, tilt = np.arange(length) / RATE, rng.uniform(0.5, 1.5)
    lines = rng.uniform(45, 1800, rng.integers(3, 16))
    tones = summed(
        [np.sin(2 * np.pi * (hz * time + rng.random())) * (60 / hz) ** tilt * rng.uniform(0.2, 1) for hz in lines]
    )
    noise = hiss(rng, length, "lowpass", rng.uniform(120, 600)) + rng.uniform(0.02, 0.3) * hiss(
        rng, length, "lowpass", 5000
    )
    return np.asarray(noise + rng.uniform(0.2, 1.5) * tones / (tones.std() + 1e-9))


def worn_microphone(rng: np.random.Generator) -> Array:
    """A microphone on a person who is silent: breath and cloth in uneven low bursts, the room behind them."""
    length, begin = int(6 * RATE), 0.0
    out = rng.uniform(0.005, 0.05) * hiss(rng, length, "lowpass", rng.uniform(80, 300))
    while begin < 6:
        seconds = rng.choice([rng.uniform(0.03, 0.15), rng.uniform(0.2, 1.0)])
        pop = (
            hiss(rng, int(seconds * RATE), "lowpass", rng.uniform(60, 260))
            * bump(seconds, rng.uniform(0.1, 0.6))[: int(seconds * RATE)]
        )
        lay(out, pop, begin, rng.uniform(0.05, 1) ** 2)
        begin += seconds + rng.exponential(0.5)
    return out + rng.uniform(0.0005, 0.005) * rng.standard_normal(length)
