"""Water that runs and boils, wind, rain and surf: noise with a grain."""

from __future__ import annotations

import numpy as np
from scipy.signal import lfilter

from training.settings import RATE
from training.sources.signals.tones import (
    FloatArray,
    band_noise,
    fade,
    log_uniform,
    peaked,
    place,
    resonate,
    seconds_to_samples,
    shaped_noise,
    slow_wander,
)


def bubble(rng: np.random.Generator, low_hz: float, high_hz: float) -> FloatArray:
    """A bubble: a damped tone that rises as it nears the surface.

    Minnaert: pitch is 3 m/s over the radius; damping and rise follow van den Doel, Physically based models for liquid
    sounds (2005), with wider limits.
    """
    hertz = log_uniform(rng, low_hz, high_hz)
    damping = 0.043 * hertz + 0.0014 * hertz**1.5 + rng.uniform(0, 20)
    time = np.arange(seconds_to_samples(min(0.25, 5 / damping))) / RATE
    rise = 1 + rng.uniform(0, 3) * damping * 0.1 * time
    tone = np.sin(2 * np.pi * hertz * np.cumsum(rise) / RATE) * np.exp(-damping * time)
    return fade(np.asarray(tone), 0.001, 0.002)


def _bubbles(rng: np.random.Generator, seconds: float, rate: float, low_hz: float, high_hz: float) -> FloatArray:
    """Bubbles at random moments, `rate` a second, their loudness heavy-tailed; peak 1."""
    out = np.zeros(seconds_to_samples(seconds))
    for _ in range(int(rate * seconds)):
        place(out, bubble(rng, low_hz, high_hz) * rng.exponential(1) ** 1.5, int(rng.random() * len(out)))
    return peaked(out)


def tap(rng: np.random.Generator) -> FloatArray:
    """A tap that runs into a basin: a jet's bright noise, and many bubbles."""
    seconds = rng.uniform(4, 5.5)
    water = _bubbles(rng, seconds, log_uniform(rng, 40, 400), rng.uniform(350, 900), rng.uniform(2500, 5000))
    jet = shaped_noise(rng, len(water), [100, 600, 2500, 8000], [-30, rng.uniform(-15, -3), 0, rng.uniform(-12, 0)])
    jet *= 1 + 0.3 * slow_wander(rng, len(water), rng.uniform(5, 40))
    return np.asarray(water + log_uniform(rng, 0.05, 0.8) * jet)


def brook(rng: np.random.Generator) -> FloatArray:
    """A stream: bubbles of all sizes, in knots that come and go, with little else."""
    seconds = rng.uniform(4, 5.5)
    small = _bubbles(rng, seconds, log_uniform(rng, 80, 500), 800, 4500)
    large = _bubbles(rng, seconds, log_uniform(rng, 10, 60), 250, 1200)
    knots = 0.6 + 0.4 * slow_wander(rng, len(small), rng.uniform(1, 6))
    bed = shaped_noise(rng, len(small), [100, 800, 3000, 8000], list(rng.uniform(-18, 0, 4)))
    return np.asarray(small * knots + rng.uniform(0.2, 1) * large + rng.uniform(0.02, 0.25) * bed)


def pouring(rng: np.random.Generator) -> FloatArray:
    """A glass, a bottle or a bath that fills: gurgles in a cavity whose pitch climbs as it gets smaller."""
    seconds = rng.uniform(3.5, 5.5)
    gurgle = _bubbles(rng, seconds, log_uniform(rng, 25, 200), 400, 3000)
    splash = band_noise(rng, len(gurgle), 800, 6500) * (0.6 + 0.4 * slow_wander(rng, len(gurgle), 12))
    both = gurgle + rng.uniform(0.05, 0.5) * splash
    low = log_uniform(rng, 300, 900)
    small, full = resonate(both, [low], [150]), resonate(both, [low * rng.uniform(1.5, 3.5)], [200])
    climb = np.linspace(0, 1, len(both)) * rng.uniform(0.3, 1)
    return peaked(small * (1 - climb) + full * climb) + rng.uniform(0.2, 1) * peaked(both)


