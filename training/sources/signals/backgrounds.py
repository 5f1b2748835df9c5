"""Backgrounds: steady noises of rooms, machines and microphones, which have no tag."""

from __future__ import annotations

import numpy as np

from training.settings import RATE
from training.sources.signals.tones import (
    FloatArray,
    arch,
    fade,
    harmonic_amplitudes,
    harmonic_tone,
    log_uniform,
    peaked,
    place,
    resonate,
    seconds_to_samples,
    shaped_noise,
    slow_wander,
)


def stationary_noise(rng: np.random.Generator) -> FloatArray:
    """Hiss, rumble, a fan, a band of noise: any smooth spectrum, steady."""
    samples = seconds_to_samples(6)
    if rng.random() < 0.3:
        slope = rng.uniform(-9, 3)  # dB per octave: white 0, pink -3, brown -6
        return shaped_noise(rng, samples, [30, 7680], [0, slope * 8])
    return shaped_noise(rng, samples, [40, 150, 400, 1000, 2500, 7500], list(rng.uniform(-30, 0, 6)))


def resonant_noise(rng: np.random.Generator) -> FloatArray:
    """Air in a duct, a server room, a far road: steady noise through a few resonances, broad or sharp."""
    source = rng.standard_normal(seconds_to_samples(6))
    centres = np.exp(rng.uniform(np.log(60), np.log(6500), rng.integers(1, 6)))
    widths = centres * np.exp(rng.uniform(np.log(0.08), np.log(2), len(centres)))
    out = peaked(resonate(source, list(centres), list(widths)))
    return out + rng.uniform(0, 0.3) * peaked(source)


def engine(rng: np.random.Generator) -> FloatArray:
    """A motor: firing harmonics whose speed wanders, and its noise in the same rhythm."""
    samples = seconds_to_samples(6)
    track = log_uniform(rng, 20, 160) * (1 + rng.uniform(0, 0.4) * slow_wander(rng, samples, 0.6))
    tone = harmonic_tone(track, harmonic_amplitudes(rng, 30, rng.uniform(0.3, 1.2)))
    noise = shaped_noise(rng, samples, [50, 500, 3000, 8000], list(rng.uniform(-25, 0, 4)))
    pulse = 1 + rng.uniform(0, 1) * np.sin(2 * np.pi * np.cumsum(track) / RATE)
    return np.asarray(tone / (np.abs(tone).max() + 1e-9) + rng.uniform(0.1, 1.5) * noise * pulse)


def mains_and_tools(rng: np.random.Generator) -> FloatArray:
    """Hum, a vacuum cleaner, a drill: a steady tone's harmonics with noise, switched on and off."""
    samples = seconds_to_samples(5)
    base = rng.choice([50.0, 60.0, log_uniform(rng, 90, 900)])
    track = base * (1 + rng.uniform(0, 0.01) * slow_wander(rng, samples, 3))
    tone = harmonic_tone(track, harmonic_amplitudes(rng, 20, rng.uniform(0.4, 2)))
    noise = shaped_noise(rng, samples, [50, 500, 3000, 8000], list(rng.uniform(-25, 0, 4)))
    return fade(tone / np.abs(tone).max() + rng.uniform(0, 2) * noise, rng.uniform(0, 0.5), rng.uniform(0, 0.5))


def crackle(rng: np.random.Generator) -> FloatArray:
    """Fire, vinyl, static: clicks of all sizes over a little noise."""
    samples = seconds_to_samples(5)
    clicks = rng.standard_t(1.5, samples) * (rng.random(samples) < log_uniform(rng, 2e-4, 1e-2))
    out = np.clip(clicks, -8, 8) + 0.05 * rng.uniform(0, 3) * rng.standard_normal(samples)
    return np.asarray(np.convolve(out, np.exp(-np.arange(40) / rng.uniform(1, 12)), "same"))


def handling(rng: np.random.Generator) -> FloatArray:
    """A microphone on a stand or a headset: breath, cloth and table come through as low bursts without a beat."""
    samples = seconds_to_samples(7)
    out = rng.uniform(0, 0.15) * shaped_noise(rng, samples, [20, 60, 250, 8000], [6, 0, -18, -60])
    for _ in range(int(log_uniform(rng, 3, 60))):
        length = seconds_to_samples(log_uniform(rng, 0.03, 1.0))
        low = log_uniform(rng, 20, 90)
        burst = shaped_noise(rng, length, [20, low, low * rng.uniform(1.5, 4), 8000], [-6, 0, -6, -rng.uniform(45, 80)])
        rise = rng.uniform(0.03, 0.6)
        envelope = arch(length, [0, 1, rng.uniform(0.1, 0.6), 0], [0, rise, (1 + rise) / 2, 1])
        place(out, burst * envelope * rng.exponential(0.5), int(rng.random() * samples))
    hiss = 10 ** -rng.uniform(1, 3) * rng.standard_normal(samples)
    return peaked(out) + hiss


def steady_lines(rng: np.random.Generator) -> FloatArray:
    """A cabin, a fan, a transformer: lines that stay or glide slowly, at no musical interval, in broad noise."""
    samples = seconds_to_samples(7)
    time = np.arange(samples) / RATE
    base = rng.choice([50.0, 60.0, log_uniform(rng, 15, 300)])
    harmonics = base * rng.integers(1, 30, rng.integers(2, 12))
    lines = np.concatenate([harmonics, np.exp(rng.uniform(np.log(60), np.log(5000), rng.integers(1, 9)))])
    out = np.zeros(samples)
    for line in lines[lines < 7500]:
        glide = 1 + rng.choice([0, 0, rng.uniform(-0.01, 0.01)]) * time
        swell = 1 + rng.uniform(0, 0.5) * np.sin(2 * np.pi * log_uniform(rng, 0.1, 8) * time + rng.uniform(0, 6))
        out += rng.exponential(1) * (200 / (200 + line)) * swell * np.sin(2 * np.pi * line * glide * time)
    noise = shaped_noise(rng, samples, [30, 120, 500, 2000, 8000], [0, -3, *np.cumsum(rng.uniform(-15, 0, 3))])
    return peaked(out) + log_uniform(rng, 0.3, 6) * noise
