"""Aircraft, vacuum cleaners, shavers and other motors that only judge."""

from __future__ import annotations

import numpy as np

from training.settings import RATE
from training.sources.unseen.parts import (
    Array,
    filtered,
    hiss,
    peaked,
    pulses_along,
    resonate,
    saw,
    seconds_of,
    softened,
    summed,
    through_formants,
    wander,
)


def _fly_over(rng: np.random.Generator, length: int) -> tuple[Array, Array]:
    """Doppler factor and level of something that passes: distance and radial speed on a straight line."""
    speed, height = rng.uniform(40, 140), rng.uniform(100, 600)
    along = speed * (np.arange(length) / RATE - rng.uniform(-2, 8))
    distance = np.hypot(along, height)
    return np.asarray(343 / (343 + speed * along / distance)), np.asarray(height / distance)


def propeller_plane(rng: np.random.Generator) -> Array:
    """One or two propellers (blade rate 60 to 200 Hz) that beat with each other, and the exhaust of the pistons."""
    length = seconds_of(rng, 4.5, 6)
    doppler, level = _fly_over(rng, length)
    blade, parts = rng.uniform(60, 200), []
    for detune in (0.0, rng.uniform(0.2, 2.5))[: rng.integers(1, 3)]:
        track = (blade + detune) * doppler * (1 + 0.003 * wander(rng, length, 2))
        parts.append(filtered(saw(track, rng.uniform(0.02, 0.3)), "lowpass", rng.uniform(400, 1800), 1))
        exhaust = pulses_along(rng, track * rng.choice([0.5, 0.75, 1.5]), 0.15)
        parts.append(rng.uniform(0.2, 0.8) * peaked(resonate(exhaust, rng.uniform(90, 260), 0.03)))
    air = hiss(rng, length, "bandpass", (150, rng.uniform(900, 2500)))
    return np.asarray((summed(parts) + rng.uniform(0.05, 0.3) * air) * level)


def jet_fly_over(rng: np.random.Generator) -> Array:
    """A jet: a broad roar, the comb that the ground's reflection sweeps through it, a fan's whine that falls."""
    length = seconds_of(rng, 4.5, 6)
    doppler, level = _fly_over(rng, length)
    roar = hiss(rng, length, "lowpass", rng.uniform(250, 900)) + rng.uniform(0.05, 0.5) * hiss(
        rng, length, "lowpass", 3500
    )
    delay = (rng.uniform(0.5, 6) * 1e-3 * (1 + 0.6 * np.linspace(-1, 1, length) * rng.choice([-1, 1]))) * RATE
    places = np.arange(length) - delay
    combed = roar + rng.uniform(0, 0.8) * np.interp(places, np.arange(length), roar)
    fan = rng.uniform(900, 3200) * doppler
    whine = np.sin(2 * np.pi * np.cumsum(fan) / RATE) + 0.5 * np.sin(2 * np.pi * np.cumsum(1.5 * fan) / RATE)
    crackle = 1 + 0.15 * wander(rng, length, 12)
    return np.asarray((peaked(combed) * crackle + rng.uniform(0, 0.12) * whine) * level)


def passing_helicopter(rng: np.random.Generator) -> Array:
    """Blades that chop at 10 to 25 Hz, the tail rotor's buzz of 55 to 120 Hz, and a turbine above."""
    length = seconds_of(rng, 4.5, 6)
    doppler, level = _fly_over(rng, length)
    rotor = rng.uniform(10, 25) * doppler
    slaps = pulses_along(rng, rotor, 0.12)
    thump = peaked(resonate(softened(slaps, rng.uniform(0.004, 0.015)), rng.uniform(40, 120), 0.05))
    slap = np.convolve(slaps, np.exp(-np.arange(600) / rng.uniform(60, 240)))[:length]
    chopped = slap * hiss(rng, length, "bandpass", (rng.uniform(80, 300), rng.uniform(900, 2500)))
    tail = filtered(saw(rng.uniform(55, 120) * doppler), "lowpass", 900)
    turbine = hiss(rng, length, "bandpass", (2500, 6500))
    parts = [
        thump,
        rng.uniform(0.3, 1) * peaked(chopped),
        rng.uniform(0.05, 0.3) * tail,
        rng.uniform(0, 0.03) * turbine,
    ]
    return np.asarray(summed(parts) * level)


def _run_up(rng: np.random.Generator, length: int, share: float) -> Array:
    """A motor's speed from 0 to 1: already running, or switched on within the first second."""
    if rng.random() > share:
        return np.ones(length)
    late = np.maximum(0, np.arange(length) / RATE - rng.uniform(0, 0.8))
    return np.asarray(1 - np.exp(-late / rng.uniform(0.15, 0.5)))


