"""Whistles blown by the mouth and with a pea."""

from __future__ import annotations

import numpy as np

from training.settings import RATE
from training.sources.signals.tones import (
    FloatArray,
    band_noise,
    fade,
    harmonic_tone,
    log_uniform,
    place,
    seconds_to_samples,
    slow_wander,
)


def _breath(rng: np.random.Generator, tone: FloatArray, centre_hz: float, share: float) -> FloatArray:
    """The tone with blown air around its pitch."""
    air = band_noise(rng, len(tone), centre_hz * 0.7, min(centre_hz * 1.6, 7000))
    return np.asarray(tone + share * air * np.abs(tone).max())


def mouth_whistle(rng: np.random.Generator) -> FloatArray:
    """A tune: notes that slide into each other, with some vibrato and breath."""
    out = np.zeros(seconds_to_samples(rng.uniform(3, 6)))
    base, start = log_uniform(rng, 600, 1500), rng.uniform(0, 0.3)
    slide, vibrato = rng.uniform(0.02, 0.12), rng.uniform(0, 0.02)
    overtones = np.array([1, rng.uniform(0, 0.12), rng.uniform(0, 0.05)])
    pitch = base
    while start < len(out) / RATE - 0.1:
        seconds = log_uniform(rng, 0.12, 0.9)
        target = base * 2 ** (rng.choice([0, 2, 4, 5, 7, 9, 11, 12]) / 12)
        time = np.arange(seconds_to_samples(seconds)) / RATE
        track = target + (pitch - target) * np.exp(-time / slide)
        track *= 1 + vibrato * np.sin(2 * np.pi * rng.uniform(4.5, 7) * time) + 0.004 * slow_wander(rng, len(time), 15)
        note = fade(harmonic_tone(track, overtones), rng.uniform(0.01, 0.06), rng.uniform(0.02, 0.08))
        place(out, _breath(rng, note, target, rng.uniform(0.0, 0.12)), int(start * RATE))
        start, pitch = start + seconds + rng.choice([0, 0.02, 0.25]), target
    return out


def calling_whistle(rng: np.random.Generator) -> FloatArray:
    """Calls: one glide up or down, the wolf whistle's two, or two fingers in the mouth."""
    out = np.zeros(seconds_to_samples(rng.uniform(3, 5)))
    start = rng.uniform(0, 0.5)
    low, high = log_uniform(rng, 700, 1600), log_uniform(rng, 1800, 3800)
    shapes = [np.array(shape) for shape in ([0, 1], [1, 0], [0.1, 1, 0.05], [1, 0.4, 1], [0.9, 1, 0.9])]
    while start < len(out) / RATE - 0.3:
        shape = shapes[rng.integers(len(shapes))]
        seconds = rng.uniform(0.25, 1.1)
        height = np.interp(np.linspace(0, len(shape) - 1, seconds_to_samples(seconds)), np.arange(len(shape)), shape)
        height = np.convolve(height, np.hanning(801) / np.hanning(801).sum(), "same")
        track = low * (high / low) ** height * (1 + 0.003 * slow_wander(rng, len(height), 30))
        call = fade(harmonic_tone(track, np.array([1, 0.08, 0.03])), 0.03, 0.05)
        place(out, _breath(rng, call, (low + high) / 2, rng.uniform(0.02, 0.15)), int(start * RATE))
        start += seconds + rng.uniform(0.05, 1.2)
    return out


def pea_whistle(rng: np.random.Generator) -> FloatArray:
    """A referee's whistle: a trill of two near pitches (with a pea), or a steady beat of chambers (without)."""
    out = np.zeros(seconds_to_samples(rng.uniform(3, 5)))
    base, trill = log_uniform(rng, 1900, 4200), rng.uniform(18, 60)
    with_pea, start = rng.random() < 0.7, rng.uniform(0, 0.5)
    chambers = [1.0] if with_pea else [1.0, rng.uniform(1.01, 1.12), rng.uniform(1.13, 1.3)][: rng.integers(1, 4)]
    while start < len(out) / RATE - 0.15:
        seconds = log_uniform(rng, 0.12, 1.8)
        time = np.arange(seconds_to_samples(seconds)) / RATE
        beat = np.sin(2 * np.pi * trill * time * (1 + 0.03 * slow_wander(rng, len(time), 8)))
        track = base * (1 + with_pea * rng.uniform(0.01, 0.05) * beat - 0.06 * np.exp(-time / 0.03))
        blow = sum(harmonic_tone(track * ratio, np.array([1, 0.2, 0.08])) for ratio in chambers)
        blow = np.asarray(blow) * (1 + with_pea * rng.uniform(0.2, 0.7) * beat)
        place(out, _breath(rng, fade(blow, 0.015, 0.03), base, rng.uniform(0.02, 0.25)), int(start * RATE))
        start += seconds + rng.uniform(0.08, 1.2)
    return out
