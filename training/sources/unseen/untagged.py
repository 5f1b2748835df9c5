"""Sounds that have no tag, so that false alarms count."""

from __future__ import annotations

import numpy as np
from scipy import signal

from training.settings import RATE
from training.sources.unseen.parts import (
    Array,
    bump,
    decaying,
    filtered,
    hiss,
    impulses,
    lay,
    peaked,
    pulses_along,
    resonate,
    saw,
    softened,
    struck,
    summed,
    through_formants,
    wander,
)


def office_noise(rng: np.random.Generator) -> Array:
    """Air conditioning and a fan: noise through low filters, with a weak tone."""
    length = int(5 * RATE)
    noise = filtered(rng.standard_normal(length), "lowpass", rng.uniform(150, 4000), int(rng.integers(1, 3)))
    tone = np.sin(2 * np.pi * rng.uniform(80, 400) * np.arange(length) / RATE)
    return np.asarray(noise / noise.std() + rng.uniform(0, 0.5) * tone)


def shower_head(rng: np.random.Generator) -> Array:
    """Water: high-passed noise whose level trembles."""
    length = int(5 * RATE)
    noise = filtered(rng.standard_normal(length), "highpass", rng.uniform(300, 2000), 1)
    return noise * (1 + 0.3 * filtered(rng.standard_normal(length), "lowpass", 20) * 5)


def motorbike(rng: np.random.Generator) -> Array:
    """Exhaust pulses through two resonances, with the throttle opened now and then."""
    length = int(5 * RATE)
    speed = rng.uniform(25, 90) * (1 + 0.4 * np.interp(np.arange(length), np.linspace(0, length, 6), rng.random(6)))
    pulses = np.diff(np.floor(np.cumsum(speed) / RATE), prepend=0) * rng.uniform(0.7, 1, length)
    return resonate(pulses, rng.uniform(80, 200), 0.05) + 0.5 * resonate(pulses, rng.uniform(400, 900), 0.02)


def rain_on_roof(rng: np.random.Generator) -> Array:
    """Drops of all sizes on tin or tiles: thousands of tiny blows a second, a few heavy ones, the hiss of the rest."""
    length = int(5 * RATE)
    drops = (rng.random(length) < rng.uniform(200, 3000) / RATE) * rng.exponential(1.0, length) ** 2
    roof = struck(drops, rng.uniform(250, 4500, 5), rng.uniform(0.005, 0.03, 5), rng.uniform(0.2, 1, 5))
    rest = hiss(rng, length, "bandpass", (rng.uniform(500, 1500), 7000))
    return np.asarray(roof + rng.uniform(0.05, 0.4) * rest)


def traffic_rumble(rng: np.random.Generator) -> Array:
    """A street some way off: tyres (a hump near 1 kHz) that swell as cars pass, engines below."""
    length = int(5 * RATE)
    tyres = hiss(rng, length, "bandpass", (rng.uniform(300, 600), rng.uniform(1200, 2500)))
    low = hiss(rng, length, "lowpass", rng.uniform(80, 200))
    passing = np.exp(0.5 * wander(rng, length, rng.uniform(0.2, 0.5)))
    return np.asarray(rng.uniform(0.1, 1) * tyres * passing + low * np.exp(0.3 * wander(rng, length, 0.5)))


def cabin_hum(rng: np.random.Generator) -> Array:
    """Inside a train, a ship or a server room: dull noise and 3 to 15 steady lines that have no chord in common."""
    length = int(5 * RATE)
    time, tilt = np.arange(length) / RATE, rng.uniform(0.5, 1.5)
    lines = rng.uniform(45, 1800, rng.integers(3, 16))
    tones = summed(
        [np.sin(2 * np.pi * (hz * time + rng.random())) * (60 / hz) ** tilt * rng.uniform(0.2, 1) for hz in lines]
    )
    noise = hiss(rng, length, "lowpass", rng.uniform(120, 600)) + rng.uniform(0.02, 0.3) * hiss(
        rng, length, "lowpass", 5000
    )
    return np.asarray(noise + rng.uniform(0.2, 1.5) * tones / (tones.std() + 1e-9))


def worn_microphone(rng: np.random.Generator) -> Array:
    """A microphone on a person who is silent: breath and cloth in uneven low bursts, the room behind them."""
    length, begin = int(6 * RATE), 0.0
    out = rng.uniform(0.005, 0.05) * hiss(rng, length, "lowpass", rng.uniform(80, 300))
    while begin < 6:
        seconds = rng.choice([rng.uniform(0.03, 0.15), rng.uniform(0.2, 1.0)])
        pop = (
            hiss(rng, int(seconds * RATE), "lowpass", rng.uniform(60, 260))
            * bump(seconds, rng.uniform(0.1, 0.6))[: int(seconds * RATE)]
        )
        lay(out, pop, begin, rng.uniform(0.05, 1) ** 2)
        begin += seconds + rng.exponential(0.5)
    return out + rng.uniform(0.0005, 0.005) * rng.standard_normal(length)


