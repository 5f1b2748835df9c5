"""Animals and infants that only judge: sources of pulses through moving formants, and whistled tracks."""

from __future__ import annotations

import numpy as np

from training.settings import RATE
from training.sources.unseen.parts import (
    Array,
    bump,
    filtered,
    hiss,
    lay,
    peaked,
    pulses_along,
    saw,
    seconds_of,
    softened,
    through_formants,
    wander,
)


def _wing_beat(rng: np.random.Generator, length: int, pitch_hz: float) -> Array:
    """A wing tone that wanders by some per cent, with harmonics that fall by 6 to 12 dB per octave."""
    track = pitch_hz * (1 + rng.uniform(0.008, 0.04) * wander(rng, length, rng.uniform(1, 4)))
    track = track * (1 + 0.004 * wander(rng, length, 25))
    return filtered(saw(track, rng.uniform(0.15, 0.5)), "lowpass", pitch_hz * rng.uniform(1.5, 6), 1)


def passing_mosquito(rng: np.random.Generator) -> Array:
    """It comes to the ear and goes again: level by distance, a turn of the head, a little Doppler in the wandering."""
    length = seconds_of(rng, 4, 6)
    tone = _wing_beat(rng, length, rng.uniform(350, 900))
    distance = 0.03 + np.abs(wander(rng, length, rng.uniform(0.3, 0.9))) * rng.uniform(0.1, 0.5)
    return np.asarray(tone / (distance + 0.05) * (1 + 0.2 * wander(rng, length, 6)))


def two_mosquitoes(rng: np.random.Generator) -> Array:
    """A pair that hovers, their pitches near a simple ratio (they tune to each other), coming and going."""
    length, pitch = seconds_of(rng, 4, 6), rng.uniform(360, 560)
    ratio = rng.choice([1.5, 1.0, 1.33]) * rng.uniform(0.97, 1.03)
    return np.asarray(
        _wing_beat(rng, length, pitch) * np.exp(0.7 * wander(rng, length, 0.8))
        + rng.uniform(0.2, 1) * _wing_beat(rng, length, pitch * ratio) * np.exp(0.7 * wander(rng, length, 0.8))
    )


def _sung(track_hz: Array, level: Array, overtone: float) -> Array:
    """A nearly pure voice of a syrinx along a track."""
    phase = 2 * np.pi * np.cumsum(track_hz) / RATE
    return np.asarray(level * (np.sin(phase) + overtone * np.sin(2 * phase) * (track_hz < 3600)))


def trilling_finch(rng: np.random.Generator) -> Array:
    """Trills: the same swept syllable 8 to 25 times a second for a while, then another, then a pause."""
    length, begin = seconds_of(rng, 4, 6), rng.uniform(0, 0.5)
    out = np.zeros(length)
    while begin < length / RATE:
        for _ in range(rng.integers(1, 4)):
            rate, middle = rng.uniform(8, 25), rng.uniform(2800, 5800)
            seconds = rng.uniform(0.4, 0.8) / rate
            sweep, bend = rng.uniform(-0.45, 0.45), rng.uniform(-0.2, 0.2)
            place = np.linspace(-1, 1, int(seconds * RATE))
            track = np.clip(middle * (1 + sweep * place + bend * place**2), 1800, 7300)
            syllable = _sung(track, bump(seconds, rng.uniform(0.25, 0.7))[: len(track)], rng.uniform(0, 0.15))
            for _ in range(rng.integers(4, 16)):
                lay(out, syllable, begin, rng.uniform(0.7, 1))
                begin += rng.normal(1 / rate, 0.02 / rate)
            begin += rng.uniform(0.02, 0.1)
        begin += rng.uniform(0.5, 2)
    return out


def fluting_thrush(rng: np.random.Generator) -> Array:
    """Robins and thrushes: short phrases of 2 to 6 unlike notes, whistled, wavering or buzzing, with pauses."""
    length, begin = seconds_of(rng, 4, 6), rng.uniform(0, 0.5)
    out = np.zeros(length)
    while begin < length / RATE:
        for _ in range(rng.integers(2, 7)):
            seconds = rng.uniform(0.05, 0.28)
            place = np.linspace(0, 1, int(seconds * RATE))
            start = rng.uniform(1900, 5500)
            glide = start * 2 ** (rng.uniform(-0.5, 0.5) * place + rng.uniform(-0.3, 0.3) * np.sin(np.pi * place))
            waver = 1 + rng.choice([0, 0, rng.uniform(0.02, 0.12)]) * np.sin(
                2 * np.pi * rng.uniform(18, 90) * seconds * place
            )
            track = np.clip(glide * waver, 1600, 7000)
            lay(
                out,
                _sung(track, bump(seconds, rng.uniform(0.2, 0.6))[: len(track)], rng.uniform(0, 0.2)),
                begin,
                rng.uniform(0.3, 1),
            )
            begin += seconds + rng.uniform(0.01, 0.12)
        begin += rng.uniform(0.5, 1.8)
    return out


