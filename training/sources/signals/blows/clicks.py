"""Keys that are typed on, switches and mouse buttons, fingers that are snapped."""

from __future__ import annotations

import numpy as np

from training.settings import RATE
from training.sources.signals.tones import (
    FloatArray,
    arch,
    band_noise,
    bursts,
    dying,
    harmonic_tone,
    log_uniform,
    peaked,
    place,
    puff,
    resonate,
    rhythm,
    ringing,
    seconds_to_samples,
    sequence,
)


def _typing_times(rng: np.random.Generator, seconds: float) -> list[float]:
    """Bursts of four to twelve keys a second, as words come, with pauses to think."""
    return bursts(rng, seconds, (3, 14), 1 / rng.uniform(4, 12), rng.uniform(0.1, 0.8))


def mechanical_keyboard(rng: np.random.Generator) -> FloatArray:
    """Each key: the switch's click, the bottom of its way, and its return; the space bar is lower."""
    shell, spring = log_uniform(rng, 350, 1500), log_uniform(rng, 1800, 6000)
    travel, back = rng.uniform(0.008, 0.025), rng.uniform(0.05, 0.13)
    loud = rng.uniform(0.2, 1, 3)

    def key() -> FloatArray:
        out, low = np.zeros(seconds_to_samples(0.25)), rng.choice([1, 0.5], p=[0.85, 0.15]) * rng.uniform(0.85, 1.15)
        modes = np.array([shell, shell * 2.3, spring, spring * 1.4]) * low
        for delay, level in zip((0, travel, back * rng.uniform(0.7, 1.3)), loud, strict=True):
            hit = ringing(0.08, modes, rng.uniform(0.2, 1, 4), np.full(4, log_uniform(rng, 0.01, 0.05)))
            place(out, hit * level, int(delay * RATE))
        return out * rng.uniform(0.4, 1)

    seconds = rng.uniform(3, 5)
    return sequence(seconds, _typing_times(rng, seconds), key)


def membrane_keyboard(rng: np.random.Generator) -> FloatArray:
    """A laptop's or rubber keyboard: short muffled bursts, down and up."""
    low = log_uniform(rng, 300, 1800)
    high, fall, back = low * rng.uniform(2, 6), log_uniform(rng, 0.002, 0.008), rng.uniform(0.05, 0.12)

    def key() -> FloatArray:
        out = np.zeros(seconds_to_samples(0.2))
        place(out, puff(rng, low * rng.uniform(0.7, 1.3), high, fall), 0)
        place(out, puff(rng, low, high, fall * 0.7) * rng.uniform(0.1, 0.6), int(back * RATE))
        return out * rng.uniform(0.3, 1)

    seconds = rng.uniform(3, 5)
    return sequence(seconds, _typing_times(rng, seconds), key)


def typewriter(rng: np.random.Generator) -> FloatArray:
    """Type bars that strike the roller, and the carriage's notch after each."""
    roller, bar = log_uniform(rng, 250, 700), log_uniform(rng, 1200, 3500)

    def key() -> FloatArray:
        out = resonate(
            np.concatenate([puff(rng, 200, 7000, 0.002), np.zeros(2400)]), [roller, bar, bar * 1.9], [90, 200, 300]
        )
        place(out, peaked(out)[:1600] * 0.3 * np.abs(out).max(), int(rng.uniform(0.03, 0.06) * RATE))
        return peaked(out) * rng.uniform(0.5, 1)

    seconds = rng.uniform(3, 5)
    return sequence(seconds, bursts(rng, seconds, (3, 12), 1 / rng.uniform(4, 9), 0.5), key)


def _few_times(rng: np.random.Generator, seconds: float) -> list[float]:
    """One to six moments at least 0.3 s apart."""
    starts: list[float] = []
    time = rng.uniform(0.05, 0.8)
    while time < seconds and len(starts) < 6:
        starts.append(time)
        time += log_uniform(rng, 0.32, 2.5)
    return starts


