"""Alarms, signals and bells that only judge."""

from __future__ import annotations

import numpy as np
from scipy import signal

from training.settings import RATE
from training.sources.unseen.parts import (
    Array,
    filtered,
    impulses,
    modulated_square,
    peaked,
    resonate,
    seconds_of,
    summed,
    wander,
)


def kitchen_timer(rng: np.random.Generator) -> Array:
    """A piezo disc driven by a gated square wave: clocks, ovens, smoke detectors."""
    length, pitch = int(rng.uniform(4, 7) * RATE), rng.choice([rng.uniform(900, 2400), rng.uniform(2800, 3500)])
    time = np.arange(length) / RATE
    beep_rate, group = rng.uniform(2, 10), rng.choice([1.0, 0.5, 0.6])
    gate = (signal.square(2 * np.pi * beep_rate * time, rng.uniform(0.35, 0.7)) > 0) * (time % 1 < group)
    piezo = resonate(modulated_square(np.full(length, pitch), 0.5), rng.uniform(2500, 3600), 0.004)
    drive = modulated_square(np.full(length, pitch), 0.5)
    return np.asarray((peaked(piezo) + 0.3 * drive) * gate)


def reversing_lorry(rng: np.random.Generator) -> Array:
    """One beep a second or so, on and off alike, with a little engine below."""
    length = int(rng.uniform(4, 7) * RATE)
    time = np.arange(length) / RATE
    gate = filtered((signal.square(2 * np.pi * time / rng.uniform(0.7, 1.3)) > 0).astype(float), "lowpass", 80)
    tone = np.sin(2 * np.pi * rng.uniform(1000, 1600) * time)
    engine = filtered(signal.sawtooth(2 * np.pi * rng.uniform(25, 60) * time), "lowpass", 300)
    return np.asarray(np.tanh(2 * tone) * gate + rng.uniform(0, 0.15) * engine)


def evacuation_sounder(rng: np.random.Generator) -> Array:
    """A swept or alternating sounder: slow whoop or a fast fall (DIN 33404: 1200 to 500 Hz in one second)."""
    length = int(rng.uniform(4, 7) * RATE)
    time, period = np.arange(length) / RATE, rng.choice([1.0, 0.25, 0.14])
    sweep = signal.sawtooth(2 * np.pi * time / period, rng.choice([0.0, 0.98]))
    pulse = modulated_square(850 + 350 * sweep * rng.uniform(0.8, 1.2), 0.5)
    return filtered(pulse, "bandpass", (600, 5000), 1)


def _gate(length: int, spans: list[tuple[float, float]], ramp_seconds: float = 0.003) -> Array:
    """1 within the spans (begin and end in seconds), 0 outside, with short ramps."""
    gate = np.zeros(length)
    for begin, end in spans:
        gate[max(0, int(begin * RATE)) : max(0, int(end * RATE))] = 1
    ramp = np.ones(max(1, int(ramp_seconds * RATE)))
    return np.asarray(np.convolve(gate, ramp / len(ramp), "same"))


def _disc(rng: np.random.Generator, track_hz: Array, resonance_hz: float) -> Array:
    """A piezo disc in its case: a hard-driven square wave through a broad resonance, with some of it past the case."""
    drive = modulated_square(track_hz, rng.uniform(0.35, 0.5))
    return peaked(resonate(drive, resonance_hz, rng.uniform(0.003, 0.012))) + rng.uniform(0.05, 0.4) * drive


def temporal_detector(rng: np.random.Generator) -> Array:
    """Smoke (ISO 8201: three half seconds, a pause) and carbon monoxide (NFPA 720: four 0.1 s, 5 s rest) detectors.

    The horn is a piezo disc near 3.1 kHz, or UL 217's square wave of 520 Hz.
    """
    length, begin = seconds_of(rng, 5, 8), -rng.uniform(0, 1.2)
    scale, spans = rng.uniform(0.92, 1.08), []
    fast = rng.random() < 0.3
    while begin < length / RATE:
        beats = [(0.2 * n, 0.2 * n + 0.1) for n in range(4)] if fast else [(n, n + 0.5) for n in (0.0, 1.0, 2.0)]
        spans += [(begin + scale * on, begin + scale * off) for on, off in beats]
        begin += scale * (rng.uniform(2.2, 5.8) if fast else 4.0)
    if rng.random() < 0.35:
        horn = filtered(
            modulated_square(np.full(length, rng.uniform(490, 550)), 0.5), "lowpass", rng.uniform(2500, 6000)
        )
    else:
        pitch = rng.uniform(2850, 3450)
        horn = _disc(rng, np.full(length, pitch), pitch * rng.uniform(0.95, 1.05))
    return horn * _gate(length, spans)


