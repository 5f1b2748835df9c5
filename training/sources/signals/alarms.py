"""Alarms that beep, buzz and warble; telephones and horns as their neighbours."""

from __future__ import annotations

import numpy as np

from training.settings import RATE
from training.sources.signals.tones import (
    FloatArray,
    fade,
    harmonic_amplitudes,
    harmonic_tone,
    log_uniform,
    place,
    ringing,
    seconds_to_samples,
    shaped_noise,
    slow_wander,
    through_horn,
)


def _beep(rng: np.random.Generator, frequency_hz: float, seconds: float, amplitudes: FloatArray) -> FloatArray:
    track = np.full(seconds_to_samples(seconds), frequency_hz)
    return fade(harmonic_tone(track, amplitudes), rng.uniform(0.001, 0.008), rng.uniform(0.001, 0.015))


def _beep_times(rng: np.random.Generator, beep: float) -> tuple[list[float], float]:
    """Starts of the beeps within one period, and the period: single, grouped, or the fire alarm's three (ISO 8201)."""
    kind = rng.integers(4)
    if kind == 0:
        return [0.0], beep * rng.uniform(1.4, 3.0)
    if kind == 1:
        count, step = int(rng.integers(2, 6)), beep * rng.uniform(1.3, 2.2)
        return [index * step for index in range(count)], count * step + rng.uniform(0.15, 0.8)
    if kind == 2:
        return [0.0, 1.0, 2.0], 4.0
    return [0.0, beep * 1.1], beep * 2.2 + rng.uniform(0, 0.5)


def beeping_alarm(rng: np.random.Generator) -> FloatArray:
    """An alarm clock, smoke detector, monitor or reversing vehicle: a pattern of beeps that goes on."""
    beep = log_uniform(rng, 0.04, 0.55)
    starts, period = _beep_times(rng, beep)
    beep = 0.5 if starts == [0.0, 1.0, 2.0] else beep
    base = log_uniform(rng, 500, 4200)
    pitches = [base] * len(starts) if rng.random() < 0.6 else [base * rng.choice([1, 1.25, 1.5, 0.8]) for _ in starts]
    amplitudes = harmonic_amplitudes(rng, rng.integers(1, 12))
    out = np.zeros(seconds_to_samples(rng.uniform(4, 7)))
    for repeat in range(int(len(out) / RATE / period) + 1):
        for start, pitch in zip(starts, pitches, strict=True):
            place(out, _beep(rng, pitch, beep, amplitudes), int((repeat * period + start) * RATE))
    return through_horn(rng, out)


def warbling_alarm(rng: np.random.Generator) -> FloatArray:
    """Two pitches in quick turn, or a chirp that repeats: burglar and car alarms, evacuation sounders."""
    time = np.arange(seconds_to_samples(rng.uniform(4, 7))) / RATE
    cycle = (time * log_uniform(rng, 2.5, 16)) % 1
    base, ratio = log_uniform(rng, 600, 2600), rng.uniform(1.15, 2.0)
    track = base * np.where(cycle < 0.5, 1, ratio) if rng.random() < 0.5 else base * ratio**cycle
    tone = harmonic_tone(track, harmonic_amplitudes(rng, rng.integers(1, 10)))
    if rng.random() < 0.4:
        tone *= (time % (period := rng.uniform(0.6, 2.0))) < period * rng.uniform(0.4, 0.8)
    return through_horn(rng, tone)


def buzzer(rng: np.random.Generator) -> FloatArray:
    """A low, rough buzz that comes in long pulses or stays: door buzzers, factory and game buzzers, klaxons."""
    time = np.arange(seconds_to_samples(rng.uniform(3, 6))) / RATE
    track = np.full(len(time), log_uniform(rng, 70, 480))
    if rng.random() < 0.25:
        track *= 1 + 0.6 * np.exp(-(((time % 1.2) - 0.35) ** 2) / 0.05)
    tone = harmonic_tone(track, harmonic_amplitudes(rng, 40, rng.uniform(0.1, 0.8)))
    period = rng.uniform(0.4, 1.6)
    return through_horn(rng, tone * ((time % period) < period * rng.uniform(0.45, 1.0)))


