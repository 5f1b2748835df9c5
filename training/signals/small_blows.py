"""Small blows: steps, falls, keys, clicks, snaps, glass and dishes."""

from __future__ import annotations

import numpy as np

from training.settings import RATE
from training.signals.tones import (
    FloatArray,
    arch,
    band_noise,
    bursts,
    harmonic_tone,
    log_uniform,
    peaked,
    place,
    resonate,
    rhythm,
    ringing,
    seconds_to_samples,
    sequence,
    shaped_noise,
)


def _dying(samples: int, seconds: float) -> FloatArray:
    """An exponential that falls to 1/e in the given time."""
    return np.asarray(np.exp(-np.arange(samples) / (seconds * RATE)))


def _puff(rng: np.random.Generator, low_hz: float, high_hz: float, fall_seconds: float) -> FloatArray:
    """A burst of noise in a band that dies away."""
    samples = seconds_to_samples(min(8 * fall_seconds, 1.0))
    return band_noise(rng, max(samples, 64), low_hz, high_hz) * _dying(max(samples, 64), fall_seconds)


def _grains(rng: np.random.Generator, seconds: float, count: int, low_hz: float, high_hz: float) -> FloatArray:
    """Many tiny cracks, thickest in the middle: gravel, snow, leaves, shards of wood."""
    out = np.zeros(seconds_to_samples(seconds))
    for _ in range(count):
        low, high = sorted(log_uniform(rng, low_hz, high_hz) for _ in range(2))
        crack = _puff(rng, low, high, log_uniform(rng, 5e-4, 5e-3))
        place(out, crack * rng.exponential(0.4), int(rng.beta(2, 2.5) * len(out)))
    return out


def hard_steps(rng: np.random.Generator) -> FloatArray:
    """Heels and soles on wood, stone or stairs: two blows per step, the left not quite like the right."""
    seconds, step = rng.uniform(4, 6), 1 / rng.uniform(1, 3.5)
    floor, fall = log_uniform(rng, 60, 300), log_uniform(rng, 0.02, 0.12)
    modes = floor * np.concatenate([[1], np.sort(rng.uniform(1.3, 14, 6))])
    bright, roll = rng.uniform(0, 1.2), rng.uniform(0.02, 0.12)

    def one() -> FloatArray:
        levels = rng.uniform(0.2, 1, 7) * (modes / floor) ** -rng.uniform(0.4, 1.0)
        heel = ringing(0.35, modes * rng.uniform(0.96, 1.04), levels, np.full(7, fall) * 2)
        place(heel, _puff(rng, 500, log_uniform(rng, 2000, 7000), 0.003) * bright, 0)
        place(heel, _puff(rng, 200, 3500, 0.015) * rng.uniform(0.05, 0.6), int(roll * rng.uniform(0.7, 1.3) * RATE))
        return heel * rng.uniform(0.5, 1)

    return sequence(seconds, rhythm(rng, seconds, step, rng.uniform(0.02, 0.12)), one)


def crunching_steps(rng: np.random.Generator) -> FloatArray:
    """Steps on gravel, snow or leaves: a crunch of many grains as the foot comes down and rolls off."""
    seconds, step = rng.uniform(4, 6), 1 / rng.uniform(1, 3)
    low, count = log_uniform(rng, 300, 1500), int(log_uniform(rng, 12, 70))
    high, length = low * rng.uniform(3, 8), rng.uniform(0.12, 0.45) * min(1, step * 1.5)

    def one() -> FloatArray:
        crunch = peaked(_grains(rng, length, count, low, high))
        place(crunch, _puff(rng, 50, 180, 0.03) * rng.uniform(0, 1), 0)
        return crunch * rng.uniform(0.5, 1)

    return sequence(seconds, rhythm(rng, seconds, step, 0.1), one)


def soft_steps(rng: np.random.Generator) -> FloatArray:
    """Trainers or bare feet: a dull pat, and the sole that brushes the floor."""
    seconds, step = rng.uniform(4, 6), 1 / rng.uniform(1, 3.5)
    body, brush = log_uniform(rng, 90, 400), rng.uniform(0, 0.6)

    def one() -> FloatArray:
        out = np.zeros(seconds_to_samples(0.4))
        place(out, _puff(rng, body * 0.6, body * rng.uniform(1.5, 5), rng.uniform(0.012, 0.04)), 0)
        scrape = band_noise(rng, seconds_to_samples(0.12), 800, 6000) * np.hanning(seconds_to_samples(0.12))
        place(out, scrape * brush * rng.uniform(0.3, 1), int(rng.uniform(0, 0.15) * RATE))
        return out * rng.uniform(0.5, 1)

    return sequence(seconds, rhythm(rng, seconds, step, rng.uniform(0.02, 0.15)), one)


