"""The measures of the report."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.judging.metrics import (
    average_precision,
    best_threshold,
    calibration_error,
    moved_threshold,
    noise_floor,
    precision_and_recall,
    precision_recall_curve,
    reliability,
    weights_at,
)

SEEDS = st.integers(0, 2**32 - 1)
SCORES, THERE = np.array([0.9, 0.8, 0.7, 0.6, 0.5]), np.array([True, False, True, False, True])


def test_average_precision_of_a_known_ranking() -> None:
    assert average_precision(SCORES, THERE) == pytest.approx((1 + 2 / 3 + 3 / 5) / 3)


def test_a_tag_drawn_half_as_often_has_the_same_average_precision_at_one_prevalence() -> None:
    rng = np.random.default_rng(3)
    there = np.arange(8000) < 800
    scores = there + rng.standard_normal(len(there))
    rarer = np.r_[0:400, 800:8000]
    often, seldom = (average_precision(scores[of], there[of], 0.05) for of in (np.arange(8000), rarer))
    assert seldom == pytest.approx(often, abs=0.03)
    assert average_precision(scores[rarer], there[rarer]) < average_precision(scores, there) - 0.05


def test_average_precision_at_the_prevalence_of_the_draws_is_that_of_the_draws() -> None:
    assert average_precision(SCORES, THERE, float(THERE.mean())) == pytest.approx(average_precision(SCORES, THERE))


@given(SEEDS, st.integers(1, 50), st.integers(1, 50))
def test_average_precision_is_1_for_a_perfect_ranking_and_never_outside_0_to_1(
    seed: int, positives: int, negatives: int
) -> None:
    rng, there = np.random.default_rng(seed), np.r_[np.ones(positives, bool), np.zeros(negatives, bool)]
    assert average_precision(there + 0.5 * rng.random(len(there)), there) == 1
    assert 0 < average_precision(rng.random(len(there)), there) <= 1


def test_precision_and_recall_at_a_threshold() -> None:
    scores, there = np.array([0.9, 0.6, 0.4, 0.1]), np.array([True, False, True, False])
    assert precision_and_recall(scores, there, 0.5) == (0.5, 0.5)
    assert precision_and_recall(scores, there, 0.95) == (1.0, 0.0)
    assert precision_and_recall(scores, np.zeros(4, bool), 0.95) == (1.0, 1.0)


def test_the_curve_of_a_known_ranking() -> None:
    recalls, precisions = precision_recall_curve(SCORES, THERE, points=10)
    assert recalls == pytest.approx([1 / 3, 2 / 3, 1])
    assert precisions == pytest.approx([1, 2 / 3, 3 / 5])
    assert len(precision_recall_curve(SCORES, np.zeros(5, bool), points=10)[0]) == 0


@given(SEEDS)
def test_a_threshold_stays_within_its_bounds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    assert 0.2 <= best_threshold(rng.random(50), rng.random(50) < 0.5) <= 0.8


def test_a_threshold_parts_what_can_be_parted() -> None:
    scores, there = np.r_[np.full(9, 0.45), np.full(9, 0.65)], np.r_[np.zeros(9, bool), np.ones(9, bool)]
    assert 0.45 < best_threshold(scores, there) <= 0.65


@given(SEEDS, st.floats(0, 0.97))
def test_a_threshold_exceeds_what_noise_reaches(seed: int, floor: float) -> None:
    rng = np.random.default_rng(seed)
    assert best_threshold(rng.random(50), rng.random(50) < 0.5, floor) > floor


def test_a_threshold_that_two_steps_ruin_is_taken_only_if_it_is_much_better() -> None:
    """Above 0.3 precision is best at sensitivity 0, but two steps down nothing is left there."""
    for false, expected in ((1, 0.2), (30, 0.32)):
        scores = np.r_[np.full(60, 0.66), np.full(false, 0.3), np.full(2000, 0.01)]
        there = np.arange(len(scores)) < 60
        chosen = best_threshold(scores, there)
        assert chosen == expected
        assert (precision_and_recall(scores, there, moved_threshold(chosen, -2))[1] > 0) == (false == 1)


@given(SEEDS, st.integers(1, 5))
def test_no_more_noise_passes_the_floor_than_is_allowed(seed: int, tags: int) -> None:
    scores = np.random.default_rng(seed).random(20_000) / 20
    floor = noise_floor(scores, tags)
    assert (scores > floor).mean() <= 1 / (1000 * tags)
    assert (scores > moved_threshold(floor, 2)).mean() <= 0.0501


def test_calibration_of_scores_that_mean_what_they_say() -> None:
    scores = np.r_[np.full(10, 0.25), np.full(10, 0.75)]
    there = np.r_[np.arange(10) < 2, np.arange(10) < 9]
    assert reliability(scores, there, np.ones(20)) == [(0.25, 0.2, 10), (0.75, 0.9, 10)]
    assert calibration_error(np.ones(4), np.ones(4, bool)) == 0


def test_precision_at_another_share_of_windows() -> None:
    there = np.arange(10) < 5
    weights = weights_at(there, 0.1)
    assert weights.mean() == pytest.approx(1)
    assert weights[there].sum() == pytest.approx(1)
    assert precision_and_recall(np.ones(10), there, 0.5, weights) == pytest.approx((0.1, 1))
