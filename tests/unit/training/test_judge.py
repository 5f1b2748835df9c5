"""The measures of the report."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from training.fit import disagreement, learning_rate, masked_loss, window_starts
from training.judge import average_precision, best_threshold, precision_and_recall
from training.mixing import WINDOWS, Batch


def test_average_precision_of_a_known_ranking() -> None:
    scores, targets = np.array([0.9, 0.8, 0.7, 0.6, 0.5]), np.array([1, 0, 1, 0, 1])
    assert average_precision(scores, targets) == pytest.approx((1 + 2 / 3 + 3 / 5) / 3)


@given(st.integers(0, 2**32 - 1), st.integers(1, 50), st.integers(1, 50))
def test_average_precision_is_1_for_a_perfect_ranking_and_never_outside_0_to_1(
    seed: int, positives: int, negatives: int
) -> None:
    rng, targets = np.random.default_rng(seed), np.r_[np.ones(positives), np.zeros(negatives)]
    assert average_precision(targets + 0.5 * rng.random(len(targets)), targets) == 1
    assert 0 < average_precision(rng.random(len(targets)), targets) <= 1


def test_precision_and_recall_at_a_threshold() -> None:
    scores, targets = np.array([0.9, 0.6, 0.4, 0.1]), np.array([1, 0, 1, 0])
    assert precision_and_recall(scores, targets, 0.5) == (0.5, 0.5)
    assert precision_and_recall(scores, targets, 0.95) == (1.0, 0.0)
    assert precision_and_recall(scores, np.zeros(4), 0.95) == (1.0, 1.0)


@given(st.integers(0, 2**32 - 1))
def test_a_threshold_stays_within_its_bounds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    assert 0.2 <= best_threshold(rng.random(50), rng.integers(0, 2, 50).astype(float)) <= 0.8


def test_a_threshold_parts_what_can_be_parted() -> None:
    scores, targets = np.r_[np.full(9, 0.45), np.full(9, 0.65)], np.r_[np.zeros(9), np.ones(9)]
    assert 0.45 < best_threshold(scores, targets) <= 0.65


def _batch(known: float) -> Batch:
    return Batch(
        torch.zeros(2, 4), torch.ones(2, WINDOWS, 3), torch.full((2, WINDOWS, 3), known) + torch.eye(3)[None, :1]
    )


def test_what_nobody_knows_does_not_count_in_the_loss() -> None:
    logits, altered = torch.zeros(2 * WINDOWS, 3), torch.zeros(2 * WINDOWS, 3)
    altered[:, 1:] = 50.0
    assert masked_loss(logits, _batch(0.0)) == masked_loss(altered, _batch(0.0))
    assert masked_loss(logits, _batch(1.0)) != masked_loss(altered, _batch(1.0))


def test_disagreement_compares_each_clean_clip_with_its_coded_one() -> None:
    pair = torch.randn(2 * WINDOWS, 3)
    fresh = torch.randn(5 * WINDOWS, 3)
    assert disagreement(torch.cat([fresh, pair, pair]), 2) < 1e-12
    assert disagreement(torch.cat([fresh, pair, -pair]), 2) > 1e-3


def test_windows_start_at_every_hop_of_a_clip_but_the_last() -> None:
    assert window_starts(2).tolist() == [0, 1, 2, 4, 5, 6]


def test_the_learning_rate_rises_then_falls() -> None:
    rates = [learning_rate(update, 5000) for update in (0, 150, 300, 2500, 4999)]
    assert rates[0] < rates[1] < rates[2] > rates[3] > rates[4] > 0
