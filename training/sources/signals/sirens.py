"""Sirens of vehicles (electronic) and of civil defence (rotors)."""

from __future__ import annotations

import numpy as np

from training.settings import RATE
from training.sources.signals.tones import (
    FloatArray,
    fade,
    harmonic_amplitudes,
    harmonic_tone,
    log_uniform,
    seconds_to_samples,
    shaped_noise,
    slow_wander,
    through_horn,
)


def _sweep(rng: np.random.Generator, seconds: float, period: float) -> FloatArray:
    """A frequency track that swings between two drawn ends: rounded, straight or with unequal sides."""
    cycle = (np.arange(seconds_to_samples(seconds)) / RATE / period + rng.random()) % 1
    rise = rng.choice([0.5, rng.uniform(0.15, 0.85), 0.97])
    height = np.where(cycle < rise, cycle / rise, (1 - cycle) / (1 - rise))
    shape = rng.integers(3)
    if shape == 0:
        height = 0.5 - 0.5 * np.cos(np.pi * height)
    elif shape == 1:
        height = 1 - (1 - height) ** rng.uniform(1, 3)
    low = log_uniform(rng, 350, 900)
    return np.asarray(low * rng.uniform(1.5, 3.2) ** height)


def _two_tones(rng: np.random.Generator, seconds: float) -> FloatArray:
    """European horns: two pitches in turn, sometimes with a short glide between."""
    half = rng.uniform(0.25, 1.1)
    low = log_uniform(rng, 340, 800)
    track = np.where(
        (np.arange(seconds_to_samples(seconds)) / RATE / half).astype(int) % 2, low, low * rng.uniform(1.12, 1.6)
    )
    glide = seconds_to_samples(rng.uniform(0.004, 0.06))
    return np.convolve(np.pad(track, glide // 2 + 1, mode="edge"), np.ones(glide) / glide, "same")[1 : len(track) + 1]


def _driving_by(rng: np.random.Generator, samples: FloatArray) -> FloatArray:
    """A slow rise and fall of the level, as of something that comes and goes."""
    return np.asarray(samples * 10 ** (slow_wander(rng, len(samples), 0.25) * rng.uniform(0, 9) / 20))


def vehicle_siren(rng: np.random.Generator) -> FloatArray:
    """Wail, yelp, phaser, hi-lo, or a change between two of them."""
    total = rng.uniform(4, 8)
    modes = rng.choice(["wail", "yelp", "phaser", "hi-lo"], size=rng.choice([1, 1, 2]), p=[0.35, 0.27, 0.1, 0.28])
    tracks = []
    for mode in modes:
        seconds = total / len(modes)
        period = {"wail": rng.uniform(1.5, 6), "yelp": rng.uniform(0.18, 0.7), "phaser": rng.uniform(0.04, 0.14)}.get(
            mode
        )
        tracks.append(_two_tones(rng, seconds) if period is None else _sweep(rng, seconds, period))
    track = np.concatenate(tracks)
    track *= 1 + 0.04 * rng.random() * slow_wander(rng, len(track), 0.3)
    tone = harmonic_tone(track, harmonic_amplitudes(rng, rng.integers(1, 16)))
    if rng.random() < 0.2:
        tone += harmonic_tone(track * rng.uniform(1.005, 1.03), harmonic_amplitudes(rng, 6))
    return _driving_by(rng, fade(through_horn(rng, tone), 0.02, 0.05))


def civil_defence_siren(rng: np.random.Generator) -> FloatArray:
    """A rotor that is run up, held and let run down: one or two ports, buzz and air noise."""
    seconds, top = rng.uniform(6, 10), log_uniform(rng, 280, 900)
    time = np.arange(seconds_to_samples(seconds)) / RATE
    if rng.random() < 0.5:
        swing = 0.5 - 0.5 * np.cos(2 * np.pi * (time / rng.uniform(4, 14) + rng.random()))
        track = top * (1 - rng.uniform(0.15, 0.7) * swing)
    else:
        start, rise = rng.uniform(-2, 1.5), rng.uniform(0.6, 2.5)
        track = top * (0.15 + 0.85 * (1 - np.exp(-np.maximum(time - start, 0) / rise)))
        track *= np.where(time > seconds * 0.75, np.exp(-(time - seconds * 0.75) / rng.uniform(3, 9)), 1)
    amplitudes = harmonic_amplitudes(rng, 14, rng.uniform(0.5, 1.4))
    tone = harmonic_tone(track, amplitudes)
    if rng.random() < 0.5:
        tone += rng.uniform(0.5, 1) * harmonic_tone(track * rng.choice([5 / 6, 4 / 5, 3 / 4, 2 / 3]), amplitudes)
    air = shaped_noise(rng, len(time), [50, 500, 3000, 8000], [-20, 0, -6, -20])
    tone = tone * (1 + 0.2 * rng.random() * np.sin(2 * np.pi * np.cumsum(track) / RATE / 8)) + air * rng.uniform(0, 0.3)
    return _driving_by(rng, fade(through_horn(rng, tone * (track / track.max()) ** 1.5), 0.1, 0.2))
