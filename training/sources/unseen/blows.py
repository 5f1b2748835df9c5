"""Blows, steps, clicks and breakages that only judge."""

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
    resonate,
    seconds_of,
    softened,
    struck,
    summed,
)


def door_knocker(rng: np.random.Generator) -> Array:
    """Knuckles on a wooden door: a short half-sine contact into resonators of the panel."""
    length = int(rng.uniform(3, 5) * RATE)
    moments, begin = [], rng.uniform(0, 0.6)
    while begin < length / RATE:
        count, gap = rng.integers(2, 6), rng.uniform(0.12, 0.28)
        moments += [begin + gap * number for number in range(count)]
        begin += count * gap + rng.uniform(0.5, 1.5)
    blows = impulses(length, moments, list(rng.uniform(0.6, 1, len(moments))))
    contact = np.convolve(blows, np.sin(np.linspace(0, np.pi, int(rng.uniform(10, 50)))), "same")
    panel = [resonate(contact, each, rng.uniform(0.03, 0.12)) for each in np.sort(rng.uniform(90, 1600, 8))]
    return summed([peaked(mode) for mode in panel])


def _pair_of_hands(rng: np.random.Generator, length: int, moments: list[float]) -> Array:
    """Claps at the given moments by one pair of hands: bursts of noise through one band-pass."""
    clicks = impulses(length, moments, list(rng.uniform(0.6, 1, len(moments))))
    envelope = signal.lfilter([1], [1, -np.exp(-1 / (rng.uniform(0.002, 0.009) * RATE))], clicks)
    centre = rng.uniform(700, 2400)
    return filtered(envelope * rng.standard_normal(length), "bandpass", (centre * 0.7, centre * 1.6), 1)


def hand_clapper(rng: np.random.Generator) -> Array:
    """One or two people clapping a steady beat."""
    length, beat = int(rng.uniform(3, 5) * RATE), rng.uniform(0.22, 0.7)
    hands = [
        _pair_of_hands(rng, length, list(np.arange(rng.uniform(0, 0.1), length / RATE, beat) + rng.normal(0, 0.008)))
        for _ in range(rng.integers(1, 3))
    ]
    return summed(hands)


def clapping_hall(rng: np.random.Generator) -> Array:
    """An audience: a dense Poisson stream of claps from a dozen kinds of hands, and the hall's diffuse rest."""
    length, density = int(rng.uniform(4, 6) * RATE), rng.uniform(40, 500)
    hands = []
    for _ in range(12):
        count = int(density * length / RATE / 12)
        hands.append(_pair_of_hands(rng, length, list(rng.uniform(0, length / RATE, count))))
    diffuse = filtered(rng.standard_normal(length), "bandpass", (600, 4000), 1) * rng.uniform(0, 0.15)
    return summed(hands) + diffuse


def driven_nails(rng: np.random.Generator) -> Array:
    """A hammer on a nail: bright, hard blows in an even row (neither knock nor shot)."""
    length = int(rng.uniform(3, 5) * RATE)
    moments = np.arange(rng.uniform(0, 0.5), length / RATE, rng.uniform(0.35, 0.9)).tolist()
    blows = impulses(length, moments, [1.0] * len(moments))
    return resonate(blows, rng.uniform(1800, 4500), 0.15) + resonate(blows, rng.uniform(300, 900), 0.06)


def walker_on_floor(rng: np.random.Generator) -> Array:
    """Shoes on wood or stone: a heel, then the ball of the foot 60 to 140 ms later; left and right are not alike."""
    length, pace = seconds_of(rng, 4, 6), rng.uniform(1.2, 3.3)
    heels, toes, begin = [], [], rng.uniform(0, 0.4)
    lag = rng.uniform(0.06, 0.14) / max(1.0, pace / 2)
    while begin < length / RATE:
        heels.append(begin)
        toes.append(begin + lag * rng.uniform(0.9, 1.1))
        begin += rng.normal(1 / pace, 0.03 / pace)
    limp = 1 - rng.uniform(0, 0.3) * (np.arange(len(heels)) % 2)
    heel = softened(impulses(length, heels, list(limp * rng.uniform(0.7, 1, len(heels)))), rng.uniform(0.001, 0.006))
    toe = softened(impulses(length, toes, list(limp * rng.uniform(0.15, 0.5, len(toes)))), rng.uniform(0.003, 0.01))
    hard = rng.uniform(0.05, 1)
    floor = rng.uniform(60, 260, 3)
    body = struck(heel + toe, floor, rng.uniform(0.05, 0.15, 3), rng.uniform(0.3, 1, 3))
    click = struck(heel, rng.uniform(900, 3800, 3), rng.uniform(0.01, 0.05, 3), hard * rng.uniform(0.3, 1, 3))
    scuff = filtered(np.abs(resonate(toe, 20, 0.06)) * rng.standard_normal(length), "bandpass", (800, 5000), 1)
    return body + click + rng.uniform(0.05, 0.5) * peaked(scuff)


