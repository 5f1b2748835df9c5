"""Water, wind and what flows, to judge only."""

from __future__ import annotations

import numpy as np

from training.settings import RATE
from training.sources.unseen.parts import Array, hiss, lay, peaked, resonate, seconds_of, through_formants, wander


def _bubbles(rng: np.random.Generator, length: int, per_second: float, low_hz: float, high_hz: float) -> Array:
    """Bubbles by Minnaert: radius sets the pitch, damping by van den Doel (0.13 f / 3 + 0.0072 (f / 3)^1.5, per s).

    A bubble that comes up rings higher and higher. Radii are log-uniform; the small ones are the quieter.
    """
    out = np.zeros(length)
    for begin in rng.uniform(0, length / RATE, int(per_second * length / RATE)):
        pitch = low_hz * (high_hz / low_hz) ** rng.random()
        damping = 0.13 * pitch / 3 + 0.0072 * (pitch / 3) ** 1.5
        time = np.arange(int(min(0.25, 5 / damping) * RATE)) / RATE
        rise = rng.choice([0.0, rng.uniform(0.02, 0.15)]) * damping
        ring = np.sin(2 * np.pi * pitch * time * (1 + rise * time / 2)) * np.exp(-damping * time)
        lay(out, ring, begin, rng.random() ** 2 * (low_hz / pitch) ** 0.5)
    return out


def running_tap(rng: np.random.Generator) -> Array:
    """A tap over a basin: a jet's hiss, a sink that resonates, and a few hundred bubbles a second."""
    length = seconds_of(rng, 4, 6)
    jet = hiss(rng, length, "bandpass", (rng.uniform(700, 2000), rng.uniform(4500, 7000)))
    flicker = np.exp(0.25 * wander(rng, length, 9))
    bubbles = peaked(_bubbles(rng, length, rng.uniform(120, 350), rng.uniform(350, 600), rng.uniform(2500, 4200)))
    basin = peaked(resonate(bubbles + 0.05 * jet, rng.uniform(180, 700), 0.04))
    return np.asarray(bubbles + rng.uniform(0.01, 0.08) * jet * flicker + rng.uniform(0.05, 0.4) * basin)


def stony_stream(rng: np.random.Generator) -> Array:
    """A stream over stones: chatter of bubbles in several places, each with its own range, level and pulse."""
    length = seconds_of(rng, 4, 6)
    out = np.zeros(length)
    for _ in range(rng.integers(2, 5)):
        low = rng.uniform(400, 1400)
        place = _bubbles(rng, length, rng.uniform(30, 160), low, low * rng.uniform(1.8, 3.5))
        out += rng.uniform(0.3, 1) * peaked(place) * np.exp(0.6 * wander(rng, length, 4))
    return np.asarray(peaked(out) + rng.uniform(0.004, 0.03) * hiss(rng, length, "bandpass", (500, 5000)))


def poured_glass(rng: np.random.Generator) -> Array:
    """Pouring: the air column above the liquid gets shorter, so its resonance climbs (a quarter of a wave, 343 m/s)."""
    length = seconds_of(rng, 3, 5)
    height = np.linspace(rng.uniform(0.12, 0.28), rng.uniform(0.02, 0.05), length)
    column = 343 / (4 * (height + 0.01)) * (1 + 0.01 * wander(rng, length, 8))
    splash = _bubbles(rng, length, rng.uniform(80, 250), 500, rng.uniform(2500, 4000))
    source = peaked(splash) + rng.uniform(0.02, 0.1) * hiss(rng, length, "bandpass", (400, 6000))
    sung = through_formants(source, [column, np.minimum(3 * column, 7000)], [60, 120])
    glug = 1 + rng.uniform(0, 0.9) * np.sin(2 * np.pi * np.cumsum(rng.uniform(4, 9) + wander(rng, length, 2)) / RATE)
    return np.asarray((peaked(sung) * rng.uniform(0.5, 2) + source) * glug)


def rolling_boil(rng: np.random.Generator) -> Array:
    """A pot at full boil: hundreds of fat bubbles a second, 150 to 1,200 Hz, the metal's rumble below them."""
    length = seconds_of(rng, 4, 6)
    bubbles = peaked(_bubbles(rng, length, rng.uniform(150, 450), rng.uniform(130, 220), rng.uniform(700, 1250)))
    surge = np.exp(0.4 * wander(rng, length, 3))
    rumble = hiss(rng, length, "lowpass", rng.uniform(120, 300))
    steam = hiss(rng, length, "highpass", rng.uniform(2000, 4500))
    return np.asarray(bubbles * surge + rng.uniform(0.03, 0.15) * rumble + rng.uniform(0, 0.02) * steam)


def simmering_pot(rng: np.random.Generator) -> Array:
    """Soup or porridge: separate plops, 150 to 700 Hz, in bouts, and the lid that taps now and then."""
    length = seconds_of(rng, 4, 6)
    plops = peaked(_bubbles(rng, length, rng.uniform(18, 70), rng.uniform(140, 240), rng.uniform(450, 800)))
    taps = (rng.random(length) < rng.uniform(0, 2) / RATE).astype(float)
    lid = peaked(resonate(taps, rng.uniform(1200, 3000), 0.06)) if taps.any() else taps
    rumble = hiss(rng, length, "bandpass", (60, 350)) * np.exp(0.5 * wander(rng, length, 6))
    return np.asarray(plops * np.exp(0.5 * wander(rng, length, 2)) + 0.15 * lid + rng.uniform(0.02, 0.12) * rumble)


def gusty_microphone(rng: np.random.Generator) -> Array:
    """Wind on a bare microphone: turbulence whose spectrum falls by 1/f^2 and steeper, in deep gusts."""
    length = seconds_of(rng, 5, 6)
    gusts = np.exp(rng.uniform(0.8, 1.4) * wander(rng, length, rng.uniform(0.4, 1.1)))
    flutter = np.exp(0.5 * wander(rng, length, rng.uniform(6, 15)))
    deep = hiss(rng, length, "lowpass", rng.uniform(60, 180)) + rng.uniform(0.1, 0.5) * hiss(
        rng, length, "lowpass", 450
    )
    blown = peaked(deep * gusts * flutter) * rng.uniform(0.8, 2.5)
    return np.asarray(np.tanh(blown) + rng.uniform(0, 0.02) * hiss(rng, length, "highpass", 1000) * peaked(gusts))


def howling_gap(rng: np.random.Generator) -> Array:
    """Wind at a window: noise through narrow resonances whose pitch climbs with the wind (Strouhal)."""
    length = seconds_of(rng, 5, 6)
    speed = np.exp(rng.uniform(0.35, 0.7) * wander(rng, length, rng.uniform(0.4, 0.9)))
    base = rng.uniform(250, 750)
    tracks = [np.clip(base * ratio * speed**0.5, 80, 5000) for ratio in (1.0, rng.uniform(1.5, 2.6))]
    howl = through_formants(rng.standard_normal(length), tracks, [rng.uniform(12, 50), rng.uniform(20, 80)])
    low = hiss(rng, length, "lowpass", rng.uniform(150, 400))
    return np.asarray(peaked(howl * speed**2) + rng.uniform(0.1, 0.4) * peaked(low * speed**2))
