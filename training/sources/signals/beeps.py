"""Alarms that differ by their pattern: smoke detectors, appliances, reversing vehicles, cars."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from training.settings import RATE
from training.sources.signals.tones import (
    FloatArray,
    band_noise,
    fade,
    harmonic_amplitudes,
    harmonic_tone,
    log_uniform,
    peaked,
    place,
    seconds_to_samples,
    shaped_noise,
    slow_wander,
    through_horn,
)


def _steady(hertz: float, seconds: float) -> FloatArray:
    return np.full(seconds_to_samples(seconds), hertz)


def _pure(rng: np.random.Generator, hertz: float, seconds: float) -> FloatArray:
    """A piezo's beep: nearly a sine."""
    tone = harmonic_tone(_steady(hertz, seconds), np.array([1, rng.uniform(0, 0.2), rng.uniform(0, 0.3)]))
    return fade(tone, rng.uniform(0.001, 0.01), rng.uniform(0.001, 0.02))


def _square(rng: np.random.Generator, hertz: float, seconds: float) -> FloatArray:
    """Driven by logic: odd harmonics."""
    amplitudes = np.zeros(25)
    amplitudes[::2] = 1 / np.arange(1, 26, 2) ** rng.uniform(0.8, 1.4)
    return fade(harmonic_tone(_steady(hertz, seconds), amplitudes), 0.001, rng.uniform(0.001, 0.01))


def _rough(rng: np.random.Generator, hertz: float, seconds: float) -> FloatArray:
    """A horn or a piezo that is shaken: frequency and level modulated many times a second."""
    time = np.arange(seconds_to_samples(seconds)) / RATE
    shake = np.sin(2 * np.pi * log_uniform(rng, 12, 130) * time)
    tone = np.sin(2 * np.pi * hertz * time + rng.uniform(0.3, 6) * shake) * (1 + rng.uniform(0, 0.8) * shake)
    return fade(np.asarray(tone), 0.003, 0.01)


_TIMBRES: tuple[Callable[[np.random.Generator, float, float], FloatArray], ...] = (_pure, _square, _rough)


def _patterned(seconds: float, starts: list[float], period: float, shift: float, beep: FloatArray) -> FloatArray:
    """A pattern of one beep, over and over, begun `shift` seconds late or (below 0) within."""
    out = np.zeros(seconds_to_samples(seconds))
    for repeat in range(int((seconds + abs(shift)) / period) + 1):
        for start in starts:
            begin = int((shift + repeat * period + start) * RATE)
            place(out, beep, begin) if begin >= 0 else place(out, beep[-begin:], 0)
    return out


def smoke_detector(rng: np.random.Generator) -> FloatArray:
    """Three beeps and a pause (temporal three), four short ones (temporal four), or pulses without end.

    NFPA 72 and ISO 8201: 0.5 s on and off, 1.5 s pause; carbon monoxide: 0.1 s on and off, 5 s pause; near 3.1 kHz,
    or 520 Hz square where people sleep.
    """
    low = rng.random() < 0.25
    hertz, make = (rng.uniform(470, 570), _square) if low else (rng.uniform(2600, 3600), _pure)
    slack = rng.uniform(0.9, 1.1)
    kind = rng.choice(["three", "four", "pulses"], p=[0.5, 0.2, 0.3])
    if kind == "three":
        starts, period, beep = [0.0, slack, 2 * slack], 4 * slack, 0.5 * slack
    elif kind == "four":
        starts, period, beep = [0.0, 0.2, 0.4, 0.6], rng.uniform(1.6, 5.7), 0.1 * slack
    else:
        period = log_uniform(rng, 0.12, 0.5)
        starts, beep = [0.0], period * rng.uniform(0.4, 0.8)
    out = _patterned(rng.uniform(5, 7), starts, period, rng.uniform(-1, 0.5), make(rng, hertz, beep))
    return through_horn(rng, out) if rng.random() < 0.5 else out


