"""Motors: aircraft, vacuum cleaners, shavers, and other machines."""

from __future__ import annotations

import numpy as np

from training.settings import RATE
from training.sources.signals.tones import (
    FloatArray,
    band_noise,
    harmonic_amplitudes,
    harmonic_tone,
    log_uniform,
    passing,
    peaked,
    place,
    pulses,
    resonate,
    rhythm,
    seconds_to_samples,
    sequence,
    shaped_noise,
    slow_wander,
)


def _doppler(rng: np.random.Generator, samples: int, moment: float, most: float) -> FloatArray:
    """The factor by which a pitch falls as its source goes by at `moment` (share of the whole)."""
    place_in_time = (np.linspace(0, 1, samples) - moment) / rng.uniform(0.05, 0.4)
    return np.asarray(1 - rng.uniform(0.01, most) * np.tanh(place_in_time))


def propeller(rng: np.random.Generator) -> FloatArray:
    """One to four propellers: the blades' rate and harmonics, beating, and the engines' roar; perhaps flying over."""
    samples = seconds_to_samples(6)
    level, moment = passing(rng, samples, rng.uniform(3, 25))
    shift, base = _doppler(rng, samples, moment, 0.2), log_uniform(rng, 55, 210)
    amplitudes = harmonic_amplitudes(rng, 30, rng.uniform(0.5, 1.4))
    tone = np.zeros(samples)
    for _ in range(rng.choice([1, 2, 4], p=[0.5, 0.4, 0.1])):
        drift = 1 + rng.uniform(-0.012, 0.012) + 0.003 * slow_wander(rng, samples, 0.7)
        tone += harmonic_tone(base * drift * shift, amplitudes)
    roar = shaped_noise(rng, samples, [40, 200, 1000, 8000], [-8, 0, -10, -35])
    return np.asarray((peaked(tone) + rng.uniform(0.1, 1.2) * roar) * level)


def propeller_pulses(rng: np.random.Generator) -> FloatArray:
    """The same from pulses: each blade's and exhaust's beat through the air's and the cabin's resonances."""
    samples = seconds_to_samples(6)
    level, moment = passing(rng, samples, rng.uniform(3, 20))
    track = log_uniform(rng, 55, 200) * _doppler(rng, samples, moment, 0.15) * (1 + 0.01 * slow_wander(rng, samples, 2))
    beats = pulses(track) + rng.uniform(0, 0.8) * pulses(track * rng.uniform(0.98, 1.02))
    beats *= 1 + 0.3 * rng.standard_normal(samples)
    body = peaked(resonate(beats, [110, rng.uniform(200, 500), rng.uniform(600, 2000)], [60, 150, 500]))
    return np.asarray((body + rng.uniform(0.1, 0.8) * band_noise(rng, samples, 60, rng.uniform(500, 2500))) * level)


def jet(rng: np.random.Generator) -> FloatArray:
    """A jet: a broad roar that darkens as it goes away, and the fan's whine, falling."""
    samples = seconds_to_samples(7)
    level, moment = passing(rng, samples, rng.uniform(5, 25))
    shift = _doppler(rng, samples, moment, 0.25)
    dark = shaped_noise(rng, samples, [40, 150, 500, 3000, 8000], [-6, 0, -4, -25, -50])
    bright = shaped_noise(rng, samples, [40, 300, 1500, 5000, 8000], [-15, -4, 0, -10, -20])
    roar = dark + rng.uniform(0.1, 1) * bright * level**1.5
    roar *= 1 + 0.4 * slow_wander(rng, samples, rng.uniform(2, 12))
    whine = harmonic_tone(log_uniform(rng, 900, 4000) * shift, np.array([1, rng.uniform(0, 0.6), rng.uniform(0, 0.4)]))
    return np.asarray((roar + rng.uniform(0, 0.35) * whine * level) * level)


def helicopter(rng: np.random.Generator) -> FloatArray:
    """The rotor chops the air 10 to 25 times a second: slaps of low noise, and the turbine above."""
    samples = seconds_to_samples(6)
    level, moment = passing(rng, samples, rng.uniform(3, 20))
    shift = _doppler(rng, samples, moment, 0.12)
    rate = rng.uniform(9, 26) * shift
    phase = np.cumsum(rate) / RATE % 1
    chop = np.exp(-phase * rng.uniform(2, 12)) + np.exp(-(1 - phase) * 40)
    noise = shaped_noise(rng, samples, [40, 120, 600, 3000, 8000], [-6, 0, rng.uniform(-14, -2), -22, -45])
    slap = peaked(resonate(pulses(rate), [rng.uniform(60, 120), rng.uniform(150, 400)], [40, 120]))
    turbine = harmonic_tone(log_uniform(rng, 500, 3000) * shift, np.array([1.0, 0.3]))
    return np.asarray(
        (noise * (rng.uniform(0, 0.4) + chop) + rng.uniform(0, 1.5) * slap + rng.uniform(0, 0.1) * turbine) * level
    )