def panel_sounder(rng: np.random.Generator) -> Array:
    """Horns on a fire panel: continuous, march time (120 a minute) or temporal; the note is swept or rough."""
    length = seconds_of(rng, 4, 6)
    time, beat = np.arange(length) / RATE, rng.choice([0.0, 0.5, 1.0])
    middle = rng.choice([rng.uniform(2400, 3400), rng.uniform(500, 1000)])
    rough = signal.sawtooth(2 * np.pi * rng.choice([60.0, 100.0, 120.0, 7.0]) * time, rng.choice([0.0, 0.5, 1.0]))
    track = middle * (1 + rng.choice([0.0, rng.uniform(0.03, 0.25)]) * rough)
    horn = filtered(modulated_square(track, rng.uniform(0.2, 0.5)), "bandpass", (middle * 0.7, 6500), 1)
    if not beat:
        return horn
    count = int(length / RATE / beat) + 1
    skip = rng.random() < 0.4 and beat == 1.0  # ISO 8201: every fourth is left out
    return horn * _gate(length, [(beat * n, beat * (n + 0.5)) for n in range(count) if not (skip and n % 4 == 3)])


def pulsing_detector(rng: np.random.Generator) -> Array:
    """Detectors of the European kind: the disc pulsed 2 to 8 times a second for as long as there is smoke."""
    length, rate = seconds_of(rng, 4, 6), rng.uniform(2, 8)
    pitch = rng.uniform(2700, 3600)
    track = pitch * (1 + 0.002 * wander(rng, length, 2))
    if rng.random() < 0.3:  # two discs that are not of one pitch
        track = np.where(np.arange(length) * rate / RATE % 1 < 0.25, track, track * rng.uniform(0.85, 1.15))
    gate = _gate(length, [(n / rate, (n + rng.uniform(0.45, 0.6)) / rate) for n in range(int(6 * rate))])
    return _disc(rng, track, pitch) * gate


def microwave_done(rng: np.random.Generator) -> Array:
    """Three to five beeps by a little buzzer, once more after a while."""
    length, begin = seconds_of(rng, 4, 6), rng.uniform(0, 0.5)
    pitch, spans = rng.uniform(1000, 4000), []
    on, off = rng.uniform(0.12, 0.9), rng.uniform(0.12, 0.8)
    while begin < length / RATE:
        for _ in range(rng.integers(3, 6)):
            spans.append((begin, begin + on))
            begin += on + off
        begin += rng.uniform(1.2, 3)
    mains = 1 + rng.choice([0.0, 0.3]) * np.sin(2 * np.pi * 100 * np.arange(length) / RATE)
    buzzer = np.tanh(rng.uniform(0.5, 4) * np.sin(2 * np.pi * pitch * np.arange(length) / RATE))
    return np.asarray(mains * buzzer * _gate(length, spans, rng.uniform(0.002, 0.02)))


def washer_melody(rng: np.random.Generator) -> Array:
    """A machine is done and plays a tune of plain beeps."""
    length, begin = seconds_of(rng, 4, 6), rng.uniform(0, 0.4)
    scale, root = np.array([0, 2, 4, 5, 7, 9, 11, 12]), rng.uniform(900, 1900)
    out, hold = np.zeros(length), rng.uniform(0.11, 0.3)
    fade = rng.choice([0.15, 0.4, 3.0])
    while begin < length / RATE - 0.3:
        for step in rng.integers(0, 8, rng.integers(4, 10)):
            time = np.arange(int(hold * rng.choice([1, 1, 2]) * RATE)) / RATE
            wave = signal.sawtooth(2 * np.pi * root * 2 ** (scale[step] / 12) * time, 0.5)
            note = wave * np.exp(-time / fade) * np.minimum(1, (time[-1] - time) / 0.01)
            first = int(begin * RATE)
            out[first : first + len(note)] += note[: max(0, length - first)]
            begin += len(note) / RATE + rng.choice([0.0, 0.03])
        begin += rng.uniform(1.0, 2.5)
    return filtered(out, "bandpass", (500, 6000), 1)


def bedside_clock(rng: np.random.Generator) -> Array:
    """A quartz clock or watch: two or four short beeps, a rest, all at 2,048 or 4,096 Hz (divided from 32,768)."""
    length = seconds_of(rng, 4, 6)
    count, width, period = rng.choice([1, 2, 4]), rng.uniform(0.045, 0.09), rng.choice([0.5, 1.0])
    spans = [
        (period * turn + 0.125 * n * period / 0.5, period * turn + 0.125 * n * period / 0.5 + width)
        for turn in range(int(7 / period))
        for n in range(count)
    ]
    pitch = rng.choice([2048.0, 4096.0, rng.uniform(1800, 3000)])
    return _disc(rng, np.full(length, pitch), pitch * rng.uniform(0.8, 1.2)) * _gate(length, spans)