def heavy_fall(rng: np.random.Generator) -> FloatArray:
    """A bag, a body or a book comes down: low modes, at once damped, and a floor that gives way a little."""

    def one() -> FloatArray:
        modes = log_uniform(rng, 35, 150) * np.concatenate([[1], np.sort(rng.uniform(1.2, 4, 4))])
        blow = ringing(0.5, modes, rng.uniform(0.3, 1, 5), np.full(5, log_uniform(rng, 0.08, 0.35)))
        place(blow, _puff(rng, 80, log_uniform(rng, 250, 900), rng.uniform(0.01, 0.05)) * rng.uniform(0.1, 1), 0)
        place(blow, _puff(rng, 60, 400, 0.04) * rng.uniform(0, 0.5), int(rng.uniform(0.05, 0.2) * RATE))
        return blow * rng.uniform(0.5, 1)

    seconds = rng.uniform(3, 5)
    return sequence(seconds, bursts(rng, seconds, (1, 2), rng.uniform(0.2, 0.9), 1.2), one)


def dull_blow(rng: np.random.Generator) -> FloatArray:
    """A fist on a mattress, a soft door: a pitch that drops as it dies, wrapped in low noise."""
    base = log_uniform(rng, 45, 130)

    def one() -> FloatArray:
        samples = seconds_to_samples(rng.uniform(0.15, 0.5))
        drop = base * (1 + rng.uniform(0, 1.5) * _dying(samples, rng.uniform(0.01, 0.05)))
        body = harmonic_tone(drop, np.array([1, rng.uniform(0, 0.4)])) * _dying(samples, rng.uniform(0.03, 0.12))
        cloth = shaped_noise(rng, samples, [50, 250, 1500, 8000], [0, -3, -rng.uniform(15, 40), -60])
        return (body + rng.uniform(0.1, 2) * cloth * _dying(samples, rng.uniform(0.015, 0.07))) * rng.uniform(0.6, 1)

    seconds = rng.uniform(3, 5)
    return sequence(seconds, bursts(rng, seconds, (1, 3), rng.uniform(0.3, 1.0), 1.0), one)


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
        place(out, _puff(rng, low * rng.uniform(0.7, 1.3), high, fall), 0)
        place(out, _puff(rng, low, high, fall * 0.7) * rng.uniform(0.1, 0.6), int(back * RATE))
        return out * rng.uniform(0.3, 1)

    seconds = rng.uniform(3, 5)
    return sequence(seconds, _typing_times(rng, seconds), key)


