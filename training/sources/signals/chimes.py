"""Small bells with a purpose: at the door, on a bicycle, where a road crosses a railway."""

from __future__ import annotations

import numpy as np

from training.settings import RATE
from training.sources.signals.tones import (
    FloatArray,
    arch,
    band_noise,
    bursts,
    fade,
    harmonic_tone,
    log_uniform,
    peaked,
    place,
    rhythm,
    ringing,
    seconds_to_samples,
    sequence,
    through_horn,
)

_FREE_BAR = np.array([1, 2.756, 5.404, 8.933])  # transverse modes of a free bar or tube
# The quarters of Westminster in semitones above their lowest bell, and other tunes of the kind.
_TUNES = ((9, 5, 7, 0), (5, 7, 9, 0), (4, 0), (7, 4, 0), (0, 4, 7, 12), (12, 7, 4, 0), (0, 5, 9, 5, 7, 0), (9, 5))


def _struck(rng: np.random.Generator, hertz: float, ratios: FloatArray, decay: float) -> FloatArray:
    """A blow of a mallet on a body with these modes; every mode is a pair that beats a little."""
    levels = rng.uniform(0.3, 1, len(ratios)) / ratios ** rng.uniform(0.3, 1.2)
    decays = decay / ratios ** rng.uniform(0.2, 0.9)
    out = ringing(min(decay, 3.0), hertz * ratios, levels, decays)
    out += 0.5 * ringing(min(decay, 3.0), hertz * ratios * (1 + rng.uniform(0, 0.004, len(ratios))), levels, decays)
    place(out, band_noise(rng, 80, 1000, 6500) * rng.uniform(0, 0.6), 0)
    return out


def _frequency_modulated(
    rng: np.random.Generator, hertz: float, ratio: float, index: float, decay: float
) -> FloatArray:
    """Chowning's bell: a modulator at `ratio` times the carrier, whose index dies away with the tone."""
    time = np.arange(seconds_to_samples(min(decay, 3.0))) / RATE
    fall = np.exp(-6.9 * time / decay)
    return np.asarray(fall * np.sin(2 * np.pi * hertz * time + index * fall * np.sin(2 * np.pi * hertz * ratio * time)))


def _tune(rng: np.random.Generator, make: str, base: float, decay: float) -> FloatArray:
    """One of the tunes, note by note, each ringing into the next."""
    out, step = np.zeros(seconds_to_samples(rng.uniform(4, 6))), rng.uniform(0.22, 0.8)
    start, tune = rng.uniform(0, 0.6), _TUNES[rng.integers(len(_TUNES))]
    ratio, index = rng.choice([1.0, 1.4, 2.0, 3.5, 4.0]), rng.uniform(0.2, 2.5)
    while start < len(out) / RATE - 0.3:
        for semitones in tune:
            hertz = base * 2 ** (semitones / 12)
            bar = make == "bar"
            note = (
                _struck(rng, hertz, _FREE_BAR, decay) if bar else _frequency_modulated(rng, hertz, ratio, index, decay)
            )
            place(out, note * rng.uniform(0.8, 1), int(start * RATE))
            start += step
        start += rng.uniform(0.8, 3)
    return out


def tube_chime(rng: np.random.Generator) -> FloatArray:
    """A hall's chime of two to eight struck tubes or bars."""
    return _tune(rng, "bar", log_uniform(rng, 250, 1000), rng.uniform(1.2, 4))


def electronic_chime(rng: np.random.Generator) -> FloatArray:
    """A wireless bell: synthetic notes out of a small loudspeaker."""
    return through_horn(rng, _tune(rng, "electronic", log_uniform(rng, 350, 1500), rng.uniform(0.5, 2.5)))


def door_buzzer(rng: np.random.Generator) -> FloatArray:
    """A door's mains buzzer: pressed once or twice."""
    mains = rng.choice([100.0, 120.0]) * rng.uniform(0.98, 1.02)
    amplitudes = 1 / np.arange(1, 40.0) ** rng.uniform(0.1, 0.7) * rng.uniform(0.3, 1, 39)

    def press() -> FloatArray:
        return fade(harmonic_tone(np.full(seconds_to_samples(rng.uniform(0.3, 1.3)), mains), amplitudes), 0.01, 0.02)

    seconds = rng.uniform(3, 5)
    return through_horn(rng, sequence(seconds, bursts(rng, seconds, (1, 2), 1.0, 1.0), press))


def bicycle_thumb_bell(rng: np.random.Generator) -> FloatArray:
    """Tring-tring: the wheel inside throws two to ten blows against the dome at each press of the thumb."""
    hertz = log_uniform(rng, 1500, 4000)
    dome = np.concatenate([[1], np.sort(rng.uniform(1.3, 3.5, rng.integers(2, 6)))])
    decay, pace, out = rng.uniform(0.25, 1.6), rng.uniform(12, 32), np.zeros(seconds_to_samples(rng.uniform(3, 5)))
    levels = rng.uniform(0.2, 1, len(dome))
    for press in bursts(rng, len(out) / RATE, (1, 3), rng.uniform(0.25, 0.5), 1.0):
        for blow in range(rng.integers(2, 11)):
            hit = ringing(decay, hertz * dome, levels * rng.uniform(0.7, 1, len(dome)), np.full(len(dome), decay))
            place(out, hit * rng.uniform(0.5, 1), int((press + blow / pace * rng.uniform(0.9, 1.1)) * RATE))
    return out