def chirping_sparrows(rng: np.random.Generator) -> Array:
    """A hedge full of sparrows: single chirps that jump up and fall, 2.5 to 5.5 kHz, from several birds."""
    length = seconds_of(rng, 4, 6)
    out = np.zeros(length)
    for _ in range(rng.integers(1, 5)):
        base, loud, begin = rng.uniform(2500, 4200), rng.uniform(0.2, 1), rng.uniform(0, 1)
        while begin < length / RATE:
            seconds = rng.uniform(0.05, 0.13)
            place = np.linspace(0, 1, int(seconds * RATE))
            arch = base * (1 + rng.uniform(0.15, 0.4) * np.sin(np.pi * place ** rng.uniform(0.4, 0.9)))
            lay(
                out,
                _sung(arch, bump(seconds, 0.3)[: len(arch)], rng.uniform(0.1, 0.4)),
                begin,
                loud * rng.uniform(0.6, 1),
            )
            begin += seconds + rng.choice([rng.uniform(0.12, 0.35), rng.uniform(0.4, 1.5)])
    return out


def _barked(rng: np.random.Generator, pitch_hz: float, tract: float, seconds: float) -> Array:
    """One bark: the folds start with a jump, roughen (jitter, every other pulse weaker) and fall, the jaw opens."""
    length = int(seconds * RATE)
    place = np.linspace(0, 1, length)
    arc = pitch_hz * (0.75 + 0.35 * np.sin(np.pi * place**0.5)) * (1 - 0.25 * place)
    jittered = arc * (1 + rng.uniform(0.03, 0.1) * wander(rng, length, pitch_hz / 3))
    folds = pulses_along(rng, jittered, 0.25) + rng.uniform(0, 0.8) * pulses_along(rng, jittered / 2, 0.2)
    breath = 0.02 * rng.uniform(0.5, 3) * rng.standard_normal(length)
    jaw = bump(seconds, 0.35)[:length]
    tracks = [tract * (first + swing * jaw) for first, swing in ((450, 500), (1100, 500), (2300, 300))]
    voice = through_formants(softened(folds, 0.0004) + breath, tracks, [150, 220, 350])
    return peaked(voice * np.minimum(1, place / 0.06) * np.minimum(1, (1 - place) / 0.4))


def _barking(rng: np.random.Generator, pitch_hz: float, tract: float, shortest: float, longest: float) -> Array:
    """Bouts of one to five barks, 1 to 4 a second, by one dog."""
    length, begin = seconds_of(rng, 4, 6), rng.uniform(0, 0.5)
    out = np.zeros(length)
    while begin < length / RATE:
        gap = rng.uniform(0.25, 0.7)
        for _ in range(rng.integers(1, 6)):
            seconds = rng.uniform(shortest, longest)
            lay(out, _barked(rng, pitch_hz * rng.uniform(0.9, 1.1), tract, seconds), begin, rng.uniform(0.6, 1))
            begin += max(gap * rng.uniform(0.85, 1.15), seconds + 0.03)
        begin += rng.uniform(0.3, 1.3)
    return out


def guard_dog(rng: np.random.Generator) -> Array:
    """A large dog."""
    return _barking(rng, rng.uniform(230, 480), rng.uniform(0.75, 1.05), 0.14, 0.32)


def lap_dog(rng: np.random.Generator) -> Array:
    """A small dog that yaps."""
    return _barking(rng, rng.uniform(500, 1000), rng.uniform(1.15, 1.6), 0.08, 0.2)


def house_cat(rng: np.random.Generator) -> Array:
    """Meows: closed lips, open mouth, closing again; the pitch rises and falls, or rises to the end as a question."""
    length, begin = seconds_of(rng, 3.5, 5.5), rng.uniform(0, 0.5)
    out, base, tract = np.zeros(length), rng.uniform(330, 640), rng.uniform(0.9, 1.2)
    while begin < length / RATE - 0.3:
        seconds = rng.uniform(0.4, 1.2)
        place = np.linspace(0, 1, int(seconds * RATE))
        arch = base * (
            1 + rng.uniform(0.15, 0.4) * np.sin(np.pi * place ** rng.uniform(0.5, 1.3)) + rng.uniform(-0.2, 0.1) * place
        )
        folds = pulses_along(rng, arch * (1 + 0.008 * wander(rng, len(place), 30)), 0.06)
        opening = np.interp(place, [0, 0.12, 0.45, 0.8, 1], [0.1, 0.4, 1, 0.5, 0.15])
        tracks = [
            tract * (400 + 600 * opening),
            tract * (1000 + 1500 * np.sin(np.pi * place) ** 0.7),
            np.full(len(place), 3400 * tract),
        ]
        mouth = through_formants(
            softened(folds, 0.0005) + 0.01 * rng.standard_normal(len(place)), tracks, [120, 200, 350]
        )
        lay(out, peaked(mouth * opening * np.minimum(1, (1 - place) / 0.1)), begin, rng.uniform(0.6, 1))
        begin += seconds + rng.uniform(0.3, 1.5)
    return out