def bell_alarm(rng: np.random.Generator) -> FloatArray:
    """A hammer that strikes a gong many times a second: school and fire bells, old alarm clocks."""
    base, gong = log_uniform(rng, 500, 2600), rng.uniform(0.15, 0.9)
    ratios = np.sort(np.concatenate([[1], rng.uniform(1.3, 6.5, rng.integers(4, 9))]))
    out = np.zeros(seconds_to_samples(rng.uniform(4, 6)))
    step = 1 / rng.uniform(9, 26)
    for start in np.arange(0, len(out) / RATE, step):
        levels = rng.uniform(0.3, 1, len(ratios)) * ratios**-0.6
        hit = ringing(min(gong, 0.5), base * ratios, levels, np.full(len(ratios), gong) / ratios**0.3)
        place(out, hit * rng.uniform(0.8, 1), int((start + rng.uniform(0, 0.1) * step) * RATE))
    if rng.random() < 0.3:
        out *= (np.arange(len(out)) / RATE % 3) < 2
    return fade(out, 0.005, 0.05)


def telephone(rng: np.random.Generator) -> FloatArray:
    """Electronic ringing, and the tones in the receiver."""
    time = np.arange(seconds_to_samples(rng.uniform(4, 6))) / RATE
    first, second = log_uniform(rng, 350, 1600), rng.uniform(1.08, 1.5)
    if rng.random() < 0.5:
        track = first * np.where((time * rng.uniform(12, 28)) % 1 < 0.5, 1, second)
        tone = harmonic_tone(track, harmonic_amplitudes(rng, 6))
    else:
        pair = [harmonic_tone(np.full(len(time), first * ratio), np.ones(1)) for ratio in (1, second)]
        tone = pair[0] + pair[1]
    period = rng.choice([0.5, 1.0, 3.0, 4.0, 6.0])
    return through_horn(rng, tone * ((time % period) < period * rng.uniform(0.3, 0.6)))


def car_horn(rng: np.random.Generator) -> FloatArray:
    """One or two reeds of a car, sounded once for long or several times for short."""
    out = np.zeros(seconds_to_samples(rng.uniform(3, 6)))
    low = log_uniform(rng, 290, 560)
    reeds = [low] if rng.random() < 0.2 else [low, low * rng.choice([1.19, 1.25, 1.26, 1.33, 1.2])]
    amplitudes = [harmonic_amplitudes(rng, 22, rng.uniform(0.0, 0.9)) for _ in reeds]
    resonance = rng.integers(2, 6)
    for each in amplitudes:
        each[resonance : resonance + 4] *= rng.uniform(1, 3)
    start = rng.uniform(0, 0.6)
    while start < len(out) / RATE - 0.15:
        seconds = log_uniform(rng, 0.1, 2.5)
        time = np.arange(seconds_to_samples(seconds)) / RATE
        settle = 1 - rng.uniform(0, 0.08) * np.exp(-time / 0.03)
        tone = sum(harmonic_tone(reed * settle, each) for reed, each in zip(reeds, amplitudes, strict=True))
        place(out, fade(np.asarray(tone), 0.012, 0.03), int(start * RATE))
        start += seconds + log_uniform(rng, 0.06, 1.5)
    return through_horn(rng, out)


def truck_or_train_horn(rng: np.random.Generator) -> FloatArray:
    """Air horns: a deep chord with a slow start."""
    time = np.arange(seconds_to_samples(rng.uniform(2.5, 5))) / RATE
    low = log_uniform(rng, 110, 330)
    chord = low * np.array([1, 1.19, 1.33, 1.5, 1.78])[: rng.integers(1, 6)]
    settle = 1 - 0.1 * np.exp(-time / 0.1) + 0.004 * slow_wander(rng, len(time), 6)
    tone = sum(harmonic_tone(note * settle, harmonic_amplitudes(rng, 20, 0.7)) for note in chord)
    air = shaped_noise(rng, len(time), [100, 1000, 8000], [-10, 0, -10]) * 0.05
    return through_horn(rng, fade(np.asarray(tone) + air, 0.08, 0.3))