def rolling_thunder(rng: np.random.Generator) -> Array:
    """A channel of kilometres that arrives bit by bit: claps out of order, each duller than the one before."""
    length = int(6 * RATE)
    out = np.zeros(length)
    for wait in np.sort(rng.uniform(0.1, 4, rng.integers(4, 14))):
        seconds = rng.uniform(0.2, 1.5)
        clap = (
            hiss(rng, int(seconds * RATE), "lowpass", rng.uniform(80, 900) / (1 + wait / 2))
            * bump(seconds, 0.2)[: int(seconds * RATE)]
        )
        lay(out, clap, wait, rng.uniform(0.2, 1))
    return out + 0.05 * hiss(rng, length, "lowpass", 120)


def breaking_waves(rng: np.random.Generator) -> Array:
    """Waves on a beach: each builds up darkly, breaks bright, and drains away."""
    length = int(6 * RATE)
    place = (np.arange(length) / RATE / rng.uniform(3, 6) + rng.random()) % 1
    dark, bright = hiss(rng, length, "lowpass", 700), hiss(rng, length, "bandpass", (700, 6000))
    swell = np.interp(place, [0, 0.35, 0.45, 1], [0.2, 0.8, 1, 0.2])
    broken = np.interp(place, [0, 0.3, 0.42, 0.7, 1], [0.05, 0.15, 1, 0.3, 0.05])
    return np.asarray(dark * swell + rng.uniform(0.3, 1) * bright * broken)


def ink_printer(rng: np.random.Generator) -> Array:
    """An ink-jet printer: the carriage's stepper whines to and fro, the paper feed ratchets at each end."""
    length, begin = int(5 * RATE), 0.0
    out = np.zeros(length)
    pitch = rng.uniform(250, 900)
    while begin < 5:
        seconds = rng.uniform(0.4, 1.1)
        size = int(seconds * RATE)
        ramp = np.interp(np.linspace(0, 1, size), [0, 0.15, 0.85, 1], [0.3, 1, 1, 0.3])
        whine = filtered(saw(pitch * ramp, 0.5), "bandpass", (200, 4000), 1) + 0.3 * hiss(
            rng, size, "bandpass", (1000, 5000)
        )
        lay(out, whine * ramp, begin, 0.6)
        begin += seconds
        clicks = (np.arange(int(0.15 * RATE)) % int(RATE / rng.uniform(60, 150)) == 0).astype(float)
        lay(out, peaked(resonate(clicks, rng.uniform(900, 2500), 0.01)), begin, rng.uniform(0.3, 1))
        begin += 0.15 + rng.uniform(0, 0.2)
    return out


def sewing_machine(rng: np.random.Generator) -> Array:
    """Six to fifteen stitches a second, each a clatter of needle bar, hook and feed, over a little motor."""
    length = int(5 * RATE)
    pedal = rng.uniform(6, 15) * np.clip(1 + 0.25 * wander(rng, length, 0.8), 0.3, 2)
    stitch = pulses_along(rng, pedal, 0.1)
    lag = int(0.35 * RATE / pedal.mean())
    hook = np.roll(stitch, lag)
    clatter = struck(stitch, rng.uniform(300, 2500, 4), rng.uniform(0.01, 0.04, 4), rng.uniform(0.3, 1, 4))
    feed = struck(
        softened(hook, 0.001), rng.uniform(150, 1500, 3), rng.uniform(0.02, 0.05, 3), rng.uniform(0.2, 0.8, 3)
    )
    motor = filtered(saw(pedal * rng.uniform(9, 14), 0.2), "bandpass", (80, 2000), 1)
    return np.asarray(clatter + feed + rng.uniform(0.05, 0.3) * motor)