def fire_horn(rng: np.random.Generator) -> FloatArray:
    """A panel's sounder: a horn that stays on, in march time, or in threes; rough, loud, 400 to 3,500 Hz."""
    seconds, hertz = rng.uniform(4, 6), log_uniform(rng, 400, 3500)
    make = _TIMBRES[rng.choice(3, p=[0.15, 0.25, 0.6])]
    kind = rng.integers(3)
    if kind == 0:
        return through_horn(rng, make(rng, hertz, seconds))
    if kind == 1:
        step = rng.uniform(0.4, 1.1)
        return through_horn(rng, _patterned(seconds, [0.0], step, rng.uniform(-0.5, 0), make(rng, hertz, step / 2)))
    return through_horn(rng, _patterned(seconds, [0.0, 1.0, 2.0], 4.0, rng.uniform(-1, 0.5), make(rng, hertz, 0.5)))


def appliance_beeps(rng: np.random.Generator) -> FloatArray:
    """The end of a programme: three to five beeps, then nothing or the same again much later."""
    hertz, count = log_uniform(rng, 900, 4200), int(rng.integers(3, 6))
    beep = log_uniform(rng, 0.08, 0.9)
    step = beep + log_uniform(rng, 0.08, 0.7)
    period = count * step + rng.uniform(1.2, 5)
    make = _TIMBRES[rng.choice(2, p=[0.7, 0.3])]
    starts = [number * step for number in range(count)]
    return _patterned(rng.uniform(4, 7), starts, period, rng.uniform(0, 0.8), make(rng, hertz, beep))


def clock_beeps(rng: np.random.Generator) -> FloatArray:
    """A wrist watch, alarm clock or timer: quick beeps in twos, threes or fours, once a second or so."""
    hertz, count = log_uniform(rng, 1500, 4300), int(rng.integers(2, 5))
    step = rng.uniform(0.09, 0.16)
    starts = [number * step for number in range(count)]
    beep = _TIMBRES[rng.choice(2, p=[0.7, 0.3])](rng, hertz, step * rng.uniform(0.4, 0.7))
    period = count * step + rng.uniform(0.3, 0.8)
    return _patterned(rng.uniform(4, 6), starts, period, rng.uniform(-0.5, 0.5), beep)


def appliance_melody(rng: np.random.Generator) -> FloatArray:
    """A washing machine's or cooker's tune: pure beeps of a few pitches, plucked or held, in even time."""
    base, step = log_uniform(rng, 700, 2200), rng.uniform(0.1, 0.4)
    scale = base * 2 ** (rng.choice([0, 2, 4, 5, 7, 9, 12], 6) / 12)
    out = np.zeros(seconds_to_samples(rng.uniform(3, 5)))
    plucked, start = rng.random() < 0.5, rng.uniform(0, 0.6)
    for _ in range(rng.integers(3, 14)):
        note = _pure(rng, float(rng.choice(scale)), step * rng.choice([1, 1, 2]) * rng.uniform(0.6, 1))
        place(out, note * np.exp(-np.arange(len(note)) / RATE / step * 3 * plucked), int(start * RATE))
        start += step * rng.choice([1, 1, 2])
    return out


def reversing_beep(rng: np.random.Generator) -> FloatArray:
    """A lorry that reverses: one tone about once a second, on for half of it, for as long as it takes."""
    hertz, period = log_uniform(rng, 600, 2800), rng.uniform(0.7, 1.4)
    make = _TIMBRES[rng.choice(3, p=[0.4, 0.5, 0.1])]
    beep = make(rng, hertz, period * rng.uniform(0.38, 0.62))
    if rng.random() < 0.25:
        beep = beep + rng.uniform(0.3, 1) * make(rng, hertz * rng.uniform(1.01, 1.3), len(beep) / RATE)[: len(beep)]
    out = _patterned(rng.uniform(5, 7), [0.0], period, rng.uniform(-1, 0), beep)
    return through_horn(rng, out) if rng.random() < 0.7 else out


