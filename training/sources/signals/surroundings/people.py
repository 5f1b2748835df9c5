"""Sounds of people other than speech: crying babies, snoring sleepers."""

from __future__ import annotations

import numpy as np

from training.settings import RATE
from training.sources.signals.tones import (
    FloatArray,
    arch,
    band_noise,
    fade,
    log_uniform,
    peaked,
    place,
    pulses,
    resonate,
    seconds_to_samples,
    shaped_noise,
    slow_wander,
    voiced,
)


def _gasp(rng: np.random.Generator, seconds: float, level: float) -> FloatArray:
    """The breath drawn in between two cries."""
    samples = seconds_to_samples(seconds)
    return band_noise(rng, samples, 900, 4500) * np.hanning(samples) * level


def _cry_pitch(rng: np.random.Generator, base_hz: float, samples: int) -> FloatArray:
    """Arched, with vibrato and jitter."""
    time = np.arange(samples) / RATE
    track = base_hz * arch(
        samples, [rng.uniform(0.7, 0.9), rng.uniform(1.0, 1.15), rng.uniform(0.95, 1.1), rng.uniform(0.7, 0.9)]
    )
    shake = rng.uniform(0, 0.04) * np.sin(2 * np.pi * rng.uniform(4, 9) * time) + 0.01 * slow_wander(rng, samples, 60)
    return np.asarray(track * (1 + shake))


def baby_cry(rng: np.random.Generator) -> FloatArray:
    """Cries of about a second with gasps between; rough where they are loudest: "wah"."""
    out, start = np.zeros(seconds_to_samples(rng.uniform(4.5, 6.5))), rng.uniform(-0.5, 0.4)
    base, size, tilt = log_uniform(rng, 340, 620), log_uniform(rng, 0.9, 1.15), rng.uniform(0.0, 0.7)
    rough, pause = rng.uniform(0, 0.8), rng.uniform(0.1, 0.6)
    while start < len(out) / RATE:
        seconds = rng.uniform(0.5, 1.6)
        samples = seconds_to_samples(seconds)
        track = _cry_pitch(rng, base * rng.uniform(0.93, 1.07), samples)
        mouth = arch(samples, [600, 1150, 1100, 700], [0, 0.2, 0.7, 1]) * size
        voice = voiced(track, [mouth, 3300 * size], rng.uniform(0.3, 0.5), tilt)
        voice *= 1 + rough * arch(samples, [0, 1, 0.2]) * np.sin(np.pi * np.cumsum(track) / RATE)
        cry = fade(voice + 0.05 * band_noise(rng, samples, 1000, 5000), 0.08, 0.15) * rng.uniform(0.7, 1)
        place(out, cry if start >= 0 else cry[int(-start * RATE) :], max(0, int(start * RATE)))
        place(out, _gasp(rng, pause, rng.uniform(0, 0.3)), int((start + seconds) * RATE) if start + seconds > 0 else 0)
        start += seconds + pause * rng.uniform(0.8, 1.4)
    return out


def baby_cry_pulses(rng: np.random.Generator) -> FloatArray:
    """The same by pulses and noise through a small throat: newborns' short "neh", screams that break."""
    out, start = np.zeros(seconds_to_samples(rng.uniform(4.5, 6.5))), rng.uniform(0, 0.4)
    base, length = log_uniform(rng, 350, 600), log_uniform(rng, 0.35, 1.4)
    size, noise = log_uniform(rng, 0.85, 1.15), rng.uniform(0, 0.25)
    throat, open_throat = np.array([900, 2100, 3300]) * size, np.array([1250, 2500, 3700]) * size
    while start < len(out) / RATE:
        samples = seconds_to_samples(length * rng.uniform(0.7, 1.3))
        track = _cry_pitch(rng, base, samples) * np.where(rng.random() < 0.15, 2.0, 1.0)
        source = pulses(track) + noise * rng.standard_normal(samples) * arch(samples, [0.1, 0.5, 0.1])
        near, wide = (peaked(resonate(source, list(each), [150, 250, 350])) for each in (throat, open_throat))
        way = arch(samples, [0, 1, 0.8, 0])
        place(out, fade(near * (1 - way) + wide * way, 0.06, 0.12) * rng.uniform(0.7, 1), int(start * RATE))
        start += samples / RATE + rng.uniform(0.12, 0.6)
    return out


