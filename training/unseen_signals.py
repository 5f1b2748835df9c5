"""Signal generators that only judge.

They share no code with `training.signals`, and work in other ways: pulse trains through filters instead of sums of
harmonics, recursive resonators instead of decaying sines, noise through Butterworth filters instead of shaped spectra.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy import signal

from training.catalogue import NOTHING, Labels
from training.settings import RATE

Array = npt.NDArray[np.float64]


def _filtered(samples: Array, kind: str, corner_hz: float | tuple[float, float], order: int = 2) -> Array:
    sections = signal.butter(order, corner_hz, kind, fs=RATE, output="sos")
    return np.asarray(signal.sosfilt(sections, samples))


def _sum(pieces: list[Array]) -> Array:
    return np.asarray(np.sum(pieces, axis=0))


def _peaked(samples: Array) -> Array:
    return np.asarray(samples / (np.abs(samples).max() + 1e-9))


def _resonate(excitation: Array, frequency_hz: float, decay_seconds: float) -> Array:
    """A two-pole resonator that rings for `decay_seconds` to 60 dB below."""
    radius = np.exp(-6.908 / (decay_seconds * RATE))
    feedback = [1, -2 * radius * np.cos(2 * np.pi * frequency_hz / RATE), radius**2]
    return np.asarray(signal.lfilter([1 - radius], feedback, excitation))


def _impulses(length: int, at_seconds: list[float], heights: list[float]) -> Array:
    train = np.zeros(length)
    for moment, height in zip(at_seconds, heights, strict=True):
        index = int(moment * RATE)
        if 0 <= index < length:
            train[index] += height
    return train


def _modulated_square(track_hz: Array, duty: float) -> Array:
    """A band-limited pulse wave along a frequency track, made at four times the rate."""
    fine = np.repeat(track_hz, 4)
    pulse = signal.square(2 * np.pi * np.cumsum(fine) / (4 * RATE), duty)
    return np.asarray(signal.decimate(pulse, 4, ftype="fir"))


def american_patrol_siren(rng: np.random.Generator) -> Array:
    """Wail and yelp as an electronic siren's capacitor makes them: exponential charge and discharge."""
    length, state = int(rng.uniform(4, 8) * RATE), rng.uniform(0, 1)
    charge = rng.choice([rng.uniform(0.6, 2.5), rng.uniform(0.05, 0.2)])
    track, rising = np.empty(length), True
    for index in range(0, length, 16):
        target = 1.25 if rising else -0.25
        state += (target - state) * 16 / (charge * RATE * (1 if rising else rng.uniform(0.98, 1.02) * 1.6))
        rising = (state < 1) if rising else (state < 0)
        track[index : index + 16] = state
    frequency = 1400.0 * rng.uniform(0.8, 1.2) * track + 500 * rng.uniform(0.8, 1.3)
    horn = _filtered(_modulated_square(np.clip(frequency, 200, 3000), rng.uniform(0.3, 0.5)), "bandpass", (500, 4000))
    return horn * np.linspace(rng.uniform(0.2, 1), rng.uniform(0.2, 1), length)


def european_horn_siren(rng: np.random.Generator) -> Array:
    """Martinshorn and pin-pon: two fixed reeds in turn, through a resonant bell."""
    pairs = np.array([[435, 580], [450, 600], [392, 660], [660, 880], [414, 554]])
    low, high = rng.choice(pairs) * rng.uniform(0.95, 1.05)
    length, hold = int(rng.uniform(4, 7) * RATE), rng.uniform(0.35, 0.8)
    switch = signal.square(2 * np.pi * np.arange(length) / RATE / (2 * hold)) > 0
    reed = signal.sawtooth(2 * np.pi * np.cumsum(np.where(switch, high, low)) / RATE, rng.uniform(0.6, 1))
    return _filtered(reed, "bandpass", (low * 0.8, rng.uniform(2500, 5500)))


