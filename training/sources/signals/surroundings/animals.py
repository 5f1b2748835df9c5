"""Animals that have a tag (dogs, cats, birds, mosquitoes), and some that have none."""

from __future__ import annotations

import numpy as np

from training.settings import RATE
from training.sources.signals.tones import (
    FloatArray,
    arch,
    band_noise,
    bursts,
    fade,
    harmonic_amplitudes,
    harmonic_tone,
    log_uniform,
    passing,
    peaked,
    place,
    pulses,
    resonate,
    seconds_to_samples,
    sequence,
    slow_wander,
    voiced,
)


def _rough(rng: np.random.Generator, track: FloatArray, depth: float) -> FloatArray:
    """A level that shakes at half the pitch (subharmonics) and at random: a rough voice."""
    half = np.sin(np.pi * np.cumsum(track) / RATE)
    return np.asarray(1 + depth * half + 0.5 * depth * slow_wander(rng, len(track), rng.uniform(40, 150)))


def dog_bark(rng: np.random.Generator) -> FloatArray:
    """Barks of one dog: a rough voice that jumps up and falls, the mouth opening and closing, breath in it."""
    base, size = log_uniform(rng, 250, 1000), log_uniform(rng, 0.75, 1.5)
    length, depth, breath = rng.uniform(0.09, 0.3), rng.uniform(0.1, 0.9), rng.uniform(0.05, 0.8)
    tilt = rng.uniform(0.2, 1.0)

    def bark() -> FloatArray:
        samples = seconds_to_samples(length * rng.uniform(0.8, 1.2))
        track = base * rng.uniform(0.9, 1.1) * arch(samples, [0.8, 1.15, 1, rng.uniform(0.45, 0.8)], [0, 0.15, 0.4, 1])
        track = track * (1 + 0.04 * slow_wander(rng, samples, 150))
        mouth = arch(samples, [500, rng.uniform(900, 1400), 500], [0, 0.35, 1]) * size
        voice = voiced(track, [mouth, rng.uniform(1600, 2600) * size], 0.5, tilt) * _rough(rng, track, depth)
        voice += breath * band_noise(rng, samples, 600 * size, min(4000 * size, 7000)) * arch(samples, [0.5, 1, 0.5])
        return fade(voice, rng.uniform(0.005, 0.03), length * rng.uniform(0.3, 0.6)) * rng.uniform(0.6, 1)

    seconds = rng.uniform(3.5, 5.5)
    return sequence(seconds, bursts(rng, seconds, (1, 5), rng.uniform(0.25, 0.8), rng.uniform(0.3, 1.5)), bark)


def dog_bark_pulses(rng: np.random.Generator) -> FloatArray:
    """The same by pulses and noise through a throat: gruff large dogs, yapping small ones."""
    base, length = log_uniform(rng, 200, 900), rng.uniform(0.08, 0.28)
    throat = np.array([rng.uniform(450, 900), rng.uniform(1100, 1900), rng.uniform(2300, 3400)]) * log_uniform(
        rng, 0.8, 1.4
    )
    jitter, noise = rng.uniform(0.02, 0.3), rng.uniform(0.0, 0.3)

    def bark() -> FloatArray:
        samples = seconds_to_samples(length * rng.uniform(0.8, 1.2))
        fall = base * arch(samples, [rng.uniform(0.7, 1.1), 1.2, rng.uniform(0.5, 0.9)], [0, 0.2, 1])
        source = pulses(fall * (1 + jitter * slow_wander(rng, samples, 200))) + noise * rng.standard_normal(samples)
        source *= np.maximum(arch(samples, [0, 1, 0.7, 0], [0, rng.uniform(0.05, 0.25), 0.5, 1]), 0)
        return peaked(resonate(source, list(throat), list(throat * rng.uniform(0.1, 0.3)))) * rng.uniform(0.6, 1)

    seconds = rng.uniform(3.5, 5.5)
    return sequence(seconds, bursts(rng, seconds, (1, 6), rng.uniform(0.22, 0.8), rng.uniform(0.3, 1.5)), bark)