def typewriter(rng: np.random.Generator) -> FloatArray:
    """Type bars that strike the roller, and the carriage's notch after each."""
    roller, bar = log_uniform(rng, 250, 700), log_uniform(rng, 1200, 3500)

    def key() -> FloatArray:
        out = resonate(
            np.concatenate([_puff(rng, 200, 7000, 0.002), np.zeros(2400)]), [roller, bar, bar * 1.9], [90, 200, 300]
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
        snap = np.concatenate([_puff(rng, 400, 7500, fall), np.zeros(500)])
        return peaked(resonate(snap, shell, [bandwidth, bandwidth * 1.5])) * rng.uniform(0.6, 1)

    seconds = rng.uniform(2.5, 4)
    return sequence(seconds, _few_times(rng, seconds), click)


def finger_snap(rng: np.random.Generator) -> FloatArray:
    """The finger hits the palm: a short burst through the hollow of the hand, alone or in a beat."""
    hertz, fall, bandwidth = log_uniform(rng, 1200, 4000), log_uniform(rng, 0.002, 0.01), log_uniform(rng, 80, 500)
    slide = rng.uniform(0, 0.3)

    def snap() -> FloatArray:
        burst = np.concatenate([_puff(rng, 600, 7500, fall), np.zeros(600)])
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
        pop = harmonic_tone(track, np.array([1, rng.uniform(0.1, 0.6), rng.uniform(0, 0.3)])) * _dying(samples, fall)
        place(pop, _puff(rng, 800, 7500, 0.0015) * rng.uniform(0.2, 1.2), 0)
        return pop * rng.uniform(0.6, 1)

    seconds = rng.uniform(3, 5)
    steady = rhythm(rng, seconds, rng.uniform(0.35, 1.1), 0.04)
    return sequence(seconds, steady if rng.random() < 0.6 else _few_times(rng, seconds), snap)


def _shard(rng: np.random.Generator) -> FloatArray:
    """A splinter that falls: a few bright modes, ringing as briefly as it is small."""
    hertz = log_uniform(rng, 1500, 7000)
    modes = hertz * np.concatenate([[1], rng.uniform(1.1, 2.5, rng.integers(1, 4))])
    decay = log_uniform(rng, 0.03, 0.35)
    return ringing(decay, modes, rng.uniform(0.3, 1, len(modes)), np.full(len(modes), decay))


def glass_shower(rng: np.random.Generator) -> FloatArray:
    """A pane or a bottle: the hit, then tens of ringing shards, thick at first and thinning out."""
    out = np.zeros(seconds_to_samples(rng.uniform(3, 4.5)))
    for start in bursts(rng, len(out) / RATE, (1, 1), 1.0, rng.uniform(1.5, 3)):
        place(
            out,
            _puff(rng, rng.uniform(300, 2500), 7000, log_uniform(rng, 0.004, 0.04)) * rng.uniform(0.8, 3),
            int(start * RATE),
        )
        spread = rng.uniform(0.08, 0.5)
        for _ in range(int(log_uniform(rng, 20, 120))):
            late = rng.exponential(spread)
            place(out, _shard(rng) * rng.exponential(0.5) * np.exp(-late), int((start + late) * RATE))
    return out


def glass_crash(rng: np.random.Generator) -> FloatArray:
    """The same as a crash: bright noise in many little bursts through ringing resonances, and a tinkling end."""
    out = np.zeros(seconds_to_samples(rng.uniform(3, 4.5)))
    for start in bursts(rng, len(out) / RATE, (1, 1), 1.0, rng.uniform(1.5, 3)):
        samples = seconds_to_samples(rng.uniform(0.5, 1.6))
        chips = rng.standard_normal(samples) * (rng.random(samples) < 0.03 * _dying(samples, rng.uniform(0.05, 0.3)))
        centres = rng.uniform(1800, 7300, 12)
        rings = resonate(chips, list(centres), list(np.exp(rng.uniform(np.log(8), np.log(80), 12))))
        blast = band_noise(rng, samples, rng.uniform(800, 3000), 7500) * _dying(samples, rng.uniform(0.01, 0.12))
        place(out, peaked(rings) + rng.uniform(0.2, 1.5) * blast, int(start * RATE))
    return out


def cutlery(rng: np.random.Generator) -> FloatArray:
    """Knife and fork on plates: brief bright rings of the steel, the plate's dull mode below."""
    steel, plate = rng.uniform(1800, 7000, 8), log_uniform(rng, 500, 2200)

    def tap() -> FloatArray:
        modes = np.concatenate([rng.choice(steel, 3), [plate, plate * 2.4]])
        decays = np.concatenate([np.full(3, log_uniform(rng, 0.05, 0.4)), np.full(2, rng.uniform(0.02, 0.12))])
        return ringing(0.35, modes, rng.uniform(0.1, 1, 5), decays) * log_uniform(rng, 0.2, 1)

    seconds = rng.uniform(3, 5)
    return sequence(seconds, bursts(rng, seconds, (1, 5), rng.uniform(0.06, 0.3), rng.uniform(0.2, 0.9)), tap)


def clinking_glasses(rng: np.random.Generator) -> FloatArray:
    """Glasses touched together: two bodies ring, wine glasses long, tumblers short."""
    decay = log_uniform(rng, 0.15, 1.6)
    glasses = [log_uniform(rng, 900, 3800) for _ in range(rng.integers(2, 6))]

    def clink() -> FloatArray:
        pair = rng.choice(glasses, 2)
        modes = np.concatenate([each * np.array([1, 2.3, 4.1]) for each in pair]) * rng.uniform(0.99, 1.01, 6)
        out = ringing(min(decay, 1.2), modes, rng.uniform(0.2, 1, 6) * np.tile([1, 0.6, 0.3], 2), np.full(6, decay))
        place(out, _puff(rng, 2000, 7500, 0.001) * 0.5, 0)
        return out * rng.uniform(0.4, 1)

    seconds = rng.uniform(3, 5)
    return sequence(seconds, bursts(rng, seconds, (1, 3), rng.uniform(0.15, 0.5), 0.8), clink)


def stacked_dishes(rng: np.random.Generator) -> FloatArray:
    """Crockery put together: ceramic bodies through resonators, rattling as they settle."""
    centres = list(rng.uniform(900, 6500, 6))
    widths = list(np.exp(rng.uniform(np.log(12), np.log(120), 6)))

    def rattle() -> FloatArray:
        out, gap, start = np.zeros(seconds_to_samples(0.8)), rng.uniform(0.03, 0.15), 0.0
        for level in np.exp(-np.arange(rng.integers(1, 7)) * 0.5):
            place(out, _puff(rng, 500, 7500, 0.0015) * level * rng.uniform(0.5, 1), int(start * RATE))
            start, gap = start + gap, gap * rng.uniform(0.6, 1)
        return peaked(resonate(out, centres, widths)) * rng.uniform(0.3, 1)

    seconds = rng.uniform(3, 5)
    return sequence(seconds, bursts(rng, seconds, (1, 3), 0.25, 0.7), rattle)


def coins_and_keys(rng: np.random.Generator) -> FloatArray:
    """Small metal that is shaken or dropped: dense, very bright. Neither bells nor dishes."""
    bodies = [rng.uniform(3000, 7500, 4) for _ in range(6)]

    def hit() -> FloatArray:
        modes = bodies[rng.integers(6)]
        return ringing(0.15, modes, rng.uniform(0.2, 1, 4), np.full(4, log_uniform(rng, 0.02, 0.15))) * rng.exponential(
            0.5
        )

    seconds = rng.uniform(3, 5)
    return sequence(seconds, bursts(rng, seconds, (4, 25), rng.uniform(0.01, 0.06), rng.uniform(0.1, 0.8)), hit)


def bouncing_ball(rng: np.random.Generator) -> FloatArray:
    """A ball: the same hollow blow at ever shorter times, or a game's. Neither a step nor a knock."""
    modes = log_uniform(rng, 90, 900) * np.array([1, 1.6, 2.4, 5.2])
    levels, falls = rng.uniform(0.2, 1, 4), np.full(4, log_uniform(rng, 0.03, 0.15))
    out, time, step = np.zeros(seconds_to_samples(5)), rng.uniform(0, 0.5), rng.uniform(0.4, 1.0)
    while time < 5 and step > 0.03:
        place(out, ringing(0.2, modes, levels, falls) * step, int(time * RATE))
        time, step = time + step, step * rng.uniform(0.72, 0.85)
        if step < 0.06 and rng.random() < 0.7:
            time, step = time + rng.uniform(0.2, 0.8), rng.uniform(0.4, 1.0)
    return out


def box_thud(rng: np.random.Generator) -> FloatArray:
    """A crate, a car door, a trunk lid, furniture set down: the hollow inside answers, then settles once more."""
    hollow = log_uniform(rng, 55, 240)
    centres, widths = [hollow, hollow * rng.uniform(1.4, 2.2), hollow * 3.1], list(rng.uniform(12, 60, 3))

    def one() -> FloatArray:
        hit = np.zeros(seconds_to_samples(0.6))
        place(hit, _puff(rng, 30, log_uniform(rng, 200, 1000), rng.uniform(0.003, 0.02)), 0)
        if rng.random() < 0.4:
            place(hit, 0.5 * _puff(rng, 30, 400, 0.01), int(rng.uniform(0.06, 0.25) * RATE))
        return peaked(resonate(hit, centres, widths)) * rng.uniform(0.6, 1)

    seconds = rng.uniform(3, 5)
    return sequence(seconds, bursts(rng, seconds, (1, 2), rng.uniform(0.3, 1.0), 1.0), one)


def finger_snap_noise(rng: np.random.Generator) -> FloatArray:
    """The same as bare noise in a band, one octave or less wide: snaps heard from across a room."""
    hertz, fall = log_uniform(rng, 1300, 3800), log_uniform(rng, 0.002, 0.009)
    width = rng.uniform(1.1, 1.6)

    def snap() -> FloatArray:
        out = np.zeros(seconds_to_samples(0.1))
        place(out, _puff(rng, hertz / width, hertz * width, fall), 0)
        place(out, _puff(rng, 2000, 7500, 0.0008) * rng.uniform(0, 1), 0)
        return out * rng.uniform(0.6, 1)

    seconds = rng.uniform(3, 5)
    steady = rhythm(rng, seconds, rng.uniform(0.35, 1.1), 0.05)
    return sequence(seconds, steady if rng.random() < 0.6 else _few_times(rng, seconds), snap)