def shower(rng: np.random.Generator) -> FloatArray:
    """Jets that splash: dense ticks of drops, bright noise that flickers, bubbles and gushes now and then."""
    seconds = rng.uniform(4, 5.5)
    samples = seconds_to_samples(seconds)
    ticks = rng.standard_normal(samples) ** 3 * (rng.random(samples) < log_uniform(rng, 0.02, 0.2))
    spray = peaked(resonate(ticks, list(rng.uniform(1500, 6000, 4)), list(rng.uniform(800, 2500, 4))))
    gush = 1 + rng.uniform(0.1, 0.6) * slow_wander(rng, samples, rng.uniform(2, 9))
    drops = _bubbles(rng, seconds, log_uniform(rng, 30, 200), 500, 4000)
    return np.asarray(spray * gush + rng.uniform(0.4, 1.5) * drops)


def pot_boiling(rng: np.random.Generator) -> FloatArray:
    """A rolling boil: dense low bubbles over the pot's rumble."""
    seconds = rng.uniform(4, 5.5)
    roll = _bubbles(rng, seconds, log_uniform(rng, 30, 250), rng.uniform(120, 220), rng.uniform(500, 1200))
    rumble = shaped_noise(rng, len(roll), [40, 150, 700, 4000], [-12, 0, rng.uniform(-16, -4), -45])
    rumble *= 1 + 0.5 * slow_wander(rng, len(roll), rng.uniform(3, 15))
    return np.asarray(roll + log_uniform(rng, 0.1, 0.8) * rumble)


def kettle_boiling(rng: np.random.Generator) -> FloatArray:
    """A kettle: thumps of collapsing steam, through the kettle's body, that grow as it comes to the boil."""
    samples = seconds_to_samples(rng.uniform(4, 5.5))
    collapses = rng.exponential(1, samples) * (rng.random(samples) < log_uniform(rng, 60, 600) / RATE)
    thumps = lfilter([1], [1, -np.exp(-1 / (RATE * rng.uniform(0.001, 0.005)))], collapses)
    body = list(np.exp(rng.uniform(np.log(150), np.log(1200), 4)))
    boil = peaked(resonate(thumps, body, list(rng.uniform(40, 200, 4))))
    steam = shaped_noise(rng, samples, [100, 1000, 4000, 8000], [-10, -6, 0, -6]) * rng.uniform(0, 0.12)
    return (boil + steam) * np.linspace(rng.uniform(0.3, 1), 1, samples)


def buffeting(rng: np.random.Generator) -> FloatArray:
    """Wind that strikes the microphone: bursts of the lowest noise, now and then clipped."""
    samples = seconds_to_samples(6)
    low = shaped_noise(rng, samples, [20, 90, 300, 1000, 8000], [0, 0, -12, -30, -60])
    gusts = np.maximum(slow_wander(rng, samples, rng.uniform(1, 7)) + rng.uniform(0, 0.6), 0) ** rng.uniform(1, 2.5)
    blown = low * (gusts + 0.03)
    return np.asarray(np.clip(blown, -1, 1) if rng.random() < 0.7 else np.tanh(blown / np.abs(blown).max() * 4))


def howling_wind(rng: np.random.Generator) -> FloatArray:
    """Wind at a chimney, a gap, a wire: a narrow band that climbs and swells with each gust, over the low roar."""
    samples = seconds_to_samples(6)
    gust = slow_wander(rng, samples, rng.uniform(0.3, 1.5))
    out = shaped_noise(rng, samples, [30, 200, 600, 8000], [0, -3, -14, -55]) * 10 ** (gust * rng.uniform(4, 10) / 20)
    centre = log_uniform(rng, 300, 1100)
    step = samples // 24
    for start in range(0, samples, step):
        pitch = centre * (1 + 0.4 * gust[start])
        whistle = resonate(rng.standard_normal(2 * step), [pitch], [pitch * rng.uniform(0.02, 0.08)])
        level = rng.uniform(0.3, 0.5) * 10 ** (gust[start] * 12 / 20)
        place(out, peaked(whistle) * np.hanning(2 * step) * level, start)
    return out