def dog_howl(rng: np.random.Generator) -> FloatArray:
    """Howls, whines and growls: a dog, but not barking."""
    seconds = rng.uniform(3, 5)
    samples = seconds_to_samples(seconds * rng.uniform(0.4, 0.9))
    base = rng.choice([log_uniform(rng, 60, 120), log_uniform(rng, 300, 1200)])
    track = base * arch(samples, [0.7, 1.1, 1, 0.7]) * (1 + 0.02 * slow_wander(rng, samples, 6))
    call = voiced(track, [rng.uniform(500, 1000), rng.uniform(1200, 2500)], 0.5, 0.8) * _rough(
        rng, track, rng.uniform(0, 0.6)
    )
    return sequence(seconds, [rng.uniform(0, 0.3)], lambda: fade(call, 0.1, 0.3))


def cat_meow(rng: np.random.Generator) -> FloatArray:
    """Meows: the pitch rises and falls, the mouth opens and closes: m, ee, ow."""
    base, size = log_uniform(rng, 300, 800), log_uniform(rng, 0.85, 1.3)
    tilt, width = rng.uniform(0.3, 1.1), rng.uniform(0.3, 0.55)

    def meow() -> FloatArray:
        samples = seconds_to_samples(rng.uniform(0.4, 1.3))
        peak = rng.uniform(0.25, 0.6)
        track = base * arch(
            samples, [rng.uniform(0.7, 0.95), rng.uniform(1.1, 1.5), rng.uniform(0.6, 0.95)], [0, peak, 1]
        )
        track = track * (1 + 0.01 * slow_wander(rng, samples, 20))
        low = arch(samples, [450, rng.uniform(900, 1400), rng.uniform(500, 800)], [0, peak, 1]) * size
        high = arch(samples, [1500, rng.uniform(2200, 3000), rng.uniform(1000, 1400)], [0, peak * 0.8, 1]) * size
        voice = voiced(track, [low, high, 4000 * size], width, tilt) * _rough(rng, track, rng.uniform(0, 0.3))
        return voice * arch(samples, [0, 0.5, 1, 0.8, 0], [0, 0.15, peak, 0.7, 1]) * rng.uniform(0.6, 1)

    seconds = rng.uniform(3.5, 5.5)
    return sequence(seconds, bursts(rng, seconds, (1, 2), rng.uniform(0.9, 1.6), 0.8), meow)


def cat_meow_pulses(rng: np.random.Generator) -> FloatArray:
    """The same by pulses through a mouth that goes from shut to open to round: kittens mew, old cats drawl."""
    base, size, breath = log_uniform(rng, 280, 900), log_uniform(rng, 0.85, 1.4), rng.uniform(0, 0.15)
    shut, opened, round_ = (np.array(each) * size for each in ([350, 1200], [950, 2600], [600, 1150]))

    def meow() -> FloatArray:
        samples = seconds_to_samples(rng.uniform(0.35, 1.2))
        track = base * arch(samples, [0.8, rng.uniform(1.0, 1.4), rng.uniform(0.7, 1.0)], [0, rng.uniform(0.2, 0.6), 1])
        source = (
            pulses(track * (1 + 0.015 * slow_wander(rng, samples, 40))) + breath * rng.standard_normal(samples) * 0.3
        )
        parts = [peaked(resonate(source, list(mouth), [120, 250])) for mouth in (shut, opened, round_)]
        turns = ([1, 0.2, 0], [0, 1, 0.1], [0, 0.1, 1])
        mixed = sum(part * arch(samples, turn) for part, turn in zip(parts, turns, strict=True))
        return fade(np.asarray(mixed), 0.05, 0.15) * rng.uniform(0.6, 1)

    seconds = rng.uniform(3.5, 5.5)
    return sequence(seconds, bursts(rng, seconds, (1, 2), rng.uniform(0.8, 1.6), 0.8), meow)


