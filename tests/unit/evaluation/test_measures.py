from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu

from evaluation.measures import Mask, area_under_curve, average_precision, recall_at, shares_found
from handler.arrays import Floats

# Few different scores, so that there are ties.
clips = st.lists(st.tuples(st.integers(0, 8), st.booleans()), min_size=2, max_size=60).filter(
    lambda drawn: len({there for _, there in drawn}) == 2
)


def arrays(drawn: list[tuple[int, bool]]) -> tuple[Floats, Mask]:
    scores, there = zip(*drawn, strict=True)
    return (np.array(scores) / 8).astype(np.float32), np.array(there)


@given(clips)
def test_area_is_that_of_the_rank_sum_test(drawn: list[tuple[int, bool]]) -> None:
    scores, there = arrays(drawn)
    statistic = mannwhitneyu(scores[there], scores[~there]).statistic
    assert area_under_curve(scores, there) == pytest.approx(statistic / (there.sum() * (~there).sum()))


@given(clips)
def test_average_precision_sums_over_all_thresholds(drawn: list[tuple[int, bool]]) -> None:
    scores, there = arrays(drawn)
    summed, recall_before = 0.0, 0.0
    for threshold in sorted(set(scores.tolist()), reverse=True):
        found = scores >= threshold
        recall = float(there[found].sum() / there.sum())
        summed += (recall - recall_before) * float(there[found].mean())
        recall_before = recall
    assert average_precision(scores, there) == pytest.approx(summed)


@given(clips, st.sampled_from([0.0, 0.02, 0.1, 0.5]))
def test_recall_is_the_best_of_all_thresholds_with_few_false_alarms(
    drawn: list[tuple[int, bool]], false_share: float
) -> None:
    scores, there = arrays(drawn)
    thresholds = [*np.unique(scores).tolist(), 2.0]
    shares = [shares_found(scores, there, np.float32(threshold)) for threshold in thresholds]
    best = max(recall for recall, false_alarms in shares if false_alarms <= false_share)
    assert recall_at(scores, there, false_share) == pytest.approx(best)


def test_a_threshold_is_reached_by_a_score_of_the_same_value() -> None:
    scores, there = np.array([0.1, 0.3, 0.3, 0.2], np.float32), np.array([True, True, False, False])
    assert shares_found(scores, there, np.float32(0.3)) == (0.5, 0.5)