def _run_up(rng: np.random.Generator, samples: int, base_hz: float) -> FloatArray:
    """A motor's speed: up from nothing at a drawn moment, steady, perhaps off at the end."""
    time = np.arange(samples) / RATE
    start = rng.choice([-3.0, rng.uniform(0, 1.5)], p=[0.6, 0.4])
    speed = 1 - np.exp(-np.maximum(time - start, 0) / rng.uniform(0.1, 0.5))
    if rng.random() < 0.25:
        speed *= np.exp(-np.maximum(time - samples / RATE + rng.uniform(0.5, 1.5), 0) / rng.uniform(0.2, 0.8))
    return np.asarray(base_hz * np.maximum(speed, 0.02))


def vacuum_cleaner(rng: np.random.Generator) -> FloatArray:
    """A universal motor's whine with its harmonics, and much air; the load changes as the nozzle moves."""
    samples = seconds_to_samples(6)
    track = _run_up(rng, samples, log_uniform(rng, 200, 720))
    load = slow_wander(rng, samples, rng.uniform(0.3, 1.5))
    speed = track / track.max()
    whine = harmonic_tone(
        track * (1 + rng.uniform(0, 0.06) * load), harmonic_amplitudes(rng, 24, rng.uniform(0.2, 1.2))
    )
    air = shaped_noise(rng, samples, [80, 300, 1200, 4000, 8000], list(rng.uniform(-14, 0, 4)) + [rng.uniform(-25, -5)])
    return np.asarray(peaked(whine) * speed + log_uniform(rng, 0.4, 3) * air * speed**2 * (1 + 0.3 * load))


def vacuum_cleaner_body(rng: np.random.Generator) -> FloatArray:
    """The same from brushes' pulses: jittered, through the housing's resonances, with air through the hose's."""
    samples = seconds_to_samples(6)
    track = _run_up(rng, samples, log_uniform(rng, 200, 700)) * (1 + 0.01 * slow_wander(rng, samples, 20))
    speed = track / track.max()
    housing = list(np.exp(rng.uniform(np.log(300), np.log(5000), 5)))
    motor = peaked(resonate(pulses(track), housing, list(rng.uniform(60, 500, 5))))
    hose = peaked(
        resonate(
            rng.standard_normal(samples),
            list(np.exp(rng.uniform(np.log(250), np.log(4500), 5))),
            list(rng.uniform(200, 2000, 5)),
        )
    )
    return np.asarray(motor * speed + rng.uniform(0.3, 2) * hose * speed**2)


def shaver(rng: np.random.Generator) -> FloatArray:
    """A small motor or swinging anchor: a rich, bright buzz that sinks and roughens when it touches."""
    samples = seconds_to_samples(5)
    base = rng.choice([100.0, 120.0, log_uniform(rng, 50, 300)])
    touch = np.clip(slow_wander(rng, samples, rng.uniform(0.5, 2.5)) * 2, 0, 1)
    track = base * (1 - rng.uniform(0, 0.2) * touch + 0.004 * slow_wander(rng, samples, 15))
    amplitudes = harmonic_amplitudes(rng, 45, rng.uniform(0.0, 0.7))
    tone = peaked(harmonic_tone(track, amplitudes)) * (1 - rng.uniform(-0.5, 0.6) * touch)
    scrape = band_noise(rng, samples, 2000, 7000) * touch * rng.uniform(0, 0.4)
    return np.asarray(tone + scrape + rng.uniform(0, 0.05) * rng.standard_normal(samples))


def toothbrush(rng: np.random.Generator) -> FloatArray:
    """An electric toothbrush: pulses through a hollow body, the mouth's resonance wandering, bristles' hiss in time."""
    samples = seconds_to_samples(5)
    track = log_uniform(rng, 60, 300) * (1 + 0.01 * slow_wander(rng, samples, rng.uniform(2, 20)))
    beat = pulses(track) * (1 + 0.1 * rng.standard_normal(samples))
    mouth, high = log_uniform(rng, 300, 1500), rng.uniform(2000, 5000)
    closed = peaked(resonate(beat, [mouth, high], [120, 400]))
    opened = peaked(resonate(beat, [mouth * rng.uniform(1.2, 2.5), high * 1.2], [150, 500]))
    way = 0.5 + 0.5 * slow_wander(rng, samples, rng.uniform(0.5, 3))
    hiss = rng.standard_normal(samples) * (0.5 + 0.5 * np.sin(2 * np.pi * np.cumsum(track) / RATE))
    return np.asarray(closed * way + opened * (1 - way) + rng.uniform(0, 0.12) * hiss)


def _clank(rng: np.random.Generator, low_hz: float, high_hz: float) -> FloatArray:
    """A part that strikes another."""
    samples = seconds_to_samples(0.08)
    return band_noise(rng, samples, low_hz, high_hz) * np.exp(
        -np.arange(samples) / RATE / log_uniform(rng, 0.002, 0.02)
    )