def bird_trill(rng: np.random.Generator) -> FloatArray:
    """Trills: one element over and over, 8 to 40 times a second, in phrases that swell; wrens, canaries, finches."""
    seconds = rng.uniform(3.5, 5.5)
    out = np.zeros(seconds_to_samples(seconds))
    for start in bursts(rng, seconds, (1, 1), 0.3, rng.uniform(0.5, 1.8)):
        rate, low = log_uniform(rng, 8, 40), log_uniform(rng, 1800, 5500)
        samples = seconds_to_samples(0.8 / rate)
        shape = low * arch(samples, list(rng.uniform(1, rng.uniform(1.05, 1.7), 3)))
        element = fade(harmonic_tone(shape, np.array([1, rng.uniform(0, 0.2)])), 0.15 / rate, 0.2 / rate)
        count = int(rng.uniform(0.3, 1.5) * rate)
        for number in range(count):
            place(
                out,
                element * np.sin(np.pi * (number + 0.7) / (count + 0.7)) ** 0.5,
                int((start + number / rate) * RATE),
            )
    return out


def bird_calls(rng: np.random.Generator) -> FloatArray:
    """Clear notes and slurs of a tit, robin or blackbird: a song of a few kinds, repeated with pauses."""
    seconds = rng.uniform(3.5, 5.5)
    kinds = []
    for _ in range(rng.integers(1, 5)):
        samples = seconds_to_samples(log_uniform(rng, 0.05, 0.3))
        track = log_uniform(rng, 2000, 6500) * arch(samples, list(rng.uniform(0.75, 1.2, rng.integers(2, 5))))
        track = track * (1 + rng.uniform(0, 0.05) * np.sin(2 * np.pi * rng.uniform(15, 60) * np.arange(samples) / RATE))
        kinds.append(fade(harmonic_tone(track, np.array([1, rng.uniform(0, 0.15)])), 0.01, 0.02))
    starts = bursts(rng, seconds, (2, 7), rng.uniform(0.12, 0.4), rng.uniform(0.3, 1.5))
    return sequence(seconds, starts, lambda: kinds[rng.integers(len(kinds))] * rng.uniform(0.4, 1))


def bird_buzz(rng: np.random.Generator) -> FloatArray:
    """Sparrows and starlings: chirps whose pitch shakes so fast that they buzz, two voices at once."""
    seconds, carrier = rng.uniform(3.5, 5.5), log_uniform(rng, 2300, 5000)
    shake, depth = rng.uniform(60, 350), rng.uniform(100, 900)

    def chirp() -> FloatArray:
        time = np.arange(seconds_to_samples(log_uniform(rng, 0.04, 0.25))) / RATE
        track = carrier * arch(len(time), list(rng.uniform(0.8, 1.25, 3))) + depth * np.sin(2 * np.pi * shake * time)
        both = harmonic_tone(np.maximum(track, 800), np.ones(1)) + 0.5 * harmonic_tone(
            np.maximum(track * 1.13, 800), np.ones(1)
        )
        return fade(both, 0.008, 0.015) * rng.uniform(0.4, 1)

    return sequence(seconds, bursts(rng, seconds, (1, 6), rng.uniform(0.12, 0.5), rng.uniform(0.2, 1.2)), chirp)


def mosquito(rng: np.random.Generator) -> FloatArray:
    """A mosquito's wings: a thin tone that wanders as it turns, louder as it comes near."""
    samples = seconds_to_samples(6)
    base = log_uniform(rng, 350, 900)
    wander = slow_wander(rng, samples, rng.uniform(0.5, 3)) * rng.uniform(0.01, 0.1) + 0.005 * slow_wander(
        rng, samples, 25
    )
    tone = harmonic_tone(base * (1 + wander), harmonic_amplitudes(rng, rng.integers(3, 14), rng.uniform(0.3, 1.6)))
    near = 10 ** (slow_wander(rng, samples, rng.uniform(0.5, 2.5)) * rng.uniform(3, 15) / 20)
    return np.asarray(tone * near + rng.uniform(0, 0.01) * rng.standard_normal(samples))


