"""Bells, chimes and crossing signals that only judge."""

from __future__ import annotations

import numpy as np

from training.settings import RATE
from training.sources.unseen.parts import (
    Array,
    bump,
    filtered,
    impulses,
    peaked,
    resonate,
    seconds_of,
    softened,
    struck,
    summed,
)


def fire_bell(rng: np.random.Generator) -> Array:
    """A gong under a motor's hammer: a bank of resonators struck 8 to 20 times a second."""
    length, rate = int(rng.uniform(4, 6) * RATE), rng.uniform(8, 20)
    moments = np.cumsum(rng.normal(1 / rate, 0.03 / rate, int(rate * 6)))
    blows = impulses(length, list(moments), list(rng.uniform(0.7, 1, len(moments))))
    base = rng.uniform(600, 1800)
    modes = [base * ratio for ratio in (1, 1.72, 2.44, 3.3, 4.2) if base * ratio < 7000]
    return summed([resonate(blows, mode, rng.uniform(0.2, 1.0)) / (1 + index) for index, mode in enumerate(modes)])


def temple_bell(rng: np.random.Generator) -> Array:
    """A cast bell through resonators: partials of measured bells, slightly out of tune, struck seldom."""
    length, base = int(rng.uniform(4, 8) * RATE), rng.uniform(110, 700)
    count = int(rng.integers(1, 5))
    blows = impulses(length, list(np.sort(rng.uniform(0, 4, count))), [1.0] * count)
    blows = filtered(blows, "lowpass", rng.uniform(2000, 7000))
    partials = np.array([1, 2.02, 2.4, 2.98, 4.05, 5.35, 6.7, 8.2]) * rng.normal(1, 0.01, 8)
    modes = [base * each for each in partials if base * each < 7000]
    ring = [resonate(blows, mode, rng.uniform(3, 8) / (1 + 0.5 * index)) for index, mode in enumerate(modes)]
    return summed([peaked(each) / (1 + 0.3 * index) for index, each in enumerate(ring)])


def bicycle_bell(rng: np.random.Generator) -> Array:
    """A thumb bell: two trills of the same small dome."""
    length = int(rng.uniform(3, 5) * RATE)
    moments: list[float] = []
    for begin in (rng.uniform(0, 0.5), rng.uniform(1, 1.5), rng.uniform(2, 2.8)):
        moments += [begin + 0.07 * number * rng.uniform(0.9, 1.1) for number in range(rng.integers(1, 6))]
    blows = impulses(length, moments, list(rng.uniform(0.5, 1, len(moments))))
    base = rng.uniform(1600, 3200)
    modes = [base * ratio for ratio in (1, 1.003, 1.58, 2.13) if base * ratio < 7400]
    return summed([peaked(resonate(blows, mode, rng.uniform(0.5, 1.6))) for mode in modes])


def two_tube_chime(rng: np.random.Generator) -> Array:
    """Ding-dong: two struck bars or tubes about a third apart (free bars: 1, 2.756, 5.404), left to ring."""
    length, first = seconds_of(rng, 4, 6), rng.uniform(0, 0.5)
    high, out = rng.uniform(480, 1100), np.zeros(length)
    gap, decay = rng.uniform(0.35, 0.9), rng.uniform(1.2, 3.5)
    for turn in range(rng.integers(1, 3)):
        for number, ratio in enumerate((1.0, rng.choice([0.794, 0.841, 0.75]))):
            moment = first + turn * rng.uniform(1.8, 2.4) + number * gap
            blow = filtered(impulses(length, [moment], [1.0]), "lowpass", rng.uniform(1500, 6000), 1)
            modes = high * ratio * np.array([1, 1.002, 2.756, 5.404])
            out += struck(
                blow, modes, decay / np.array([1, 1, 3, 8]), [1, 0.4, rng.uniform(0.1, 0.5), rng.uniform(0, 0.3)]
            )
            out += 0.15 * struck(blow, [rng.uniform(150, 400), rng.uniform(900, 2000)], [0.05, 0.03], [1, 0.6])
    return out


_TUNES = (
    (4, 0, 2, -5),
    (0, 2, 4, -5),
    (4, 0),
    (7, 4, 0),
    (0, 4, 7, 12),
    (12, 7, 9, 4, 5, 0),
    (0, 4, 7, 4, 0, 4, 7, 12),
)


def wireless_chime(rng: np.random.Generator) -> Array:
    """A plug-in door chime: Westminster, arpeggios or two notes from a chip, bell-like, through a tiny loudspeaker."""
    length, root = seconds_of(rng, 4, 6), rng.uniform(500, 1100)
    out, begin, gap = np.zeros(length), rng.uniform(0, 0.4), rng.uniform(0.22, 0.55)
    tune, ratio, decay = _TUNES[rng.integers(len(_TUNES))], rng.choice([1.0, 2.0, 3.5]), rng.uniform(0.25, 0.9)
    depth = rng.uniform(0.2, 2)
    while begin < length / RATE - 0.3:
        for step in tune:
            time = np.arange(max(0, length - int(begin * RATE))) / RATE
            pitch = root * 2 ** (step / 12)
            modulator = depth * np.exp(-4 * time) * np.sin(2 * np.pi * ratio * pitch * time)
            note = np.sin(2 * np.pi * pitch * time + modulator) * np.exp(-time / decay) * np.minimum(1, time / 0.004)
            out[length - len(note) :] += note
            begin += gap
        begin += rng.uniform(1.0, 2.5)
    return filtered(out, "bandpass", (rng.uniform(250, 600), rng.uniform(4000, 7000)), 1)