def ball_game(rng: np.random.Generator) -> Array:
    """A ball that is dribbled in a hall (its skin rings near 80 to 300 Hz and 1 kHz), shoes that squeak."""
    length, begin = int(5 * RATE), rng.uniform(0, 0.4)
    skin, out = rng.uniform(80, 300), np.zeros(length)
    while begin < 5:
        blow = softened(impulses(RATE // 2, [0.0], [1.0]), 0.004)
        lay(
            out,
            struck(blow, [skin, skin * 2.3, rng.uniform(800, 1100)], [0.15, 0.08, 0.06], [1, 0.6, 0.3]),
            begin,
            rng.uniform(0.4, 1),
        )
        if rng.random() < 0.25:
            seconds = rng.uniform(0.05, 0.2)
            squeak = saw(rng.uniform(1200, 2600) * np.linspace(1, rng.uniform(0.8, 1.3), int(seconds * RATE)), 0.3)
            lay(out, squeak * bump(seconds)[: len(squeak)], begin + rng.uniform(0, 0.3), rng.uniform(0.05, 0.3))
        begin += rng.uniform(0.35, 0.9)
    return out


def counted_coins(rng: np.random.Generator) -> Array:
    """Coins on a counter: hard, bright, with high modes (4 kHz and up) and the flutter of one that spins down."""
    length, begin = int(4 * RATE), rng.uniform(0, 0.4)
    out, coins = np.zeros(length), [rng.uniform(3500, 5500) * np.array([1, 1.34, 1.6]) for _ in range(4)]
    while begin < 4:
        ring = struck(
            impulses(RATE // 4, [0.0], [1.0]), coins[rng.integers(4)], rng.uniform(0.03, 0.2, 3), [1, 0.7, 0.5]
        )
        gap = rng.uniform(0.05, 0.15)
        while gap > 0.012:
            lay(out, ring, begin, rng.uniform(0.4, 1))
            begin, gap = begin + gap, gap * rng.uniform(0.75, 0.95)
        begin += rng.uniform(0.1, 1.2)
    return out


def handled_paper(rng: np.random.Generator) -> Array:
    """Pages turned and crumpled: swarms of crackles above 1 kHz that swell and stop."""
    length, begin = int(5 * RATE), rng.uniform(0, 0.4)
    out = np.zeros(length)
    while begin < 5:
        seconds = rng.uniform(0.15, 0.9)
        size = int(seconds * RATE)
        crackles = (
            (rng.random(size) < rng.uniform(0.005, 0.06))
            * rng.standard_normal(size)
            * bump(seconds, rng.uniform(0.2, 0.8))[:size]
        )
        sheet = filtered(crackles, "bandpass", (rng.uniform(700, 1800), rng.uniform(4500, 7500)), 1)
        lay(
            out,
            peaked(sheet) + 0.1 * hiss(rng, size, "highpass", 2500) * bump(seconds)[:size],
            begin,
            rng.uniform(0.3, 1),
        )
        begin += seconds + rng.uniform(0.1, 0.8)
    return out


def croaking_frog(rng: np.random.Generator) -> Array:
    """Trains of pulses, 20 to 90 a second, through a throat sac, in croaks of a third of a second."""
    length, begin = int(5 * RATE), rng.uniform(0, 0.5)
    out, rate = np.zeros(length), rng.uniform(20, 90)
    sac = [rng.uniform(350, 1100), rng.uniform(1300, 2800)]
    while begin < 5:
        seconds = rng.uniform(0.15, 0.5)
        size = int(seconds * RATE)
        croak = through_formants(
            pulses_along(rng, np.full(size, rate), 0.1), [np.full(size, hz) for hz in sac], [70, 140]
        )
        lay(out, peaked(croak * bump(seconds, 0.6)[:size]), begin, rng.uniform(0.6, 1))
        begin += seconds + rng.uniform(0.1, 0.7)
    return out


def lowing_cow(rng: np.random.Generator) -> Array:
    """Moo: 80 to 170 Hz for one to two seconds, lips closed, then open, the pitch rising before it falls."""
    length, begin = int(6 * RATE), rng.uniform(0, 0.8)
    out, pitch = np.zeros(length), rng.uniform(80, 170)
    while begin < 5:
        seconds = rng.uniform(1, 2.2)
        place = np.linspace(0, 1, int(seconds * RATE))
        track = pitch * (0.85 + 0.3 * np.sin(np.pi * place**0.8)) * (1 + 0.01 * wander(rng, len(place), 20))
        opening = np.interp(place, [0, 0.3, 0.8, 1], [0, 0.6, 1, 0.5])
        tracks = [250 + 350 * opening, 700 + 400 * opening, np.full(len(place), 2200.0)]
        moo = through_formants(softened(pulses_along(rng, track, 0.1), 0.001), tracks, [80, 120, 250])
        lay(out, peaked(moo * bump(seconds, 0.6)[: len(place)]), begin, rng.uniform(0.7, 1))
        begin += seconds + rng.uniform(0.5, 2)
    return out


def sawing_wood(rng: np.random.Generator) -> Array:
    """A hand saw: strokes of rough noise, to and fro, the teeth's rate rising and falling with the arm."""
    length, rate = int(5 * RATE), rng.uniform(1, 2.2)
    arm = np.sin(np.pi * rate * np.arange(length) / RATE)
    teeth = pulses_along(rng, 30 + rng.uniform(150, 350) * np.abs(arm), 0.5)
    rasp = np.convolve(teeth, decaying(rng, 0.01, 0.008))[:length] * np.abs(arm)
    forward = np.where(signal.square(np.pi * rate * np.arange(length) / RATE) > 0, 1.0, rng.uniform(0.2, 0.8))
    return filtered(rasp * forward, "bandpass", (rng.uniform(300, 900), rng.uniform(3500, 7000)), 1)