def mosquito_passing(rng: np.random.Generator) -> FloatArray:
    """The same as it passes the ear, from pulses: the pitch falls with the passing, silence before and after."""
    samples = seconds_to_samples(6)
    out = np.zeros(samples)
    for _ in range(rng.integers(1, 4)):
        level, moment = passing(rng, samples, 40)
        fall = 1 - 0.03 * np.tanh((np.linspace(0, 1, samples) - moment) / 0.1)
        track = log_uniform(rng, 350, 900) * fall * (1 + 0.01 * slow_wander(rng, samples, rng.uniform(4, 20)))
        wings = resonate(pulses(track), [rng.uniform(700, 1500), rng.uniform(2000, 4500)], [900, 2500])
        out += peaked(wings) * level**2 * rng.uniform(0.4, 1)
    return out


def _call(rng: np.random.Generator, kind: str) -> tuple[FloatArray, float]:
    """One call of an animal that has no tag, and the seconds until the next call."""
    if kind == "cow":
        samples = seconds_to_samples(rng.uniform(0.9, 2))
        track = rng.uniform(80, 220) * arch(samples, [0.8, 1.1, 1.1, 0.8])
        return fade(voiced(track, [arch(samples, [300, 600, 500]), 1100], 0.5, 0.9), 0.2, 0.3), 2.5
    if kind == "frog":
        time = np.arange(seconds_to_samples(rng.uniform(0.15, 0.5))) / RATE
        croak = np.abs(np.sin(np.pi * rng.uniform(15, 60) * time)) * np.sin(2 * np.pi * rng.uniform(400, 2500) * time)
        return fade(np.asarray(croak), 0.02, 0.05), rng.uniform(0.4, 1.2)
    if kind == "owl":
        track = rng.uniform(280, 600) * arch(seconds_to_samples(rng.uniform(0.25, 0.9)), [0.97, 1, 0.96])
        return fade(harmonic_tone(track, np.array([1, 0.1])), 0.05, 0.15), rng.uniform(0.5, 1.6)
    samples = seconds_to_samples(rng.uniform(0.12, 0.4))  # a duck, a goose, a crow, a hen
    track = log_uniform(rng, 130, 500) * arch(samples, [1.1, 1, 0.8])
    return fade(
        voiced(track, [rng.uniform(900, 1500), rng.uniform(2000, 3000)], 0.3, 0.2) * _rough(rng, track, 0.8), 0.01, 0.06
    ), 0.5


def other_animal(rng: np.random.Generator) -> FloatArray:
    """A cow, frog, owl, duck or crow."""
    call, step = _call(rng, str(rng.choice(["cow", "frog", "owl", "quack"])))
    seconds = rng.uniform(4, 6)
    return sequence(seconds, bursts(rng, seconds, (1, 3), step, step), lambda: call * rng.uniform(0.6, 1))


def thrush(rng: np.random.Generator) -> FloatArray:
    """Robins, thrushes, blackbirds: slow, pure, fluting whistles that run into each other, a thin twitter after."""
    seconds = rng.uniform(4, 6)
    out = np.zeros(seconds_to_samples(seconds))
    for start in bursts(rng, seconds, (3, 8), rng.uniform(0.2, 0.45), rng.uniform(0.4, 1.5)):
        samples = seconds_to_samples(rng.uniform(0.12, 0.4))
        track = log_uniform(rng, 1700, 3600) * arch(samples, list(rng.uniform(0.82, 1.18, rng.integers(2, 6))))
        note = fade(harmonic_tone(track, np.array([1, rng.uniform(0, 0.08)])), 0.02, 0.05)
        place(out, note * rng.uniform(0.4, 1), int(start * RATE))
        if rng.random() < 0.25:
            twitter = arch(seconds_to_samples(0.04), list(rng.uniform(4000, 7000, 3)))
            for number in range(rng.integers(2, 7)):
                piece = fade(harmonic_tone(twitter, np.ones(1)), 0.006, 0.01) * 0.3
                place(out, piece, int((start + samples / RATE + number * 0.06) * RATE))
    return out