def machinery(rng: np.random.Generator) -> FloatArray:
    """A printer, a sewing machine, a press, a washing machine: clanks in a round, over a hum."""
    seconds, step = rng.uniform(4, 6), log_uniform(rng, 0.06, 0.7)
    out = np.zeros(seconds_to_samples(seconds))
    for _ in range(rng.integers(1, 5)):
        low = log_uniform(rng, 100, 2500)
        part = _clank(rng, low, low * rng.uniform(2, 5))
        for start in np.arange(rng.uniform(0, step), seconds, step):
            place(out, part * rng.uniform(0.7, 1), int(start * RATE))
    hum = harmonic_tone(np.full(len(out), log_uniform(rng, 45, 400)), harmonic_amplitudes(rng, 12, 1.0))
    return np.asarray(peaked(out) + rng.uniform(0, 0.4) * peaked(hum))


def hammering(rng: np.random.Generator) -> FloatArray:
    """Hammer and nail, a chisel, a workshop: hard blows at a worker's pace. No steps, no knock."""
    seconds = rng.uniform(4, 5.5)
    modes, widths = (
        list(np.exp(rng.uniform(np.log(300), np.log(6000), 6))),
        list(np.exp(rng.uniform(np.log(8), np.log(200), 6))),
    )

    def blow() -> FloatArray:
        contact = np.concatenate([_clank(rng, 300, 7000), np.zeros(3000)])
        return peaked(resonate(contact, modes, widths)) * rng.uniform(0.6, 1)

    return sequence(seconds, rhythm(rng, seconds, log_uniform(rng, 0.18, 0.9), 0.1), blow)


def rustling(rng: np.random.Generator) -> FloatArray:
    """Paper, plastic, cloth: crackling that comes in handfuls."""
    samples = seconds_to_samples(rng.uniform(4, 5.5))
    hands = np.maximum(slow_wander(rng, samples, rng.uniform(1.5, 6)), 0) ** rng.uniform(0.5, 2)
    cracks = rng.standard_t(2, samples) * (rng.random(samples) < log_uniform(rng, 0.005, 0.3)) * hands
    centre = log_uniform(rng, 1200, 5000)
    return peaked(resonate(np.clip(cracks, -8, 8), [centre, centre * 1.6], [centre * 0.7, centre]))


def traffic(rng: np.random.Generator) -> FloatArray:
    """A road: tyres' and engines' noise that swells as each car goes by. No wind, no aircraft."""
    samples = seconds_to_samples(7)
    out = 0.1 * shaped_noise(rng, samples, [40, 150, 900, 8000], [0, 0, -14, -45])
    for _ in range(rng.integers(1, 4)):
        level, _ = passing(rng, samples, 40)
        tyres = shaped_noise(rng, samples, [60, 300, 1000, 2500, 8000], [-14, -6, 0, -8, -30])
        track = rng.uniform(40, 130) * (1 + 0.02 * slow_wander(rng, samples, 1))
        hum = peaked(harmonic_tone(track, harmonic_amplitudes(rng, 12, 1.0)))
        place(out, (tyres + rng.uniform(0, 0.4) * hum) * level**2 * rng.uniform(0.3, 1), 0)
    return out


def shaver_noise(rng: np.random.Generator) -> FloatArray:
    """Clippers and foil shavers: bright noise that the blades cut to pieces, over the anchor's hum."""
    samples = seconds_to_samples(5)
    track = rng.choice([100.0, 120.0, log_uniform(rng, 50, 300)]) * (1 + 0.006 * slow_wander(rng, samples, 8))
    phase = 2 * np.pi * np.cumsum(track) / RATE
    cut = (0.5 + 0.5 * np.cos(phase)) ** rng.uniform(1, 8)
    low = log_uniform(rng, 400, 2500)
    blades = band_noise(rng, samples, low, min(low * rng.uniform(2, 6), 7500)) * cut
    touch = 1 + rng.uniform(0, 0.7) * slow_wander(rng, samples, rng.uniform(0.5, 3))
    hum = harmonic_tone(track, harmonic_amplitudes(rng, 12, rng.uniform(0.2, 1.2)))
    return np.asarray(peaked(blades) * touch + rng.uniform(0.2, 1.2) * peaked(hum))


def vacuum_cleaner_air(rng: np.random.Generator) -> FloatArray:
    """A vacuum cleaner in the next room: mostly air, with a few faint lines of the motor that shift with the load."""
    samples = seconds_to_samples(6)
    speed = _run_up(rng, samples, 1.0)
    load = 1 + rng.uniform(0, 0.08) * slow_wander(rng, samples, rng.uniform(0.3, 2))
    base, lines = log_uniform(rng, 200, 720), np.zeros(samples)
    for number in rng.choice(np.arange(1, 12), rng.integers(2, 6), replace=False):
        lines += rng.uniform(0.3, 1) * harmonic_tone(base * number * speed * load, np.ones(1))
    air = shaped_noise(rng, samples, [60, 250, 900, 2500, 8000], [-12, *rng.uniform(-8, 0, 3), rng.uniform(-30, -10)])
    return np.asarray((rng.uniform(0.08, 0.5) * peaked(lines) + air * (1 + 0.2 * slow_wander(rng, samples, 3))) * speed)