def switch_click(rng: np.random.Generator) -> FloatArray:
    """A light switch, a pen, a shutter: hard plastic or metal, twice within a few hundredths of a second."""
    modes, fall = (
        log_uniform(rng, 600, 3500) * np.concatenate([[1], rng.uniform(1.2, 3.5, 4)]),
        log_uniform(rng, 0.004, 0.03),
    )
    gap, second = rng.uniform(0.004, 0.04), rng.uniform(0, 0.9)

    def click() -> FloatArray:
        hit = ringing(0.04, modes, rng.uniform(0.2, 1, 5), np.full(5, fall))
        out = np.zeros(seconds_to_samples(0.06))
        place(out, hit, 0)
        place(out, hit * second, int(gap * RATE))
        return out * rng.uniform(0.7, 1)

    seconds = rng.uniform(2.5, 4)
    return sequence(seconds, _few_times(rng, seconds), click)


def mouse_click(rng: np.random.Generator) -> FloatArray:
    """A mouse button: a snap of a millisecond or two, coloured by its shell."""
    low = log_uniform(rng, 500, 3000)
    shell, bandwidth, fall = [low, low * rng.uniform(1.5, 3)], rng.uniform(150, 900), log_uniform(rng, 5e-4, 3e-3)

    def click() -> FloatArray:
        snap = np.concatenate([puff(rng, 400, 7500, fall), np.zeros(500)])
        return peaked(resonate(snap, shell, [bandwidth, bandwidth * 1.5])) * rng.uniform(0.6, 1)

    seconds = rng.uniform(2.5, 4)
    return sequence(seconds, _few_times(rng, seconds), click)


def finger_snap(rng: np.random.Generator) -> FloatArray:
    """The finger hits the palm: a short burst through the hollow of the hand, alone or in a beat."""
    hertz, fall, bandwidth = log_uniform(rng, 1200, 4000), log_uniform(rng, 0.002, 0.01), log_uniform(rng, 80, 500)
    slide = rng.uniform(0, 0.3)

    def snap() -> FloatArray:
        burst = np.concatenate([puff(rng, 600, 7500, fall), np.zeros(600)])
        out = np.zeros(seconds_to_samples(0.08) + len(burst))
        place(out, band_noise(rng, 500, 2000, 7000) * np.hanning(500) * slide * 0.2, 0)
        place(
            out,
            peaked(resonate(burst, [hertz * rng.uniform(0.95, 1.05)], [bandwidth])),
            int(rng.uniform(0.01, 0.06) * RATE),
        )
        return out * rng.uniform(0.6, 1)

    seconds = rng.uniform(3, 5)
    steady = rhythm(rng, seconds, rng.uniform(0.35, 1.1), 0.04)
    return sequence(seconds, steady if rng.random() < 0.6 else _few_times(rng, seconds), snap)


def finger_snap_pop(rng: np.random.Generator) -> FloatArray:
    """The same as a pop: a tone that dies within hundredths of a second, rising a little, over a slap."""
    hertz, fall = log_uniform(rng, 1200, 3800), log_uniform(rng, 0.003, 0.012)

    def snap() -> FloatArray:
        samples = seconds_to_samples(0.1)
        track = hertz * arch(samples, [rng.uniform(0.85, 1), 1, rng.uniform(1, 1.1)], [0, 0.15, 1])
        pop = harmonic_tone(track, np.array([1, rng.uniform(0.1, 0.6), rng.uniform(0, 0.3)])) * dying(samples, fall)
        place(pop, puff(rng, 800, 7500, 0.0015) * rng.uniform(0.2, 1.2), 0)
        return pop * rng.uniform(0.6, 1)

    seconds = rng.uniform(3, 5)
    steady = rhythm(rng, seconds, rng.uniform(0.35, 1.1), 0.04)
    return sequence(seconds, steady if rng.random() < 0.6 else _few_times(rng, seconds), snap)


def finger_snap_noise(rng: np.random.Generator) -> FloatArray:
    """The same as bare noise in a band, one octave or less wide: snaps heard from across a room."""
    hertz, fall = log_uniform(rng, 1300, 3800), log_uniform(rng, 0.002, 0.009)
    width = rng.uniform(1.1, 1.6)

    def snap() -> FloatArray:
        out = np.zeros(seconds_to_samples(0.1))
        place(out, puff(rng, hertz / width, hertz * width, fall), 0)
        place(out, puff(rng, 2000, 7500, 0.0008) * rng.uniform(0, 1), 0)
        return out * rng.uniform(0.6, 1)

    seconds = rng.uniform(3, 5)
    steady = rhythm(rng, seconds, rng.uniform(0.35, 1.1), 0.05)
    return sequence(seconds, steady if rng.random() < 0.6 else _few_times(rng, seconds), snap)