def bicycle_ding(rng: np.random.Generator) -> FloatArray:
    """A brass dome with a spring hammer: one ding, now and then two."""
    hertz, decay, ratio = log_uniform(rng, 1500, 4200), rng.uniform(0.8, 3), rng.uniform(1.3, 1.9)
    index = rng.uniform(0.1, 1.2)

    def ding() -> FloatArray:
        out = _frequency_modulated(rng, hertz, ratio, index, decay)
        place(out, 0.5 * _frequency_modulated(rng, hertz * 1.003, ratio * 1.5, index, decay * 0.6), 0)
        return out

    seconds = rng.uniform(3, 5)
    return sequence(seconds, bursts(rng, seconds, (1, 2), rng.uniform(0.2, 0.5), 1.5), ding)


def crossing_gong(rng: np.random.Generator) -> FloatArray:
    """A level crossing's mechanical bell: a hammer on a gong, one to four times a second, without end."""
    hertz, decay, seconds = log_uniform(rng, 450, 1800), rng.uniform(0.25, 1.4), rng.uniform(5, 7)
    ratios = np.concatenate([[1], np.sort(rng.uniform(1.4, 5, rng.integers(3, 7)))])
    levels = rng.uniform(0.3, 1, len(ratios)) / ratios**0.5

    def blow() -> FloatArray:
        hit = ringing(decay, hertz * ratios, levels * rng.uniform(0.8, 1, len(ratios)), decay / ratios**0.4)
        place(hit, band_noise(rng, 100, 800, 6000) * 0.4, 0)
        return hit * rng.uniform(0.85, 1)

    return sequence(seconds, rhythm(rng, seconds, 1 / rng.uniform(1, 4.2), 0.03), blow)


def crossing_electronic_bell(rng: np.random.Generator) -> FloatArray:
    """The same out of a loudspeaker: one recorded or synthetic stroke, exactly repeated; or two pitches in turn."""
    hertz, step, seconds = log_uniform(rng, 500, 1500), 1 / rng.uniform(1, 4), rng.uniform(5, 7)
    stroke = _frequency_modulated(rng, hertz, rng.uniform(1.2, 3.5), rng.uniform(0.2, 3), rng.uniform(0.2, 1.0))
    other = _frequency_modulated(rng, hertz * rng.uniform(0.75, 0.9), 1.4, rng.uniform(0.2, 2), 0.5)
    strokes = [stroke, stroke if rng.random() < 0.6 else other]
    out, late = np.zeros(seconds_to_samples(seconds)), rng.uniform(0, step)
    for number, start in enumerate(np.arange(late, seconds, step)):
        place(out, strokes[number % 2], int(start * RATE))
    return through_horn(rng, out)


def _bird_signal(rng: np.random.Generator) -> tuple[FloatArray, float]:
    """A pedestrian signal's call, a cuckoo's two notes or a falling chirp, and the time from one to the next."""
    if rng.random() < 0.5:
        high = rng.uniform(900, 1300)
        notes = [
            harmonic_tone(np.full(seconds_to_samples(0.25), pitch), np.array([1, 0.1])) for pitch in (high, high * 0.8)
        ]
        return np.concatenate([fade(note, 0.01, 0.05) for note in notes]), rng.uniform(1.0, 1.8)
    track = arch(seconds_to_samples(rng.uniform(0.1, 0.25)), [rng.uniform(2200, 3000), rng.uniform(1400, 2100)])
    return fade(harmonic_tone(track, np.array([1, 0.15, 0.05])), 0.005, 0.02), rng.uniform(0.4, 1.2)


def pedestrian_birds(rng: np.random.Generator) -> FloatArray:
    """A pedestrian signal that sings, machine-like."""
    call, step = _bird_signal(rng)
    seconds = rng.uniform(4, 6)
    return through_horn(rng, sequence(seconds, rhythm(rng, seconds, step, 0.0), lambda: call))


def pedestrian_ticks(rng: np.random.Generator) -> FloatArray:
    """A pedestrian signal that ticks: slowly to wait, quickly to walk."""
    hertz, seconds = log_uniform(rng, 400, 1800), rng.uniform(4, 6)
    tick = ringing(0.06, np.array([hertz, hertz * 2]), np.array([1, 0.3]), np.full(2, rng.uniform(0.02, 0.1)))
    slow, fast = rng.uniform(0.8, 1.6), rng.uniform(0.09, 0.18)
    if rng.random() < 0.3:
        turn = seconds * rng.uniform(0.3, 0.7)
        starts = np.concatenate([np.arange(0, turn, slow), np.arange(turn, seconds, fast)])
    else:
        starts = rhythm(rng, seconds, rng.choice([slow, fast], p=[0.3, 0.7]), 0.0)
    return through_horn(rng, peaked(sequence(seconds, starts, lambda: tick)))
