"""The generators of the tags that are told apart by rhythm, pitch and colour: do they have what their names say?"""

from __future__ import annotations

from collections import Counter

import numpy as np
import numpy.typing as npt
import pytest

from training.settings import RATE
from training.sources.signals.alerts import beeps, chimes
from training.sources.signals.blows import blasts, clicks, glass_and_dishes, steps_and_falls
from training.sources.signals.surroundings import animals, backgrounds, motors, people, water_and_weather
from training.sources.signals.tones import bursts, pulses, resonate, rhythm, sequence, voiced
from training.sources.trained_signals import TRAIN_SIGNALS, Generator
from training.tags import RECORDED_TAGS, TAGS

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


@pytest.mark.parametrize(
    ("generator", "hertz", "share"),
    [
        (steps_and_falls.heavy_fall, 400, 0.6),
        (steps_and_falls.dull_blow, 400, 0.7),
        (blasts.explosion, 700, 0.5),
        (blasts.distant_explosion, 500, 0.8),
        (water_and_weather.buffeting, 500, 0.8),
        (water_and_weather.pot_boiling, 1300, 0.8),
        (backgrounds.handling, 500, 0.5),
    ],
)
def test_dull_sounds_are_dull(generator: Generator, hertz: float, share: float) -> None:
    for seed in SEEDS:
        assert share_below(drawn(generator, seed), hertz) > share


@pytest.mark.parametrize(
    "generator",
    [
        chimes.bicycle_thumb_bell,
        glass_and_dishes.glass_shower,
        glass_and_dishes.cutlery,
        clicks.finger_snap,
        animals.bird_trill,
        animals.bird_calls,
        animals.thrush,
    ],
)
def test_bright_sounds_are_bright(generator: Generator) -> None:
    for seed in SEEDS:
        assert share_below(drawn(generator, seed), 1000) < 0.35


@pytest.mark.parametrize("generator", [clicks.switch_click, clicks.mouse_click])
def test_single_clicks_are_few_short_and_apart(generator: Generator) -> None:
    for seed in SEEDS:
        samples = drawn(generator, seed)
        times = onsets(samples)
        starts = times[np.diff(times, prepend=-1) > 0.1]
        assert 1 <= len(starts) <= 6
        assert (np.diff(starts) > 0.28).all()
        assert (envelope(samples, 0.05) > 0.01 * np.abs(samples).max()).sum() <= 2 * len(starts)


def test_keys_come_at_a_typists_pace() -> None:
    for seed in SEEDS:
        steps = np.diff(onsets(drawn(clicks.membrane_keyboard, seed)))
        assert 0.02 < np.median(steps) < 0.4


def test_a_bubble_rises_and_dies() -> None:
    samples = water_and_weather.bubble(np.random.default_rng(3), 600, 601)
    assert np.abs(samples[-200:]).max() < 0.1 * np.abs(samples).max()
    crossings = np.flatnonzero(np.diff(np.sign(samples)) > 0)
    assert crossings[1] - crossings[0] >= crossings[-1] - crossings[-2]
    assert 600 < RATE / np.diff(crossings).mean() < 1200


def test_stationary_noise_is_stationary_and_wind_is_not() -> None:
    def swing(generator: Generator) -> float:
        loud = envelope(drawn(generator, 5), 0.5)
        return float(loud.max() / loud.min())

    assert swing(backgrounds.resonant_noise) < 2 < swing(water_and_weather.buffeting)


@pytest.mark.parametrize(("generator", "low", "high"), [(animals.mosquito, 300, 1000), (motors.shaver, 45, 310)])
def test_small_motors_and_wings_have_one_pitch(generator: Generator, low: float, high: float) -> None:
    samples = drawn(generator, 2)[: 2 * RATE]
    spectrum = np.square(np.abs(np.fft.rfft(samples, 4 * RATE)))
    correlation = np.fft.irfft(spectrum)[: RATE // 40]
    lags = slice(int(RATE / high), int(RATE / low) + 1)
    assert correlation[lags].max() > 0.3 * correlation[0]


@pytest.mark.parametrize("generator", [people.snore, people.snore_noise])
def test_a_sleeper_breathes_every_few_seconds(generator: Generator) -> None:
    for seed in SEEDS:
        loud = envelope(drawn(generator, seed), 0.1)
        assert 0.2 < (loud > 0.1 * loud.max()).mean() < 0.9


def test_every_later_tag_has_two_ways_of_making_it() -> None:
    ways = Counter(name for _, labels, *_ in TRAIN_SIGNALS for name in labels.present)
    later = {tag.name for tag in TAGS[20:]} - {"Whisper"} - RECORDED_TAGS
    assert {name for name in later if ways[name] < 2} == set()


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


def test_pulses_come_once_per_period() -> None:
    out = pulses(np.full(RATE, 123.0))
    assert out.sum() == pytest.approx(123, abs=1)
    assert np.argmax(np.abs(np.fft.rfft(out))[1:]) + 1 == pytest.approx(123, abs=1)


def test_a_resonator_lets_its_centre_through_at_about_one() -> None:
    impulse = np.zeros(RATE)
    impulse[0] = 1
    response = np.abs(np.fft.rfft(resonate(impulse, [1500.0], [80.0])))
    assert np.argmax(response) == pytest.approx(1500, abs=5)
    assert response[1500] == pytest.approx(1, rel=0.1)
    assert response[1540] == pytest.approx(response[1500] / np.sqrt(2), rel=0.1)


def test_a_voice_is_loudest_near_its_formant() -> None:
    out = voiced(np.full(RATE, 200.0), [1400.0], 0.3, 0.0)
    assert np.argmax(np.abs(np.fft.rfft(out))) == pytest.approx(1400, abs=1)