def begging_kitten(rng: np.random.Generator) -> Array:
    """Short high mews, nearly without an m, often two or three in a row; a chirrup now and then."""
    length, begin = seconds_of(rng, 3.5, 5.5), rng.uniform(0, 0.5)
    out, base = np.zeros(length), rng.uniform(550, 900)
    while begin < length / RATE - 0.2:
        seconds = rng.uniform(0.3, 0.65)
        place = np.linspace(0, 1, int(seconds * RATE))
        track = base * rng.uniform(0.93, 1.07) * (1 + 0.3 * np.sin(np.pi * place**0.7) - 0.15 * place)
        trilled = 1 + (rng.random() < 0.2) * 0.5 * np.sin(2 * np.pi * 24 * seconds * place)
        source = filtered(saw(track, 0.9), "highpass", 300, 1) + 0.04 * rng.standard_normal(len(place))
        vowel = np.sin(np.pi * place**0.6)
        tracks = [900 + 500 * vowel, 2100 + 700 * vowel, np.full(len(place), 4200.0)]
        lay(
            out, peaked(through_formants(source, tracks, [180, 250, 500]) * vowel * trilled), begin, rng.uniform(0.5, 1)
        )
        begin += seconds + rng.uniform(0.15, 1.0)
    return out


def _cried(rng: np.random.Generator, pitch_hz: float, seconds: float, roughness: float) -> Array:
    """One breath of crying: an arch with vibrato, formants of a short tract that open, stretches where it breaks."""
    length = int(seconds * RATE)
    place = np.linspace(0, 1, length)
    arch = (
        pitch_hz
        * (0.85 + 0.25 * np.sin(np.pi * place**0.7))
        * (1 + 0.02 * np.sin(2 * np.pi * rng.uniform(5, 8) * seconds * place))
    )
    rough = np.clip(wander(rng, length, 3) - 0.4, 0, 1) * roughness
    folds = pulses_along(rng, arch * (1 + 0.01 * wander(rng, length, 40)), 0.08)
    folds = folds + rough * (0.9 * pulses_along(rng, arch / 2, 0.2) + 0.12 * rng.standard_normal(length))
    opening = np.interp(place, [0, 0.1, 0.8, 1], [0.4, 1, 0.9, 0.4])
    tracks = [
        500 + rng.uniform(450, 750) * opening,
        np.full(length, rng.uniform(1700, 2300)),
        np.full(length, rng.uniform(3100, 3700)),
    ]
    voice = through_formants(softened(folds, 0.0004) + 0.008 * rng.standard_normal(length), tracks, [120, 250, 300])
    return peaked(voice * np.minimum(1, place / 0.08) * np.minimum(1, (1 - place) / 0.12))


def crying_infant(rng: np.random.Generator) -> Array:
    """Full cries of 0.6 to 1.5 s, each followed by a gasp."""
    length, begin = seconds_of(rng, 4.5, 6), rng.uniform(0, 0.5)
    out, pitch, roughness = np.zeros(length), rng.uniform(360, 580), rng.uniform(0, 1)
    while begin < length / RATE:
        seconds = rng.uniform(0.6, 1.5)
        lay(out, _cried(rng, pitch * rng.uniform(0.93, 1.08), seconds, roughness), begin, rng.uniform(0.7, 1))
        begin += seconds + rng.uniform(0.03, 0.1)
        gasp = hiss(rng, int(0.2 * RATE), "bandpass", (900, 4500)) * bump(0.2)[: int(0.2 * RATE)]
        lay(out, peaked(gasp), begin, rng.uniform(0.03, 0.25))
        begin += 0.2 + rng.uniform(0, 0.25)
    return out


def fussing_newborn(rng: np.random.Generator) -> Array:
    """Short 'wah' after 'wah', two a second or so, in bouts that grow louder."""
    length, begin = seconds_of(rng, 4, 6), rng.uniform(0, 0.4)
    out, pitch = np.zeros(length), rng.uniform(400, 600)
    while begin < length / RATE:
        count = rng.integers(3, 8)
        for number in range(count):
            seconds = rng.uniform(0.22, 0.5)
            loud = 0.5 + 0.5 * number / count
            lay(out, _cried(rng, pitch * rng.uniform(0.9, 1.1), seconds, 0.5), begin, loud)
            begin += seconds + rng.uniform(0.08, 0.25)
        begin += rng.uniform(0.4, 1.2)
    return out