def _snoring(rng: np.random.Generator, source: str) -> FloatArray:
    """Breaths in, rasping, and out, softly: once every 1.5 to 4 s."""
    out, start = np.zeros(seconds_to_samples(rng.uniform(6, 8))), rng.uniform(-0.8, 0.5)
    rate, formants = log_uniform(rng, 20, 90), list(np.exp(rng.uniform(np.log(180), np.log(1600), 3)))
    period, length, flow = rng.uniform(1.7, 3.6), rng.uniform(0.7, 1.8), rng.uniform(0.1, 1)
    whistle, exhale = rng.uniform(0, 0.3), log_uniform(rng, 500, 2500)
    while start < len(out) / RATE:
        samples = seconds_to_samples(length * rng.uniform(0.85, 1.15))
        rasp = _rasp(rng, source, rate, samples, flow)
        snore = fade(peaked(resonate(rasp, formants, list(rng.uniform(60, 250, 3)))), length * 0.3, length * 0.25)
        breath = band_noise(rng, seconds_to_samples(length * 0.7), exhale * 0.7, exhale * 1.5)
        for piece, at in ((snore, start), (breath * np.hanning(len(breath)) * whistle, start + length + 0.2)):
            place(out, piece if at >= 0 else piece[int(-at * RATE) :], max(0, int(at * RATE)))
        start += period * rng.uniform(0.9, 1.1)
    return out


def _rasp(rng: np.random.Generator, source: str, rate_hz: float, samples: int, flow: float) -> FloatArray:
    """What excites the throat: the soft palate's pulses, or air that its flapping lets through."""
    track = rate_hz * arch(samples, list(rng.uniform(0.8, 1.25, 3))) * (1 + 0.15 * slow_wander(rng, samples, 25))
    air = rng.standard_normal(samples)
    if source == "pulses":
        beats = np.convolve(pulses(track), np.hanning(60), "same") * (1 + 0.3 * slow_wander(rng, samples, 30))
        return np.asarray(beats + 0.15 * flow * air)
    flap = (0.5 + 0.5 * np.sin(2 * np.pi * np.cumsum(track) / RATE)) ** rng.uniform(1, 6)
    return np.asarray(air * (flap + 0.1 * flow))


def snore(rng: np.random.Generator) -> FloatArray:
    """Snoring by pulses of the soft palate."""
    return _snoring(rng, "pulses")


def snore_noise(rng: np.random.Generator) -> FloatArray:
    """Snoring by air that flaps: hissing, rougher."""
    return _snoring(rng, "air")


def breathing(rng: np.random.Generator) -> FloatArray:
    """Breath in and out through nose or mouth, with no rasp. Neither a snore nor a whisper."""
    out, start = np.zeros(seconds_to_samples(6)), rng.uniform(0, 0.5)
    colours = [list(rng.uniform(-25, 0, 5)) for _ in range(2)]
    length = rng.uniform(0.6, 1.8)
    while start < len(out) / RATE:
        for colour in colours:
            samples = seconds_to_samples(length * rng.uniform(0.8, 1.2))
            place(
                out,
                shaped_noise(rng, samples, [150, 500, 1500, 3500, 8000], colour) * np.hanning(samples),
                int(start * RATE),
            )
            start += samples / RATE * rng.uniform(0.95, 1.5)
    return out


def moaning_crowd(rng: np.random.Generator) -> FloatArray:
    """Adults who moan, yell or cheer together: voices without words, lower than a baby's."""
    samples = seconds_to_samples(4)
    out = np.zeros(samples)
    for _ in range(rng.integers(2, 9)):
        track = log_uniform(rng, 110, 380) * arch(samples, list(rng.uniform(0.8, 1.2, 6)))
        out += (
            voiced(track, [rng.uniform(500, 900), rng.uniform(1000, 2000)], 0.4, 0.7)
            * slow_wander(rng, samples, 0.8) ** 2
        )
    return out


def baby_cry_modulated(rng: np.random.Generator) -> FloatArray:
    """Cries by frequency modulation, shaken and breaking, with short sobs in between now and then."""
    out, start = np.zeros(seconds_to_samples(rng.uniform(4.5, 6.5))), rng.uniform(0, 0.4)
    base, formants = log_uniform(rng, 340, 600), [rng.uniform(950, 1350), rng.uniform(2800, 3700)]
    while start < len(out) / RATE:
        sob = rng.random() < 0.25
        samples = seconds_to_samples(rng.uniform(0.15, 0.3) if sob else rng.uniform(0.5, 1.5))
        phase = 2 * np.pi * np.cumsum(_cry_pitch(rng, base, samples)) / RATE
        index = arch(samples, [0.5, rng.uniform(2, 5), rng.uniform(1, 4), 0.5])
        tone = np.sin(phase + index * np.sin(phase)) + rng.uniform(0, 0.5) * np.sin(phase / 2 + index * np.sin(phase))
        cry = tone + rng.uniform(0.5, 3) * peaked(resonate(np.asarray(tone), formants, [200, 400]))
        place(out, fade(np.asarray(cry), 0.05, 0.12) * rng.uniform(0.6, 1), int(start * RATE))
        start += samples / RATE + (0.1 if sob else rng.uniform(0.15, 0.6))
    return out