def walker_on_gravel(rng: np.random.Generator) -> Array:
    """Steps on loose ground: each sets off a cloud of grains, first under the heel, then as the foot rolls off."""
    length, pace = seconds_of(rng, 4, 6), rng.uniform(1.2, 3)
    grains, begin = np.zeros(length), rng.uniform(0, 0.4)
    density = rng.uniform(0.02, 0.3)
    low = rng.uniform(250, 2200)
    while begin < length / RATE:
        cloud = rng.standard_normal(seconds_of(rng, 0.16, 0.34))
        cloud *= rng.random(len(cloud)) < density
        seconds = len(cloud) / RATE
        roll = np.interp(np.linspace(0, 1, len(cloud)), [0, 0.08, 0.35, 0.6, 1], [0, 1, 0.25, 0.6, 0])
        lay(grains, cloud * roll * rng.uniform(0.7, 1), begin)
        begin += max(seconds, rng.normal(1 / pace, 0.04 / pace))
    ground = filtered(grains, "bandpass", (low, min(7500, low * rng.uniform(3, 8))), 1)
    return peaked(ground) + rng.uniform(0, 0.5) * peaked(filtered(grains, "lowpass", 150))


def falling_load(rng: np.random.Generator) -> Array:
    """A bag or a body that falls on the floor: soft, heavy, with no ring; it may roll or bounce a little."""
    length, begin = seconds_of(rng, 3, 5), rng.uniform(0, 0.8)
    out = np.zeros(length)
    while begin < length / RATE:
        blow = softened(impulses(RATE, [0.0], [1.0]), rng.uniform(0.006, 0.025))
        body = struck(blow, rng.uniform(60, 240, 4), rng.uniform(0.06, 0.25, 4), rng.uniform(0.2, 1, 4))
        cloth = filtered(decaying(rng, 1.0, rng.uniform(0.05, 0.25)), "lowpass", rng.uniform(150, 500))
        heap = body + rng.uniform(0.1, 0.6) * peaked(cloth)
        lay(out, heap, begin)
        if rng.random() < 0.4:
            lay(out, heap, begin + rng.uniform(0.1, 0.35), rng.uniform(0.2, 0.6))
        begin += rng.uniform(0.9, 2.5)
    return filtered(out, "highpass", rng.uniform(35, 60))  # no small microphone hears the push of air below


def soft_slam(rng: np.random.Generator) -> Array:
    """A heavy door pushed shut: a puff of air, the boom of leaf and frame, a faint latch."""
    length, begin = seconds_of(rng, 3, 5), rng.uniform(0.1, 0.9)
    out = np.zeros(length)
    while begin < length / RATE:
        boom = filtered(decaying(rng, 1.0, rng.uniform(0.12, 0.4)), "lowpass", rng.uniform(80, 280))
        leaf = struck(
            softened(impulses(RATE, [0.0], [1.0]), 0.008), rng.uniform(50, 160, 3), [0.2, 0.15, 0.1], [1, 0.8, 0.6]
        )
        lay(out, peaked(boom) + rng.uniform(0.3, 1) * leaf, begin)
        lay(out, peaked(hiss(rng, 1600, "lowpass", 200) * bump(0.1)), max(0.0, begin - 0.1), rng.uniform(0, 0.15))
        latch = filtered(decaying(rng, 0.05, 0.02), "bandpass", (800, 4000))
        lay(out, peaked(latch), begin + rng.uniform(0.005, 0.03), rng.uniform(0, 0.12))
        begin += rng.uniform(1.2, 3)
    return out