def air_raid_siren(rng: np.random.Generator) -> Array:
    """A chopper that spins up by its motor's inertia and coasts, once or over and over."""
    length, target = int(rng.uniform(6, 10) * RATE), rng.uniform(380, 780)
    turns = np.arange(length) / RATE / rng.uniform(5, 12) + rng.uniform(0, 0.3)
    drive, inertia = (signal.square(2 * np.pi * turns, 0.55) > 0) * target, rng.uniform(1.0, 2.5) * RATE
    speed = signal.lfilter([1 / inertia], [1, -(1 - 1 / inertia)], drive, zi=[target * rng.uniform(0.3, 0.8)])[0]
    chopped = _modulated_square(np.maximum(speed, 40), 0.5) * (speed / target) ** 2
    second = _modulated_square(np.maximum(speed, 40) * 1.2, 0.5) * (speed / target) ** 2
    hiss = _filtered(rng.standard_normal(length), "bandpass", (400, 2500)) * 0.05
    return _filtered(chopped + second * rng.choice([0, 0.8]), "lowpass", 3500) + hiss


def kitchen_timer(rng: np.random.Generator) -> Array:
    """A piezo disc driven by a gated square wave: clocks, ovens, smoke detectors."""
    length, pitch = int(rng.uniform(4, 7) * RATE), rng.choice([rng.uniform(900, 2400), rng.uniform(2800, 3500)])
    time = np.arange(length) / RATE
    beep_rate, group = rng.uniform(2, 10), rng.choice([1.0, 0.5, 0.6])
    gate = (signal.square(2 * np.pi * beep_rate * time, rng.uniform(0.35, 0.7)) > 0) * (time % 1 < group)
    piezo = _resonate(_modulated_square(np.full(length, pitch), 0.5), rng.uniform(2500, 3600), 0.004)
    drive = _modulated_square(np.full(length, pitch), 0.5)
    return np.asarray((_peaked(piezo) + 0.3 * drive) * gate)


def reversing_lorry(rng: np.random.Generator) -> Array:
    """One beep a second or so, on and off alike, with a little engine below."""
    length = int(rng.uniform(4, 7) * RATE)
    time = np.arange(length) / RATE
    gate = _filtered((signal.square(2 * np.pi * time / rng.uniform(0.7, 1.3)) > 0).astype(float), "lowpass", 80)
    tone = np.sin(2 * np.pi * rng.uniform(1000, 1600) * time)
    engine = _filtered(signal.sawtooth(2 * np.pi * rng.uniform(25, 60) * time), "lowpass", 300)
    return np.asarray(np.tanh(2 * tone) * gate + rng.uniform(0, 0.15) * engine)


def evacuation_sounder(rng: np.random.Generator) -> Array:
    """A swept or alternating sounder: slow whoop or a fast fall (DIN 33404: 1200 to 500 Hz in one second)."""
    length = int(rng.uniform(4, 7) * RATE)
    time, period = np.arange(length) / RATE, rng.choice([1.0, 0.25, 0.14])
    sweep = signal.sawtooth(2 * np.pi * time / period, rng.choice([0.0, 0.98]))
    pulse = _modulated_square(850 + 350 * sweep * rng.uniform(0.8, 1.2), 0.5)
    return _filtered(pulse, "bandpass", (600, 5000), 1)


def fire_bell(rng: np.random.Generator) -> Array:
    """A gong under a motor's hammer: a bank of resonators struck 8 to 20 times a second."""
    length, rate = int(rng.uniform(4, 6) * RATE), rng.uniform(8, 20)
    moments = np.cumsum(rng.normal(1 / rate, 0.03 / rate, int(rate * 6)))
    blows = _impulses(length, list(moments), list(rng.uniform(0.7, 1, len(moments))))
    base = rng.uniform(600, 1800)
    modes = [base * ratio for ratio in (1, 1.72, 2.44, 3.3, 4.2) if base * ratio < 7000]
    return _sum([_resonate(blows, mode, rng.uniform(0.2, 1.0)) / (1 + index) for index, mode in enumerate(modes)])


