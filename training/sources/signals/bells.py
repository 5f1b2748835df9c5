"""Bells: bodies with the partials of church bells, hand bells, gongs and bars."""

from __future__ import annotations

import numpy as np

from training.settings import RATE
from training.sources.signals.tones import FloatArray, band_noise, log_uniform, place, ringing, seconds_to_samples

# Partials of a tuned bell against its prime (hum, prime, tierce, quint, nominal and above): Fletcher and Rossing,
# The Physics of Musical Instruments, chapter 21.
_CHURCH = np.array([0.5, 1, 1.2, 1.5, 2, 2.5, 2.67, 3.01, 4.17, 5.43, 6.8])


def _strike(
    rng: np.random.Generator, base_hz: float, ratios: FloatArray, seconds: float, levels: FloatArray
) -> FloatArray:
    """One blow: the modes (each split into a beating pair) and the clapper's click."""
    length = min(seconds * 1.2, 7.0)
    decays = seconds * ratios ** -rng.uniform(0.4, 1.0)
    split = 1 + rng.uniform(0, 0.002, len(ratios))
    out = ringing(length, base_hz * ratios, levels, decays) + 0.4 * ringing(
        length, base_hz * ratios * split, levels, decays
    )
    click = band_noise(rng, seconds_to_samples(0.006), 1500, 6500) * rng.uniform(0, 0.5)
    place(out, click, 0)
    return out


def _toll(rng: np.random.Generator, ratios: FloatArray, bases: list[float], seconds: float, step: float) -> FloatArray:
    """Blows in a row, each on one of the bells, evenly or not."""
    out = np.zeros(seconds_to_samples(rng.uniform(4, 7)))
    levels = [rng.uniform(0.2, 1, len(ratios)) * ratios ** -rng.uniform(0, 0.8) for _ in bases]
    start, unrest = rng.uniform(0, 0.4), rng.uniform(0, 0.3)
    while start < len(out) / RATE:
        which = rng.integers(len(bases))
        blow = _strike(rng, bases[which], ratios, seconds, levels[which])
        place(out, blow * rng.uniform(0.5, 1), int(start * RATE))
        start += step * (1 + unrest * rng.uniform(-1, 1))
    return out


def church_bell(rng: np.random.Generator) -> FloatArray:
    """One to five large bells, tolled or rung."""
    ratios = _CHURCH * rng.normal(1, 0.012, len(_CHURCH))
    bases = [log_uniform(rng, 140, 900) for _ in range(rng.choice([1, 1, 2, 3, 5]))]
    return _toll(rng, ratios, bases, rng.uniform(2, 9), log_uniform(rng, 0.35, 3))


def hand_bell(rng: np.random.Generator) -> FloatArray:
    """A shop's, desk's, dinner's or bicycle's bell: small, bright, inharmonic."""
    ratios = np.sort(np.concatenate([[1], rng.uniform(1.5, 5, rng.integers(2, 7))]))
    step = rng.choice([log_uniform(rng, 0.12, 0.4), log_uniform(rng, 0.6, 2.5)])
    return _toll(rng, ratios, [log_uniform(rng, 700, 3500)], log_uniform(rng, 0.5, 3.5), step)


def wind_chime(rng: np.random.Generator) -> FloatArray:
    """Tubes that are struck at random: free bars, ratios 1 : 2.76 : 5.40."""
    scale = log_uniform(rng, 400, 1800) * 2 ** (np.array([0, 2, 4, 7, 9, 12]) / 12)
    bases = [float(base) for base in scale[: rng.integers(3, 7)]]
    return _toll(rng, np.array([1, 2.756, 5.404]), bases, rng.uniform(1, 5), log_uniform(rng, 0.1, 0.6))


def jingle_bells(rng: np.random.Generator) -> FloatArray:
    """A strap of sleigh bells, shaken."""
    out = np.zeros(seconds_to_samples(rng.uniform(3, 5)))
    step = rng.uniform(0.15, 0.5)
    bodies = [rng.uniform(2200, 7000, rng.integers(2, 5)) for _ in range(8)]
    for start in np.arange(0, len(out) / RATE, step):
        for _ in range(rng.integers(4, 14)):
            body = bodies[rng.integers(len(bodies))]
            hit = ringing(0.25, body, rng.uniform(0.3, 1, len(body)), np.full(len(body), rng.uniform(0.08, 0.4)))
            place(out, hit * rng.uniform(0.1, 1), int((start + rng.exponential(0.03)) * RATE))
    return out


def doorbell(rng: np.random.Generator) -> FloatArray:
    """Ding-dong: two bars, a third apart."""
    out = np.zeros(seconds_to_samples(rng.uniform(3, 5)))
    base, start, gap = log_uniform(rng, 400, 1100), rng.uniform(0, 0.5), rng.uniform(0.3, 0.8)
    for ratio in (1.26, 1.0) if rng.random() < 0.8 else (1.5, 1.26, 1.0):
        note = base * ratio * np.array([1, 2, 3, 4.1])
        place(
            out,
            ringing(2.5, note, np.array([1, 0.4, 0.2, 0.1]) * rng.uniform(0.3, 1, 4), np.full(4, 1.8)),
            int(start * RATE),
        )
        start += gap
    return out