def reversing_noise(rng: np.random.Generator) -> FloatArray:
    """The newer sort: pulses of broad noise at the same pace."""
    period = rng.uniform(0.6, 1.3)
    samples = seconds_to_samples(period * rng.uniform(0.35, 0.6))
    low = log_uniform(rng, 300, 1200)
    pulse = band_noise(rng, samples, low, low * rng.uniform(3, 8))
    pulse = fade(pulse, rng.uniform(0.002, 0.03), rng.uniform(0.002, 0.06))
    return through_horn(rng, _patterned(rng.uniform(5, 7), [0.0], period, rng.uniform(-1, 0), pulse))


def _car_track(rng: np.random.Generator, seconds: float, low: float) -> FloatArray:
    """One of a car alarm's patterns as a frequency track; 0 where it is silent."""
    time, ratio = np.arange(seconds_to_samples(seconds)) / RATE, rng.uniform(1.5, 3)
    kind = rng.choice(["chirps", "hi-lo", "yelp", "rise", "fall", "beeps"])
    if kind == "hi-lo":
        return np.asarray(np.where(time * rng.uniform(1.5, 8) % 1 < 0.5, low, low * ratio))
    if kind == "beeps":
        return np.asarray(low * ratio * (time * rng.uniform(2, 9) % 1 < rng.uniform(0.3, 0.7)))
    pace = {"chirps": rng.uniform(6, 18), "yelp": rng.uniform(2, 5), "rise": rng.uniform(0.5, 1.5), "fall": 1.0}[kind]
    cycle = time * pace % 1
    if kind == "yelp":
        return np.asarray(low * ratio ** (1 - np.abs(2 * cycle - 1)))
    return np.asarray(low * ratio ** (1 - cycle if kind == "fall" else cycle))


def car_alarm(rng: np.random.Generator) -> FloatArray:
    """The burglar alarm's round of patterns, one to three seconds each, through one small loud horn."""
    low, part, total = log_uniform(rng, 600, 1500), rng.uniform(0.9, 2.6), rng.uniform(6, 8)
    tracks = [_car_track(rng, part * rng.uniform(0.9, 1.1), low) for _ in range(int(total / part) + 2)]
    track = np.concatenate(tracks)[: seconds_to_samples(total)]
    if rng.random() < 0.5:
        return through_horn(rng, harmonic_tone(track, harmonic_amplitudes(rng, rng.integers(3, 12))) * (track > 0))
    square = np.sign(np.sin(2 * np.pi * np.cumsum(track) / RATE + 0.01)) * (track > 0)
    return through_horn(rng, square * rng.uniform(0.3, 1.0))


def car_alarm_horn(rng: np.random.Generator) -> FloatArray:
    """The car's own horn in blasts that do not end, one or two a second, all alike."""
    low, period = log_uniform(rng, 300, 560), rng.uniform(0.45, 1.3)
    reeds = [low, low * rng.uniform(1.17, 1.35)][: rng.integers(1, 3)]
    seconds = period * rng.uniform(0.35, 0.65)
    blast = np.sum([harmonic_tone(_steady(reed, seconds), harmonic_amplitudes(rng, 22, 0.5)) for reed in reeds], axis=0)
    out = _patterned(rng.uniform(5, 7), [0.0], period, rng.uniform(-1, 0), fade(blast, 0.012, 0.03))
    return through_horn(rng, out)


def lorry_idling(rng: np.random.Generator) -> FloatArray:
    """A diesel that idles: knocks in the rhythm of its firing. It reverses without a beep."""
    samples = seconds_to_samples(5)
    track = rng.uniform(18, 45) * (1 + 0.05 * slow_wander(rng, samples, 1))
    knock = (np.sin(2 * np.pi * np.cumsum(track) / RATE) + 1) ** rng.uniform(1, 5)
    noise = shaped_noise(rng, samples, [40, 200, 1500, 8000], [0, -4, -14, -35])
    return peaked(noise * (0.3 + knock / knock.max()) + 0.3 * harmonic_tone(track, harmonic_amplitudes(rng, 20, 0.6)))
