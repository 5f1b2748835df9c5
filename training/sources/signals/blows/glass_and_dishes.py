"""Glass that breaks, dishes and glasses that ring, coins."""

from __future__ import annotations

import numpy as np

from training.settings import RATE
from training.sources.signals.tones import (
    FloatArray,
    band_noise,
    bursts,
    dying,
    log_uniform,
    peaked,
    place,
    puff,
    resonate,
    ringing,
    seconds_to_samples,
    sequence,
)


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
            puff(rng, rng.uniform(300, 2500), 7000, log_uniform(rng, 0.004, 0.04)) * rng.uniform(0.8, 3),
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
        chips = rng.standard_normal(samples) * (rng.random(samples) < 0.03 * dying(samples, rng.uniform(0.05, 0.3)))
        centres = rng.uniform(1800, 7300, 12)
        rings = resonate(chips, list(centres), list(np.exp(rng.uniform(np.log(8), np.log(80), 12))))
        blast = band_noise(rng, samples, rng.uniform(800, 3000), 7500) * dying(samples, rng.uniform(0.01, 0.12))
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
        place(out, puff(rng, 2000, 7500, 0.001) * 0.5, 0)
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
            place(out, puff(rng, 500, 7500, 0.0015) * level * rng.uniform(0.5, 1), int(start * RATE))
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