def wind_in_trees(rng: np.random.Generator) -> FloatArray:
    """Gusts through leaves: the roar below, and above it a rustle that follows with the gust."""
    samples = seconds_to_samples(6)
    gust = 10 ** (slow_wander(rng, samples, rng.uniform(0.4, 1.2)) * rng.uniform(6, 14) / 20)
    roar = shaped_noise(rng, samples, [30, 250, 500, 8000], [0, 0, -8, -40])
    leaves = rng.standard_normal(samples) * (rng.random(samples) < 0.2)
    rustle = peaked(resonate(leaves, [1500, 3000, 5000], [1200, 1800, 2500]))
    return np.asarray(roar * gust + rng.uniform(0, 0.12) * rustle * gust**1.5)


def rain(rng: np.random.Generator) -> FloatArray:
    """Rain on leaves, roofs, windows: ticks without pitch, sparse or a hiss. Not water that runs."""
    samples = seconds_to_samples(5)
    ticks = (
        rng.standard_normal(samples) * rng.exponential(1, samples) * (rng.random(samples) < log_uniform(rng, 5e-4, 0.1))
    )
    surface = resonate(ticks, list(rng.uniform(300, 6500, 3)), list(rng.uniform(400, 2500, 3)))
    bed = shaped_noise(rng, samples, [100, 1000, 4000, 8000], [-25, rng.uniform(-15, 0), 0, rng.uniform(-12, 0)])
    return np.asarray(peaked(surface) + log_uniform(rng, 0.01, 1) * bed)


def surf(rng: np.random.Generator) -> FloatArray:
    """Waves on a beach: broad noise that swells every few seconds and brightens as it breaks."""
    samples = seconds_to_samples(7)
    time = np.arange(samples) / RATE / rng.uniform(2.5, 7) + rng.random()
    wave = ((time % 1) ** rng.uniform(1, 3)) * (1 - (time % 1) ** 12)
    dark, bright = (
        shaped_noise(rng, samples, [50, 400, 3000, 8000], gains) for gains in ([0, 0, -14, -35], [-20, -6, 0, -8])
    )
    return np.asarray(dark * (0.2 + wave) + rng.uniform(0.3, 1) * bright * wave**2)


def drips(rng: np.random.Generator) -> FloatArray:
    """A tap that drips: a lone bubble every second or so. Water, but not running."""
    out, time, step = np.zeros(seconds_to_samples(5)), rng.uniform(0, 0.8), log_uniform(rng, 0.25, 1.5)
    while time < 5:
        place(out, bubble(rng, 500, 2500), int(time * RATE))
        time += step * rng.uniform(0.9, 1.1)
    return out


def simmering(rng: np.random.Generator) -> FloatArray:
    """Sauce or porridge: plops, each a burst of low noise through a small cavity, and their patter on the lid."""
    seconds = rng.uniform(4, 5.5)
    out = np.zeros(seconds_to_samples(seconds))
    low = log_uniform(rng, 150, 350)
    for _ in range(int(seconds * log_uniform(rng, 12, 90))):
        samples = seconds_to_samples(rng.uniform(0.02, 0.09))
        centre = log_uniform(rng, low, min(low * 5, 1200))
        plop = resonate(
            rng.standard_normal(samples) * np.hanning(samples) ** 2, [centre], [centre * rng.uniform(0.08, 0.3)]
        )
        place(out, peaked(plop) * rng.exponential(0.5), int(rng.random() * len(out)))
    rumble = band_noise(rng, len(out), 60, rng.uniform(250, 600)) * (1 + 0.5 * slow_wander(rng, len(out), 8))
    return peaked(out) + log_uniform(rng, 0.05, 0.6) * rumble


def bath_filling(rng: np.random.Generator) -> FloatArray:
    """A strong jet into much water: gushing low bubbles and a roar that breathes with them."""
    seconds = rng.uniform(4, 5.5)
    large = _bubbles(rng, seconds, log_uniform(rng, 60, 300), 200, 1500)
    small = _bubbles(rng, seconds, log_uniform(rng, 60, 500), 1000, 5000)
    gush = np.convolve(np.abs(large), np.hanning(1601) / 800, "same")
    roar = shaped_noise(rng, len(large), [80, 300, 1200, 4000, 8000], [-14, -3, 0, rng.uniform(-12, 0), -18])
    return large + rng.uniform(0.2, 1) * small + roar * (0.2 + peaked(gush)) * rng.uniform(0.1, 0.8)