def _key(rng: np.random.Generator, click_hz: float, body_hz: float, plate_hz: float) -> Array:
    """One key: the switch, the key's bottom a few ms later, and its return."""
    blows = impulses(RATE // 4, [0.0], [rng.uniform(0.3, 1)])
    bottom = impulses(RATE // 4, [rng.uniform(0.004, 0.014)], [rng.uniform(0.6, 1.2)])
    back = impulses(RATE // 4, [rng.uniform(0.06, 0.12)], [rng.uniform(0.15, 0.45)])
    switch = filtered(
        np.convolve(blows + back, decaying(rng, 0.02, 0.006))[: RATE // 4],
        "bandpass",
        (click_hz * 0.7, click_hz * 1.4),
        1,
    )
    case = struck(bottom + 0.5 * back, [body_hz, body_hz * 1.9, plate_hz], [0.02, 0.012, 0.03], [1, 0.6, 0.5])
    return peaked(switch) * rng.uniform(0.5, 1.6) + case


def office_typist(rng: np.random.Generator) -> Array:
    """Typing: intervals are log-normal around 0.15 s, words are parted by the deeper space bar, thoughts by pauses."""
    length, median = seconds_of(rng, 4, 6), rng.uniform(0.09, 0.22)
    click, body, plate = rng.uniform(2200, 4800), rng.uniform(500, 1700), rng.uniform(150, 420)
    keys = [_key(rng, click * rng.uniform(0.8, 1.2), body * rng.uniform(0.75, 1.3), plate) for _ in range(12)]
    space = _key(rng, click * 0.7, body * 0.5, plate * 0.8)
    out, begin, letters = np.zeros(length), rng.uniform(0, 0.3), int(rng.integers(2, 8))
    while begin < length / RATE:
        lay(out, space if letters == 0 else keys[rng.integers(12)], begin, rng.uniform(0.5, 1))
        letters = letters - 1 if letters else int(rng.integers(2, 9))
        begin += median * np.exp(0.35 * rng.standard_normal()) + (rng.random() < 0.04) * rng.uniform(0.4, 1.2)
    return out


def manual_typewriter(rng: np.random.Generator) -> Array:
    """Type bars that hit paper on a rubber roller, 3 to 8 a second, and the carriage's escapement after each."""
    length, rate = seconds_of(rng, 4, 6), rng.uniform(3, 8)
    moments = np.cumsum(np.maximum(0.06, rng.normal(1 / rate, 0.35 / rate, int(7 * rate))))
    heights = rng.uniform(0.5, 1, len(moments))
    bars = impulses(length, list(moments), list(heights))
    escapement = impulses(length, list(moments + rng.uniform(0.03, 0.06)), list(0.4 * heights))
    metal = struck(bars, rng.uniform(1200, 5200, 6), rng.uniform(0.015, 0.06, 6), rng.uniform(0.3, 1, 6))
    clack = struck(escapement, rng.uniform(1800, 6000, 3), rng.uniform(0.01, 0.03, 3), [0.4, 0.3, 0.3])
    platen = struck(softened(bars, 0.003), rng.uniform(120, 420, 3), [0.05, 0.04, 0.04], [0.8, 0.6, 0.4])
    return metal + clack + platen


def mouse_clicker(rng: np.random.Generator) -> Array:
    """A mouse button now and then: a snap dome goes down and, some ms later and weaker, up."""
    length, begin = seconds_of(rng, 3, 5), rng.uniform(0, 0.4)
    down, up, out = rng.uniform(2500, 5500), rng.uniform(1800, 4500), np.zeros(length)
    shell = rng.uniform(500, 1400)
    hold = rng.uniform(0.018, 0.045)
    while begin < length / RATE:
        blow = impulses(RATE // 8, [0.0], [1.0])
        lay(
            out,
            struck(blow, [down, down * 1.43, shell], [0.006, 0.004, 0.008], [1, 0.6, 0.6]),
            begin,
            rng.uniform(0.7, 1),
        )
        lay(
            out,
            struck(blow, [up, up * 1.3, shell], [0.005, 0.004, 0.006], [1, 0.5, 0.3]),
            begin + hold,
            rng.uniform(0.2, 0.6),
        )
        begin += rng.uniform(0.35, 1.4)
    return out


def switch_or_pen(rng: np.random.Generator) -> Array:
    """Light switches, ball pens and shutters: a spring lets go, the case answers; one at a time."""
    length, begin = seconds_of(rng, 3, 5), rng.uniform(0, 0.5)
    modes, decays = rng.uniform(900, 6500, 5), rng.uniform(0.006, 0.035, 5)
    wall, out = rng.uniform(250, 800), np.zeros(length)
    parts = rng.integers(1, 4)
    while begin < length / RATE:
        moments = [0.0, *rng.uniform(0.003, 0.03, parts - 1)]
        blows = impulses(RATE // 8, moments, list(rng.uniform(0.4, 1, parts)))
        click = struck(blows, modes * rng.normal(1, 0.02, 5), decays, rng.uniform(0.3, 1, 5))
        lay(out, click + rng.uniform(0, 0.8) * struck(blows, [wall], [0.02], [1.0]), begin, rng.uniform(0.6, 1))
        begin += rng.uniform(0.4, 1.6)
    return out


def finger_snapper(rng: np.random.Generator) -> Array:
    """Snaps: the finger slides (faint friction), then hits the palm; the hollow of the hand rings for a few ms."""
    length, beat = seconds_of(rng, 3, 5), rng.uniform(0.35, 1.2)
    out, begin, hollow = np.zeros(length), rng.uniform(0.05, 0.5), rng.uniform(1300, 3600)
    while begin < length / RATE:
        slide = hiss(rng, int(0.04 * RATE), "bandpass", (1500, 6000)) * np.linspace(0, 1, int(0.04 * RATE)) ** 2
        lay(out, peaked(slide), begin - 0.04, rng.uniform(0.01, 0.08))
        burst = decaying(rng, 0.06, rng.uniform(0.006, 0.02))
        pitch = hollow * rng.uniform(0.93, 1.07)
        pop = peaked(resonate(burst, pitch, rng.uniform(0.008, 0.028)))
        pop = pop + rng.uniform(0.1, 0.6) * peaked(resonate(burst, pitch * rng.uniform(1.6, 2.3), 0.008))
        pop = pop + rng.uniform(0, 0.3) * peaked(resonate(burst, rng.uniform(300, 700), 0.015))
        lay(out, pop, begin, rng.uniform(0.6, 1))
        begin += beat * rng.uniform(0.96, 1.04) * rng.choice([1, 1, 1, 2])
    return out


def _shard(rng: np.random.Generator, low_hz: float, decay_seconds: float) -> Array:
    """A splinter that falls: three modes of its own, very short contact, perhaps a second bounce."""
    blows = impulses(RATE // 2, [0.0, rng.uniform(0.03, 0.15)], [1.0, rng.uniform(0, 0.4)])
    modes = low_hz * rng.uniform(1, 4.5, 3)
    return struck(blows, modes, decay_seconds * rng.uniform(0.4, 1.3, 3), rng.uniform(0.3, 1, 3))


def shattering_pane(rng: np.random.Generator) -> Array:
    """A window: the blow, the crack, and a rain of 40 to 140 splinters that thins out."""
    length, begin = seconds_of(rng, 3, 5), rng.uniform(0.1, 0.8)
    out, low = np.zeros(length), rng.uniform(1400, 2600)
    crack = filtered(decaying(rng, 0.5, rng.uniform(0.08, 0.3)), "highpass", rng.uniform(800, 2500), 1)
    thump = struck(
        softened(impulses(RATE // 2, [0.0], [1.0]), 0.004), rng.uniform(90, 500, 3), [0.08] * 3, [1, 0.8, 0.5]
    )
    lay(out, peaked(crack) + rng.uniform(0.1, 0.8) * thump, begin)
    spread = rng.uniform(0.2, 0.7)
    splinters = [_shard(rng, low, rng.uniform(0.05, 0.25)) for _ in range(16)]
    for wait in rng.exponential(spread, rng.integers(40, 140)):
        height = rng.uniform(0.05, 0.5) * np.exp(-wait / (2 * spread))
        lay(out, splinters[rng.integers(16)], begin + 0.02 + wait, height)
    return out


def dropped_bottle(rng: np.random.Generator) -> Array:
    """Thick glass on a stone floor: it bursts once, and its few heavy pieces clatter, bounce and settle."""
    length, begin = seconds_of(rng, 3, 5), rng.uniform(0.1, 0.6)
    out, low = np.zeros(length), rng.uniform(900, 2000)
    while begin < length / RATE - 0.5:
        burst = filtered(decaying(rng, 0.3, rng.uniform(0.05, 0.15)), "bandpass", (600, 6500), 1)
        lay(out, peaked(burst), begin)
        for _ in range(rng.integers(10, 28)):
            piece, moment, gap = (
                _shard(rng, low, rng.uniform(0.04, 0.3)),
                begin + rng.uniform(0.02, 0.4),
                rng.uniform(0.08, 0.3),
            )
            height = rng.uniform(0.15, 0.7)
            while gap > 0.02:
                lay(out, piece, moment, height)
                moment, gap, height = moment + gap, gap * rng.uniform(0.45, 0.75), height * 0.6
        begin += rng.uniform(2.5, 4)
    return out


def cutlery_and_plates(rng: np.random.Generator) -> Array:
    """A table at dinner: knives on china (dull, 1 to 3 kHz) and steel on steel (thin, 3 to 7 kHz), at odd moments."""
    length, begin = seconds_of(rng, 4, 6), rng.uniform(0, 0.4)
    plates = [rng.uniform(900, 2800) * np.array([1, 1.6, 2.4, 3.1]) * rng.normal(1, 0.04, 4) for _ in range(3)]
    steels = [rng.uniform(2600, 4200) * np.array([1, 1.37, 1.9, 2.3]) * rng.normal(1, 0.04, 4) for _ in range(2)]
    out, mean_wait = np.zeros(length), rng.uniform(0.15, 0.6)
    while begin < length / RATE:
        blow = softened(impulses(RATE // 2, [0.0], [1.0]), rng.uniform(0.0002, 0.0012))
        china = rng.random() < 0.65
        modes = plates[rng.integers(3)] if china else steels[rng.integers(2)]
        decay = rng.uniform(0.04, 0.3) if china else rng.uniform(0.1, 0.5)
        clink = struck(blow, modes, decay / np.array([1, 1.3, 1.8, 2.5]), rng.uniform(0.2, 1, 4))
        for again in range(rng.choice([1, 1, 2, 3])):
            lay(out, clink, begin + again * rng.uniform(0.05, 0.12), rng.uniform(0.1, 1))
        begin += rng.exponential(mean_wait) + 0.05
    return out


def toasting_glasses(rng: np.random.Generator) -> Array:
    """Wine glasses touched together: rims of 600 to 1,700 Hz with modes near 2.3 and 4.2 times that, two at a time."""
    length, begin = seconds_of(rng, 3, 5), rng.uniform(0, 0.5)
    rims, out = rng.uniform(600, 1700, 5), np.zeros(length)
    while begin < length / RATE:
        blow = filtered(impulses(2 * RATE, [0.0], [1.0]), "highpass", 700, 1)
        for rim in rng.choice(rims, 2, replace=False):
            decay = rng.uniform(0.25, 1.2)
            modes = rim * np.array([1, 1.004, 2.32, 4.25]) * rng.normal(1, 0.01, 4)
            lay(out, struck(blow, modes, decay / np.array([1, 1, 1.5, 2.5]), [0.5, 0.4, 1, rng.uniform(0.4, 1)]), begin)
        lay(out, peaked(filtered(decaying(rng, 0.02, 0.008), "highpass", 3000)), begin, rng.uniform(0.1, 0.5))
        begin += rng.choice([rng.uniform(0.15, 0.5), rng.uniform(0.8, 2)])
    return out


def distant_blast(rng: np.random.Generator) -> Array:
    """Quarry or bomb from afar: the air keeps only the low end; hills give it back in rolls for seconds."""
    length, begin = seconds_of(rng, 4, 6), rng.uniform(0.1, 0.9)
    time = np.arange(length) / RATE
    roll = filtered(rng.standard_normal(length), "lowpass", rng.uniform(70, 260))
    echoes = np.zeros(length)
    for wait in [0.0, *rng.exponential(0.6, rng.integers(3, 9))]:
        late = np.maximum(0, time - begin - wait)
        echoes += (
            (late > 0)
            * np.minimum(1, late / rng.uniform(0.005, 0.05))
            * np.exp(-late / rng.uniform(0.2, 0.7))
            / (1 + 2 * wait)
        )
    return np.asarray(
        peaked(roll) * echoes + 0.3 * peaked(filtered(rng.standard_normal(length), "lowpass", 900)) * echoes**2
    )


def near_detonation(rng: np.random.Generator) -> Array:
    """Close by: a long Friedlander wave, a roar that darkens as it falls, and what comes down afterwards."""
    length, begin = seconds_of(rng, 4, 6), rng.uniform(0.1, 0.8)
    time, width = np.arange(length) / RATE, rng.uniform(0.008, 0.04)
    wave = filtered((1 - time / width) * np.exp(-time / width), "lowpass", 500)
    bands = ((2500, 0.08), (700, 0.25), (180, rng.uniform(0.5, 1.2)))
    roar = [peaked(filtered(rng.standard_normal(length), "lowpass", hz)) * np.exp(-time / fall) for hz, fall in bands]
    falling = (rng.random(length) < 0.004) * rng.standard_normal(length) * bump(length / RATE, 0.35)
    debris = filtered(falling, "bandpass", (rng.uniform(200, 600), rng.uniform(2000, 5000)), 1)
    out = np.zeros(length)
    levels = (rng.uniform(0.1, 0.5), rng.uniform(0.4, 0.9), 1.0)
    lay(out, peaked(wave) + summed([level * each for level, each in zip(levels, roar, strict=True)]), begin)
    lay(out, peaked(debris), begin + 0.2, rng.uniform(0.02, 0.15))
    return np.tanh(out * rng.uniform(0.8, 2))