def slow_calls(rng: np.random.Generator) -> FloatArray:
    """Whales, seals, moaning doors: single pitches that glide slowly, swelling and dying. No music, no siren."""
    seconds = rng.uniform(5, 7)
    out = np.zeros(seconds_to_samples(seconds))
    for start in bursts(rng, seconds, (1, 2), rng.uniform(1, 2.5), 1.0):
        samples = seconds_to_samples(rng.uniform(0.6, 2.5))
        track = log_uniform(rng, 60, 900) * arch(samples, list(rng.uniform(0.7, 1.4, rng.integers(3, 6))))
        call = voiced(track, [log_uniform(rng, 200, 1500)], 1.0, rng.uniform(0.8, 2))
        place(out, fade(call, 0.2, 0.3) * rng.uniform(0.4, 1), int(start * RATE))
    return out


def dog_bark_noise(rng: np.random.Generator) -> FloatArray:
    """Hoarse barks: noise through the throat that its flutter cuts into pieces; "ruff", "woof"."""
    low, length = log_uniform(rng, 350, 1200), rng.uniform(0.09, 0.28)
    flutter, depth = log_uniform(rng, 40, 220), rng.uniform(0.5, 1.0)
    mouth = [low, low * rng.uniform(1.7, 2.6), low * rng.uniform(3, 4.5)]

    def bark() -> FloatArray:
        samples = seconds_to_samples(length * rng.uniform(0.85, 1.15))
        phase = np.cumsum(flutter * arch(samples, [1, 1.2, 0.7]) * (1 + 0.1 * slow_wander(rng, samples, 80))) / RATE
        air = rng.standard_normal(samples) * (1 - depth + depth * (0.5 + 0.5 * np.cos(2 * np.pi * phase)) ** 3)
        closed, opened = (peaked(resonate(air, [each * by for each in mouth], [90, 160, 300])) for by in (0.75, 1.1))
        way = arch(samples, [0, 1, 0.2], [0, 0.3, 1])
        return fade(closed * (1 - way) + opened * way, 0.008, length * 0.5) * rng.uniform(0.6, 1)

    seconds = rng.uniform(3.5, 5.5)
    return sequence(seconds, bursts(rng, seconds, (1, 4), rng.uniform(0.25, 0.8), rng.uniform(0.3, 1.5)), bark)


def cat_meow_modulated(rng: np.random.Generator) -> FloatArray:
    """Meows by frequency modulation: a buzzing carrier whose index follows the mouth; wails of cats that fight."""
    base, ratio = log_uniform(rng, 300, 850), rng.choice([1.0, 2.0])

    def meow() -> FloatArray:
        samples = seconds_to_samples(rng.uniform(0.4, 1.4))
        bend = arch(
            samples, [rng.uniform(0.75, 1), rng.uniform(1.05, 1.4), rng.uniform(0.65, 1)], [0, rng.uniform(0.2, 0.7), 1]
        )
        phase = 2 * np.pi * np.cumsum(base * bend * (1 + 0.006 * slow_wander(rng, samples, 30))) / RATE
        index = arch(samples, [0.3, rng.uniform(1.5, 4), rng.uniform(0.8, 2), 0.3], [0, 0.35, 0.7, 1])
        tone = np.sin(phase + index * np.sin(ratio * phase)) + 0.4 * np.sin(2 * phase + index * np.sin(phase))
        return fade(np.asarray(tone), 0.06, 0.2) * rng.uniform(0.6, 1)

    seconds = rng.uniform(3.5, 5.5)
    return sequence(seconds, bursts(rng, seconds, (1, 2), rng.uniform(0.9, 1.6), 0.8), meow)