def forklift_backer(rng: np.random.Generator) -> Array:
    """A tonal back-up beeper (0.6 to 2.8 kHz, about one a second, half on) over a diesel that idles."""
    length = seconds_of(rng, 4, 6)
    time, period, duty = np.arange(length) / RATE, rng.uniform(0.75, 1.25), rng.uniform(0.4, 0.6)
    phase = rng.random()
    gate = _gate(
        length, [(period * (n - phase), period * (n - phase + duty)) for n in range(9)], rng.uniform(0.002, 0.03)
    )
    pitch = rng.choice([rng.uniform(1000, 1500), rng.uniform(600, 2800)])
    beeper = filtered(
        modulated_square(np.full(length, pitch), rng.uniform(0.3, 0.5)), "lowpass", rng.uniform(3000, 7000), 1
    )
    firing = impulses(length, list(np.cumsum(rng.normal(0.05, 0.002, 120))), list(rng.uniform(0.6, 1, 120)))
    diesel = peaked(resonate(firing, rng.uniform(60, 120), 0.05)) + 0.3 * peaked(resonate(firing, 900, 0.01))
    return np.asarray(beeper * gate * np.interp(time, [0, 6], rng.uniform(0.4, 1, 2)) + rng.uniform(0, 0.25) * diesel)


def hissing_backer(rng: np.random.Generator) -> Array:
    """A broadband back-up alarm: pulses of noise instead of a tone."""
    length, period = seconds_of(rng, 4, 6), rng.uniform(0.7, 1.2)
    gate = _gate(length, [(period * n, period * (n + rng.uniform(0.4, 0.55))) for n in range(10)], 0.01)
    noise = filtered(rng.standard_normal(length), "bandpass", (rng.uniform(400, 900), rng.uniform(3500, 6000)))
    engine = filtered(signal.sawtooth(2 * np.pi * rng.uniform(25, 50) * np.arange(length) / RATE), "lowpass", 200)
    return np.asarray(noise / noise.std() * gate + rng.uniform(0, 0.3) * engine)


def _siren_pattern(rng: np.random.Generator, length: int) -> Array:
    """The pitch of one of a car siren's patterns; 0 where it is silent."""
    time = np.arange(length) / RATE
    low, high = rng.uniform(900, 1700), rng.uniform(2200, 3400)
    kind = rng.integers(6)
    if kind == 0:  # chirps
        return np.asarray(low + (high - low) * (time * rng.uniform(8, 14) % 1))
    if kind == 1:  # high, low
        return np.where(time * rng.uniform(1.5, 4) % 1 < 0.5, high, low * 1.2)
    if kind == 2:  # yelp
        return np.asarray(low + (high - low) * (0.5 + 0.5 * signal.sawtooth(2 * np.pi * rng.uniform(3, 6) * time, 0.5)))
    if kind == 3:  # slow rise
        return np.asarray(low + (high - low) * (time * rng.uniform(0.5, 1) % 1))
    if kind == 4:  # broken tone
        return np.where(time * rng.uniform(4, 9) % 1 < 0.5, high, 0.0)
    return np.asarray(high - (high - low) * (time * rng.uniform(2, 4) % 1))  # falls


def six_tone_alarm(rng: np.random.Generator) -> Array:
    """A car's siren that goes through its patterns, about two seconds each."""
    track = np.concatenate([_siren_pattern(rng, seconds_of(rng, 1.3, 2.4)) for _ in range(rng.integers(4, 6))])
    track = track[int(rng.uniform(0, 1) * RATE) :]
    horn = modulated_square(np.maximum(track, 300), 0.5) * np.convolve(track > 0, np.ones(32) / 32, "same")
    resonance = rng.uniform(2000, 3200)
    return filtered(horn, "bandpass", (900, 6500), 1) + 0.7 * peaked(resonate(horn, resonance, 0.006))


def panicking_car(rng: np.random.Generator) -> Array:
    """The horn itself, on and off in an even beat for as long as the alarm lasts."""
    length, period = seconds_of(rng, 5, 7), rng.uniform(0.5, 1.3)
    gate = _gate(length, [(period * n, period * (n + rng.uniform(0.47, 0.53))) for n in range(16)], 0.015)
    low = rng.uniform(330, 460)
    reeds = [
        modulated_square(np.full(length, low * ratio), rng.uniform(0.1, 0.3))
        for ratio in (1.0, rng.uniform(1.18, 1.27))
    ]
    trumpet = filtered(summed(reeds), "bandpass", (low, rng.uniform(3000, 5000)), 1)
    return trumpet * gate
