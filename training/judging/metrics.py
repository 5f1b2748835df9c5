"""The measures of the report: plain functions of scores, and of what is there."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import special

from handler.sensitivity import MAX_SENSITIVITY, MIN_SENSITIVITY, Sensitivity, thresholds

FloatArray = npt.NDArray[np.floating[Any]]
BoolArray = npt.NDArray[np.bool_]

SENSITIVITIES = tuple(range(MIN_SENSITIVITY, MAX_SENSITIVITY + 1))
_CANDIDATES = np.arange(0.2, 0.801, 0.02)
# What a threshold should leave two steps up and two steps down, on the draws that it is chosen on.
BEARABLE_PRECISION, BEARABLE_RECALL = 0.3, 0.1
_NOISE_MARGIN = 0.5  # on the logit scale
_NOISE_SHARE_TWO_UP = 0.05
_BEARABLE_WORTH = 0.05
HIGHEST_THRESHOLD = 0.98


# The share of windows at which tags are compared; the draws have 2 to 8 % of most tags that ship, 31 % of Music.
PREVALENCE = 0.05


def average_precision(scores: FloatArray, there: BoolArray, prevalence: float | None = None) -> float:
    """Area under the precision-recall steps: the mean of the precision down to each positive (0 without any).

    Args:
        scores: of each window.
        there: whether the window has the tag.
        prevalence: the share of windows that are to count as having the tag, in (0, 1): windows are weighted so that
            tags which are drawn more or less often can be compared (Siblini et al., "Master your metrics with
            calibration", 2020). None: as they were drawn.
    """
    hits = there[np.argsort(-scores, kind="stable")]
    if not hits.any() or hits.all():
        return float(hits.any())
    share = float(hits.mean()) if prevalence is None else prevalence
    found, false = np.cumsum(hits) * share / hits.sum(), np.cumsum(~hits) * (1 - share) / (~hits).sum()
    return float((found / (found + false))[hits].mean())


def usual_share(there: BoolArray) -> float:
    """The share of windows in which to expect a tag: as drawn, but at most PREVALENCE."""
    return min(float(there.mean()), PREVALENCE)


def weights_at(there: BoolArray, share: float) -> FloatArray:
    """Weights of windows, 1 on average, that put a tag into `share` of them (all 1 if all or no windows have it)."""
    drawn = float(there.mean())
    if drawn in (0.0, 1.0):
        return np.ones(len(there))
    return np.where(there, share / drawn, (1 - share) / (1 - drawn))


def precision_and_recall(
    scores: FloatArray, there: BoolArray, threshold: float, weights: FloatArray | None = None
) -> tuple[float, float]:
    """Precision (1 where nothing is found) and recall (1 where there is nothing to find) at a threshold."""
    counts, found = np.ones(len(scores)) if weights is None else weights, scores >= threshold
    both, num_found, num_there = (float(counts[each].sum()) for each in (found & there, found, there))
    return (both / num_found if num_found else 1.0), (both / num_there if num_there else 1.0)


def precision_recall_curve(scores: FloatArray, there: BoolArray, points: int) -> tuple[FloatArray, FloatArray]:
    """Recall and precision as the threshold falls, thinned to about `points` even steps of recall.

    The precision at a recall is the best that any threshold with at least this recall has (the usual interpolation).
    """
    hits = there[np.argsort(-scores, kind="stable")]
    if not hits.any():
        return np.zeros(0), np.zeros(0)
    precisions = (np.cumsum(hits) / np.arange(1, len(hits) + 1))[hits]
    best = np.maximum.accumulate(precisions[::-1])[::-1]
    recalls = np.arange(1, len(best) + 1) / len(best)
    kept = np.unique(np.linspace(0, len(best) - 1, points).round().astype(int))
    return recalls[kept], best[kept]


def moved_threshold(threshold: float, sensitivity: int) -> float:
    """A threshold at another sensitivity, computed by the handler."""
    return float(thresholds(np.array([threshold], np.float32), ("",), Sensitivity(sensitivity))[0])


def noise_floor(noise_scores: FloatArray, tags: int) -> float:
    """What a threshold must exceed, so that fewer than 1 in 1,000 * tags windows of noise have the tag.

    Half a step of sensitivity is added, as other noise may score a little higher. Two steps up, 1 in 20 may have it.

    Args:
        noise_scores: the tag's scores in windows of noise, in (0, 1).
        tags: how many tags share the allowance of 1 window in 1,000.
    """
    seldom, often = np.quantile(noise_scores, [1 - 1 / (1000 * tags), 1 - _NOISE_SHARE_TWO_UP], method="higher")
    return max(
        float(special.expit(special.logit(seldom) + _NOISE_MARGIN)), moved_threshold(float(often), MIN_SENSITIVITY)
    )


def best_threshold(scores: FloatArray, there: BoolArray, floor: float = 0.0) -> float:
    """The threshold between 0.2 and 0.8 with the highest harmonic mean of precision (weight 2) and recall (weight 1).

    Precision counts double, because tags are rarer in recordings than in these mixes. It is taken at the tag's usual
    share of windows.
    A threshold that stays bearable two steps up and two steps down gets 0.05 more. If all these thresholds are under
    `floor`, the result is the next hundredth above the floor (0.98 at most).
    """
    candidates = [float(each) for each in _CANDIDATES if each > floor]
    if not candidates:
        return min(HIGHEST_THRESHOLD, float(np.floor(floor * 100 + 1) / 100))
    merits = [_mean(scores, there, each) + _BEARABLE_WORTH * _is_bearable(scores, there, each) for each in candidates]
    return round(candidates[int(np.argmax(merits))], 2)


def _mean(scores: FloatArray, there: BoolArray, threshold: float) -> float:
    weights = weights_at(there, usual_share(there))
    precision, recall = precision_and_recall(scores, there, threshold, weights)
    return 3 * precision * recall / max(precision + 2 * recall, 1e-9)


def _is_bearable(scores: FloatArray, there: BoolArray, threshold: float) -> bool:
    precision, _ = precision_and_recall(scores, there, moved_threshold(threshold, MAX_SENSITIVITY))
    _, recall = precision_and_recall(scores, there, moved_threshold(threshold, MIN_SENSITIVITY))
    return precision >= BEARABLE_PRECISION and recall >= BEARABLE_RECALL


def reliability(
    scores: FloatArray, there: BoolArray, weights: FloatArray, bins: int = 10
) -> list[tuple[float, float, float]]:
    """For each bin of the score that is not empty: mean score, share of windows that have the tag, weight of all."""
    which = np.minimum((scores * bins).astype(int), bins - 1)
    rows = []
    for each in np.unique(which):
        inside = which == each
        mean, share = (float(np.average(of[inside], weights=weights[inside])) for of in (scores, there))
        rows.append((mean, share, float(weights[inside].sum())))
    return rows


def calibration_error(scores: FloatArray, there: BoolArray) -> float:
    """Expected calibration error: the mean distance of score and share, over the windows of the bins of `reliability`.

    Guo et al., "On Calibration of Modern Neural Networks" (2017), equation 3, for one tag's yes or no, at its usual
    share of windows.
    """
    if not len(scores):
        return 0.0
    rows = reliability(scores, there, weights_at(there, usual_share(there)))
    total = sum(windows for _, _, windows in rows)
    return sum(abs(score - share) * windows for score, share, windows in rows) / total
