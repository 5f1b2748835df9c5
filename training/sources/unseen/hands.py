"""Hands that clap, to judge only."""

from __future__ import annotations

import numpy as np
from scipy import signal

from training.settings import RATE
from training.sources.unseen.parts import Array, filtered, impulses, summed


def _pair_of_hands(rng: np.random.Generator, length: int, moments: list[float]) -> Array:
    """Claps at the given moments by one pair of hands: bursts of noise through one band-pass."""
    clicks = impulses(length, moments, list(rng.uniform(0.6, 1, len(moments))))
    envelope = signal.lfilter([1], [1, -np.exp(-1 / (rng.uniform(0.002, 0.009) * RATE))], clicks)
    centre = rng.uniform(700, 2400)
    return filtered(envelope * rng.standard_normal(length), "bandpass", (centre * 0.7, centre * 1.6), 1)


def hand_clapper(rng: np.random.Generator) -> Array:
    """One or two people clapping a steady beat."""
    length, beat = int(rng.uniform(3, 5) * RATE), rng.uniform(0.22, 0.7)
    hands = [
        _pair_of_hands(rng, length, list(np.arange(rng.uniform(0, 0.1), length / RATE, beat) + rng.normal(0, 0.008)))
        for _ in range(rng.integers(1, 3))
    ]
    return summed(hands)


def clapping_hall(rng: np.random.Generator) -> Array:
    """An audience: a dense Poisson stream of claps from a dozen kinds of hands, and the hall's diffuse rest."""
    length, density = int(rng.uniform(4, 6) * RATE), rng.uniform(40, 500)
    hands = []
    for _ in range(12):
        count = int(density * length / RATE / 12)
        hands.append(_pair_of_hands(rng, length, list(rng.uniform(0, length / RATE, count))))
    diffuse = filtered(rng.standard_normal(length), "bandpass", (600, 4000), 1) * rng.uniform(0, 0.15)
    return summed(hands) + diffuse