def canister_vacuum(rng: np.random.Generator) -> Array:
    """A universal motor (whine of 200 to 700 Hz and its multiples), a fan behind a hose, brushes that spark."""
    length = seconds_of(rng, 4, 6)
    speed = _run_up(rng, length, 0.4)
    carpet = 1 - rng.uniform(0, 0.07) * np.clip(wander(rng, length, rng.uniform(0.5, 1.5)), 0, 1)
    track = rng.uniform(200, 700) * np.maximum(0.05, speed) * carpet * (1 + 0.002 * wander(rng, length, 12))
    whine = filtered(saw(track, rng.uniform(0.1, 0.9)), "bandpass", (150, rng.uniform(2500, 6000)), 1)
    vanes = np.sin(2 * np.pi * np.cumsum(np.minimum(track * rng.integers(5, 10), 7000)) / RATE)
    hose = [np.full(length, hz) for hz in rng.uniform(400, 3500, 3)]
    air = through_formants(rng.standard_normal(length), hose, [300, 500, 900])
    rush = hiss(rng, length, "bandpass", (rng.uniform(150, 500), rng.uniform(3500, 7000)))
    noise = (peaked(air) + 0.3 * rush) * speed**2
    return np.asarray(noise + (rng.uniform(0.1, 0.7) * peaked(whine) + rng.uniform(0, 0.1) * vanes) * speed)


def upright_vacuum(rng: np.random.Generator) -> Array:
    """With a beater brush: its bristles slap the carpet 60 to 140 times a second, and strokes go to and fro."""
    length = seconds_of(rng, 4, 6)
    speed, stroke = _run_up(rng, length, 0.3), wander(rng, length, rng.uniform(0.7, 1.4))
    motor = rng.uniform(220, 480) * np.maximum(0.05, speed) * (1 - 0.03 * stroke)
    slaps = pulses_along(rng, motor * rng.uniform(0.25, 0.4), 0.3)
    brush = np.convolve(slaps, np.exp(-np.arange(160) / 40))[:length] * hiss(rng, length, "bandpass", (300, 4000))
    whine = filtered(
        saw(motor, 0.2) * (1 + 0.2 * np.sin(2 * np.pi * 100 * np.arange(length) / RATE)), "lowpass", 3500, 1
    )
    rush = hiss(rng, length, "bandpass", (300, rng.uniform(3000, 6500))) * (1 + 0.25 * stroke)
    return np.asarray((rush + rng.uniform(0.2, 0.8) * brush + rng.uniform(0.4, 1.6) * peaked(whine)) * speed)


def foil_shaver(rng: np.random.Generator) -> Array:
    """An oscillating cutter: two clicks a turn make a bright buzz; hair and skin load it and colour it."""
    length = seconds_of(rng, 4, 6)
    load = np.clip(wander(rng, length, rng.uniform(1, 3)), 0, 2)
    track = rng.uniform(60, 160) * (1 - rng.uniform(0.02, 0.1) * load)
    clicks = pulses_along(rng, 2 * track, 0.1) - 0.7 * pulses_along(rng, track, 0.1)
    shell = [np.full(length, hz) for hz in rng.uniform(700, 6000, 4)]
    buzz = peaked(through_formants(clicks, shell, [250, 400, 600, 900]))
    stubble = (rng.random(length) < 0.003 * load) * rng.standard_normal(length)
    crackle = peaked(filtered(stubble, "bandpass", (1800, 7000), 1)) if load.max() > 0 else stubble
    motor = filtered(saw(track * rng.uniform(1, 2.2), 0.3), "lowpass", 2500, 1)
    level = _run_up(rng, length, 0.25)
    return np.asarray(
        (buzz * (1 - 0.25 * load) + rng.uniform(0, 0.5) * crackle + rng.uniform(0.2, 0.8) * motor) * level
    )


def sonic_toothbrush(rng: np.random.Generator) -> Array:
    """About 260 strokes a second (31,000 a minute), or a turning head near 70 Hz; teeth damp it, foam hisses."""
    length = seconds_of(rng, 4, 6)
    pitch = rng.choice([rng.uniform(230, 300), rng.uniform(55, 90)])
    touch = np.clip(0.5 + wander(rng, length, rng.uniform(1.5, 4)), 0, 1.5)
    track = pitch * (1 - 0.015 * touch)
    drive = np.tanh(rng.uniform(1, 6) * filtered(saw(track, 0.5), "lowpass", rng.uniform(800, 3000), 1))
    shell = through_formants(drive, [np.full(length, hz) for hz in rng.uniform(600, 4500, 3)], [150, 300, 500])
    bristles = hiss(rng, length, "bandpass", (1500, 6500)) * touch * (0.6 + 0.4 * np.sign(drive))
    return np.asarray(peaked(drive) * (1.2 - 0.6 * touch) + peaked(shell) + rng.uniform(0.02, 0.15) * bristles)
