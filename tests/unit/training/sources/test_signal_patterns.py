"""The generators of the tags that are told apart by rhythm, pitch and colour: do they have what their names say?"""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt
import pytest

from training.settings import RATE
from training.sources.signals import backgrounds, beeps, chimes
from training.sources.signals.tones import bursts, resonate, rhythm, sequence
from training.sources.trained_signals import TRAIN_SIGNALS, Generator
from training.tags import TAGS

Floats = npt.NDArray[np.float64]
SEEDS = range(4)


def drawn(generator: Generator, seed: int) -> Floats:
    return generator(np.random.default_rng(seed))


def share_below(samples: Floats, hertz: float) -> float:
    """The share of the energy that lies below a frequency."""
    power = np.square(np.abs(np.fft.rfft(samples)))
    return float(power[np.fft.rfftfreq(len(samples), 1 / RATE) < hertz].sum() / power.sum())


def envelope(samples: Floats, frame_seconds: float) -> Floats:
    frame = int(frame_seconds * RATE)
    framed = samples[: len(samples) // frame * frame].reshape(-1, frame)
    return np.asarray(np.sqrt(np.square(framed).mean(1)))


def onsets(samples: Floats) -> Floats:
    """Times in seconds at which the level comes up from below a tenth of its most to above."""
    loud = envelope(samples, 0.01)
    over = loud > 0.1 * loud.max()
    return np.asarray(np.flatnonzero(over[1:] & ~over[:-1]) * 0.01, np.float64)


@pytest.mark.parametrize("generator", [beeps.reversing_beep, beeps.reversing_noise, beeps.car_alarm_horn])
def test_what_repeats_does_so_at_one_pace(generator: Generator) -> None:
    for seed in SEEDS:
        steps = np.diff(onsets(drawn(generator, seed)))
        assert len(steps) >= 2
        assert np.ptp(steps) < 0.05
        assert 0.4 < steps.mean() < 1.6


def test_a_smoke_detector_beeps_high_or_at_520_hertz() -> None:
    for seed in range(12):
        samples = drawn(beeps.smoke_detector, seed)
        peak = np.argmax(np.abs(np.fft.rfft(samples))) * RATE / len(samples)
        assert 2500 < peak < 7300 or 440 < peak < 1800  # the horn may favour a harmonic


def test_appliances_beep_a_few_times_and_pause() -> None:
    for seed in SEEDS:
        samples = drawn(beeps.appliance_beeps, seed)
        assert 2 <= len(onsets(samples)) <= 40
        assert (envelope(samples, 0.05) < 1e-6).mean() > 0.2


def test_handling_a_microphone_is_a_dull_sound() -> None:
    for seed in SEEDS:
        assert share_below(drawn(backgrounds.handling, seed), 500) > 0.5


def test_a_bicycle_bell_is_a_bright_sound() -> None:
    for seed in SEEDS:
        assert share_below(drawn(chimes.bicycle_thumb_bell, seed), 1000) < 0.35


def test_stationary_noise_is_stationary_and_handling_is_not() -> None:
    def swing(generator: Generator) -> float:
        loud = envelope(drawn(generator, 5), 0.5)
        return float(loud.max() / loud.min())

    assert swing(backgrounds.resonant_noise) < 2 < swing(backgrounds.handling)


def test_every_later_tag_that_is_made_has_two_ways_of_making_it() -> None:
    ways = Counter(name for _, labels, *_ in TRAIN_SIGNALS for name in labels.present)
    assert {tag.name for tag in TAGS[20:] if ways[tag.name] == 1} == set()


def test_a_rhythm_keeps_its_step_and_its_seconds() -> None:
    times = rhythm(np.random.default_rng(0), 10, 0.5, 0.1)
    assert 0 <= times[0] < 0.6
    assert times[-1] < 10
    assert np.diff(times) == pytest.approx(0.5, rel=0.11)


def test_bursts_come_in_groups() -> None:
    steps = np.diff(bursts(np.random.default_rng(0), 20, (3, 3), 0.1, 2.0))
    assert list(steps[:5] > 0.5) == [False, False, True, False, False]


def test_a_sequence_places_each_piece_and_cuts_the_last() -> None:
    out = sequence(1.0, [0.0, 0.5, 0.9375, 1.5], lambda: np.ones(RATE // 8))
    assert list(np.flatnonzero(np.diff(out)) + 1) == [2000, 8000, 10000, 15000]


def test_a_resonator_lets_its_centre_through_at_about_one() -> None:
    impulse = np.zeros(RATE)
    impulse[0] = 1
    response = np.abs(np.fft.rfft(resonate(impulse, [1500.0], [80.0])))
    assert np.argmax(response) == pytest.approx(1500, abs=5)
    assert response[1500] == pytest.approx(1, rel=0.1)
    assert response[1540] == pytest.approx(response[1500] / np.sqrt(2), rel=0.1)