def brass_dinger(rng: np.random.Generator) -> Array:
    """A bicycle's spring bell: single strokes on a brass dome, now and then two."""
    length, begin = seconds_of(rng, 3, 5), rng.uniform(0, 0.5)
    moments: list[float] = []
    while begin < length / RATE:
        moments += [begin] if rng.random() < 0.6 else [begin, begin + rng.uniform(0.12, 0.3)]
        begin += rng.uniform(0.7, 2.2)
    blows = filtered(impulses(length, moments, list(rng.uniform(0.6, 1, len(moments)))), "highpass", 800, 1)
    base = rng.uniform(1500, 4000)
    ratios = np.array([1, rng.uniform(1.001, 1.006), rng.uniform(1.5, 1.8), rng.uniform(2.3, 2.8)])
    return struck(blows, base * ratios, rng.uniform(0.8, 2.5) / np.array([1, 1, 2, 3]), [1, 0.8, 0.4, 0.3])


def ratchet_bell(rng: np.random.Generator) -> Array:
    """Tring-tring: a thumb lever spins two little hammers inside the dome, which slow down as the spring gives out."""
    length, begin = seconds_of(rng, 3, 5), rng.uniform(0, 0.4)
    moments: list[float] = []
    while begin < length / RATE:
        gap = rng.uniform(0.035, 0.07)
        for _ in range(rng.integers(4, 11)):
            moments.append(begin)
            begin += gap * rng.uniform(0.92, 1.08)
            gap *= rng.uniform(1.0, 1.08)
        begin += rng.choice([rng.uniform(0.08, 0.25), rng.uniform(0.6, 1.4)])
    blows = impulses(length, moments, list(rng.uniform(0.4, 1, len(moments))))
    base = rng.uniform(1700, 3600)
    ring = struck(
        blows, base * np.array([1, 1.004, 1.62, 2.2, 2.9]), [0.9, 0.7, 0.4, 0.3, 0.2], [1, 0.7, 0.6, 0.4, 0.2]
    )
    rattle = filtered(blows, "bandpass", (2000, 6000))
    return ring + rng.uniform(0.1, 0.6) * peaked(rattle)


def struck_crossing(rng: np.random.Generator) -> Array:
    """A mechanical level-crossing bell: a cast gong struck 2 to 4 times a second, as evenly as its motor turns."""
    length, rate = seconds_of(rng, 4, 6), rng.uniform(1.8, 4)
    moments = np.cumsum(rng.normal(1 / rate, 0.012 / rate, int(rate * 6) + 2)) - rng.uniform(0, 0.4)
    blows = softened(
        impulses(length, list(moments), list(rng.uniform(0.85, 1, len(moments)))), rng.uniform(0.0002, 0.001)
    )
    base = rng.uniform(450, 1300)
    ratios = np.array([1, 1.48, 2.09, 2.56, 3.4, 4.7]) * rng.normal(1, 0.02, 6)
    levels = rng.uniform(0.3, 1, 6) / np.array([1, 1, 1.2, 1.5, 2, 3])
    ring = struck(blows, base * ratios, rng.uniform(0.4, 1.6) / np.sqrt(np.arange(1.0, 7.0)), levels)
    hum = np.sin(2 * np.pi * rng.choice([100.0, 120.0]) * np.arange(length) / RATE)
    return np.asarray(ring + rng.uniform(0, 0.1) * hum)


def electronic_crossing(rng: np.random.Generator) -> Array:
    """A loudspeaker that plays a bell: two tones at once or in turn, each stroke with the same fall."""
    length, rate = seconds_of(rng, 4, 6), rng.uniform(1, 3.5)
    time = np.arange(length) / RATE
    since = (time * rate + rng.random()) % 1 / rate
    stroke = (time * rate).astype(int)
    low = rng.uniform(500, 1100)
    high = low * rng.uniform(1.08, 1.6)
    in_turn = rng.random() < 0.5
    track = np.where(in_turn & (stroke % 2 == 1), high, low)
    tone = np.tanh(rng.uniform(0.6, 3) * np.sin(2 * np.pi * np.cumsum(track) / RATE))
    tone = tone if in_turn else tone + rng.uniform(0.4, 1) * np.sin(2 * np.pi * high * time)
    return filtered(tone * np.exp(-since / rng.uniform(0.08, 0.5)), "bandpass", (350, 5000), 1)


def pedestrian_signal(rng: np.random.Generator) -> Array:
    """Signals for those who cannot see the light: cuckoo, falling chirp, or ticks that come slow or fast."""
    length, kind = seconds_of(rng, 4, 6), rng.integers(3)
    if kind == 0:
        high, period = rng.uniform(1000, 1400), rng.uniform(1.2, 1.8)
        notes = [_whistled(high, high, 0.16), np.zeros(800), _whistled(high / 1.25, high / 1.27, 0.22)]
        call = np.concatenate(notes)
    elif kind == 1:
        period = rng.uniform(0.6, 1.1)
        call = _whistled(rng.uniform(2400, 3200), rng.uniform(1500, 2200), rng.uniform(0.12, 0.25))
    else:
        period, pitch = rng.choice([1 / rng.uniform(6, 10), rng.uniform(0.5, 1.2)]), rng.uniform(500, 2500)
        call = _whistled(pitch, pitch, rng.uniform(0.008, 0.03))
    moments = np.arange(rng.uniform(0, 0.3), length / RATE, period).tolist()
    calls = impulses(length, moments, [1.0] * len(moments))
    return filtered(np.convolve(calls, call)[:length], "bandpass", (400, 5500), 1)


def _whistled(first_hz: float, last_hz: float, seconds: float) -> Array:
    """A gliding tone that swells at once and dies away."""
    track = np.linspace(first_hz, last_hz, int(seconds * RATE))
    return np.asarray(np.sin(2 * np.pi * np.cumsum(track) / RATE) * bump(seconds, 0.2) ** 0.5)