def temple_bell(rng: np.random.Generator) -> Array:
    """A cast bell through resonators: partials of measured bells, slightly out of tune, struck seldom."""
    length, base = int(rng.uniform(4, 8) * RATE), rng.uniform(110, 700)
    count = int(rng.integers(1, 5))
    blows = _impulses(length, list(np.sort(rng.uniform(0, 4, count))), [1.0] * count)
    blows = _filtered(blows, "lowpass", rng.uniform(2000, 7000))
    partials = np.array([1, 2.02, 2.4, 2.98, 4.05, 5.35, 6.7, 8.2]) * rng.normal(1, 0.01, 8)
    modes = [base * each for each in partials if base * each < 7000]
    ring = [_resonate(blows, mode, rng.uniform(3, 8) / (1 + 0.5 * index)) for index, mode in enumerate(modes)]
    return _sum([_peaked(each) / (1 + 0.3 * index) for index, each in enumerate(ring)])


def bicycle_bell(rng: np.random.Generator) -> Array:
    """A thumb bell: two trills of the same small dome."""
    length = int(rng.uniform(3, 5) * RATE)
    moments: list[float] = []
    for begin in (rng.uniform(0, 0.5), rng.uniform(1, 1.5), rng.uniform(2, 2.8)):
        moments += [begin + 0.07 * number * rng.uniform(0.9, 1.1) for number in range(rng.integers(1, 6))]
    blows = _impulses(length, moments, list(rng.uniform(0.5, 1, len(moments))))
    base = rng.uniform(1600, 3200)
    modes = [base * ratio for ratio in (1, 1.003, 1.58, 2.13) if base * ratio < 7400]
    return _sum([_peaked(_resonate(blows, mode, rng.uniform(0.5, 1.6))) for mode in modes])


def tin_whistler(rng: np.random.Generator) -> Array:
    """Someone who whistles a tune: noise through a very narrow moving resonance, as at the lips."""
    length = int(rng.uniform(3, 6) * RATE)
    steps = rng.integers(2, 8)
    notes = 700 * rng.uniform(1, 2) * 2 ** (rng.integers(-2, 12, steps) / 12)
    smooth = signal.butter(2, 9, fs=RATE, output="sos")
    track = signal.sosfiltfilt(smooth, np.repeat(notes, -(-length // steps))[:length])
    wobble = 1 + 0.16 * _filtered(rng.standard_normal(length), "lowpass", 7, 1)
    phase = 2 * np.pi * np.cumsum(track * wobble) / RATE
    lips = _filtered(rng.standard_normal(length), "lowpass", 25) * 6 + 1
    mouth = _filtered(rng.standard_normal(length), "bandpass", (800, 4000)) * rng.uniform(0.005, 0.05)
    blown = np.repeat(rng.random(steps) > 0.15, -(-length // steps))[:length].astype(float)
    return np.asarray((np.sin(phase) * np.abs(lips) + mouth) * np.clip(signal.sosfiltfilt(smooth, blown), 0, 1))


def umpire_whistle(rng: np.random.Generator) -> Array:
    """A pea whistle: frequency modulation by a rolling ball, in sharp blasts."""
    length = int(rng.uniform(3, 5) * RATE)
    time = np.arange(length) / RATE
    ball = signal.sawtooth(2 * np.pi * rng.uniform(25, 50) * time, 0.5)
    carrier = rng.uniform(2100, 3900)
    tone = np.sin(2 * np.pi * np.cumsum(carrier * (1 + rng.uniform(0.008, 0.03) * ball)) / RATE)
    blasts = signal.square(2 * np.pi * (time / rng.uniform(0.4, 1.8) + rng.random()), rng.uniform(0.4, 0.8)) > 0
    gate = np.clip(_filtered(blasts.astype(float), "lowpass", 20, 1), 0, 1)
    breath = _filtered(rng.standard_normal(length), "bandpass", (carrier * 0.6, 7000)) * rng.uniform(0.02, 0.2)
    return np.asarray((tone * (0.75 + 0.25 * ball) + breath) * gate)


def shot(rng: np.random.Generator) -> Array:
    """Pistol and rifle shots: the Friedlander blast wave, and its reflections as a tail of filtered noise."""
    length = int(rng.uniform(3, 5) * RATE)
    out, begin = np.zeros(length), rng.uniform(0, 0.8)
    while begin < length / RATE - 0.3:
        time = np.arange(int(1.6 * RATE)) / RATE
        width = rng.uniform(0.0008, 0.004)
        blast = (1 - time / width) * np.exp(-time / width)
        crack = rng.standard_normal(len(time)) * np.exp(-time / rng.uniform(0.008, 0.04))
        tail = _filtered(rng.standard_normal(len(time)), "lowpass", rng.uniform(600, 2500))
        piece = 3 * blast + crack + rng.uniform(0.1, 0.5) * tail * np.exp(-time / rng.uniform(0.08, 0.4))
        index = int(begin * RATE)
        out[index : index + len(piece)] += piece[: length - index]
        begin += rng.choice([rng.uniform(0.09, 0.2), rng.uniform(0.5, 2)])
    return np.clip(out, -1.5, 1.5)


def door_knocker(rng: np.random.Generator) -> Array:
    """Knuckles on a wooden door: a short half-sine contact into resonators of the panel."""
    length = int(rng.uniform(3, 5) * RATE)
    moments, begin = [], rng.uniform(0, 0.6)
    while begin < length / RATE:
        count, gap = rng.integers(2, 6), rng.uniform(0.12, 0.28)
        moments += [begin + gap * number for number in range(count)]
        begin += count * gap + rng.uniform(0.5, 1.5)
    blows = _impulses(length, moments, list(rng.uniform(0.6, 1, len(moments))))
    contact = np.convolve(blows, np.sin(np.linspace(0, np.pi, int(rng.uniform(10, 50)))), "same")
    panel = [_resonate(contact, each, rng.uniform(0.03, 0.12)) for each in np.sort(rng.uniform(90, 1600, 8))]
    return _sum([_peaked(mode) for mode in panel])


def _pair_of_hands(rng: np.random.Generator, length: int, moments: list[float]) -> Array:
    """Claps at the given moments by one pair of hands: bursts of noise through one band-pass."""
    clicks = _impulses(length, moments, list(rng.uniform(0.6, 1, len(moments))))
    envelope = signal.lfilter([1], [1, -np.exp(-1 / (rng.uniform(0.002, 0.009) * RATE))], clicks)
    centre = rng.uniform(700, 2400)
    return _filtered(envelope * rng.standard_normal(length), "bandpass", (centre * 0.7, centre * 1.6), 1)


def hand_clapper(rng: np.random.Generator) -> Array:
    """One or two people clapping a steady beat."""
    length, beat = int(rng.uniform(3, 5) * RATE), rng.uniform(0.22, 0.7)
    hands = [
        _pair_of_hands(rng, length, list(np.arange(rng.uniform(0, 0.1), length / RATE, beat) + rng.normal(0, 0.008)))
        for _ in range(rng.integers(1, 3))
    ]
    return _sum(hands)


def clapping_hall(rng: np.random.Generator) -> Array:
    """An audience: a dense Poisson stream of claps from a dozen kinds of hands, and the hall's diffuse rest."""
    length, density = int(rng.uniform(4, 6) * RATE), rng.uniform(40, 500)
    hands = []
    for _ in range(12):
        count = int(density * length / RATE / 12)
        hands.append(_pair_of_hands(rng, length, list(rng.uniform(0, length / RATE, count))))
    diffuse = _filtered(rng.standard_normal(length), "bandpass", (600, 4000), 1) * rng.uniform(0, 0.15)
    return _sum(hands) + diffuse


def klaxon_of_a_car(rng: np.random.Generator) -> Array:
    """A diaphragm horn: a narrow pulse train into the trumpet's resonances; mostly two horns a third apart."""
    length, base = int(rng.uniform(3, 5) * RATE), rng.uniform(310, 500)
    time = np.arange(length) / RATE
    total = np.zeros(length)
    for note in (base, base * rng.choice([1.2, 1.25])) if rng.random() < 0.8 else (base,):
        pulses = _modulated_square(np.full(length, note), rng.uniform(0.08, 0.3))
        total += _filtered(pulses, "bandpass", (note * 1.2, 3800), 1) + _filtered(pulses, "bandpass", (1800, 3200), 2)
    honks = signal.square(2 * np.pi * (time / rng.uniform(0.4, 3) + rng.random()), rng.uniform(0.4, 0.8)) > 0
    return total * np.clip(_filtered(honks.astype(float), "lowpass", 30, 1), 0, 1)


def office_noise(rng: np.random.Generator) -> Array:
    """Air conditioning and a fan: noise through low filters, with a weak tone."""
    length = int(5 * RATE)
    noise = _filtered(rng.standard_normal(length), "lowpass", rng.uniform(150, 4000), int(rng.integers(1, 3)))
    tone = np.sin(2 * np.pi * rng.uniform(80, 400) * np.arange(length) / RATE)
    return np.asarray(noise / noise.std() + rng.uniform(0, 0.5) * tone)


def shower(rng: np.random.Generator) -> Array:
    """Water: high-passed noise whose level trembles."""
    length = int(5 * RATE)
    noise = _filtered(rng.standard_normal(length), "highpass", rng.uniform(300, 2000), 1)
    return noise * (1 + 0.3 * _filtered(rng.standard_normal(length), "lowpass", 20) * 5)


def motorbike(rng: np.random.Generator) -> Array:
    """Exhaust pulses through two resonances, with the throttle opened now and then."""
    length = int(5 * RATE)
    speed = rng.uniform(25, 90) * (1 + 0.4 * np.interp(np.arange(length), np.linspace(0, length, 6), rng.random(6)))
    pulses = np.diff(np.floor(np.cumsum(speed) / RATE), prepend=0) * rng.uniform(0.7, 1, length)
    return _resonate(pulses, rng.uniform(80, 200), 0.05) + 0.5 * _resonate(pulses, rng.uniform(400, 900), 0.02)


def hammering(rng: np.random.Generator) -> Array:
    """A hammer on a nail: bright, hard blows in an even row (neither knock nor shot)."""
    length = int(rng.uniform(3, 5) * RATE)
    moments = np.arange(rng.uniform(0, 0.5), length / RATE, rng.uniform(0.35, 0.9)).tolist()
    blows = _impulses(length, moments, [1.0] * len(moments))
    return _resonate(blows, rng.uniform(1800, 4500), 0.15) + _resonate(blows, rng.uniform(300, 900), 0.06)


_ROAD = Labels(("Siren", "Emergency_vehicle_siren"), ("Alarm",))
UNSEEN_SIGNALS: tuple[tuple[Callable[[np.random.Generator], Array], Labels, str], ...] = (
    (american_patrol_siren, _ROAD, "Siren"),
    (european_horn_siren, _ROAD, "Siren"),
    (air_raid_siren, Labels(("Siren", "Civil_defense_siren"), ("Alarm",)), "Civil_defense_siren"),
    (kitchen_timer, Labels(("Alarm",)), "Alarm"),
    (reversing_lorry, Labels(("Alarm",)), "Alarm"),
    (evacuation_sounder, Labels(("Alarm",), ("Siren", "Emergency_vehicle_siren")), "Alarm"),
    (fire_bell, Labels(("Alarm", "Bell")), "Alarm"),
    (temple_bell, Labels(("Bell",)), "Bell"),
    (bicycle_bell, Labels(("Bell",)), "Bell"),
    (tin_whistler, Labels(("Whistle",)), "Whistle"),
    (umpire_whistle, Labels(("Whistle",)), "Whistle"),
    (shot, Labels(("Gunshot",)), "Gunshot"),
    (door_knocker, Labels(("Knock",)), "Knock"),
    (hand_clapper, Labels(("Clap",), ("Applause",)), "Clap"),
    (clapping_hall, Labels(("Applause",), ("Clap",)), "Applause"),
    (klaxon_of_a_car, Labels(("Car_horn",)), "Car_horn"),
    (office_noise, NOTHING, "noise"),
    (shower, NOTHING, "noise"),
    (motorbike, NOTHING, "noise"),
    (hammering, NOTHING, "background"),
)
