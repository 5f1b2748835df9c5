"""Measures of one tag: plain functions of clips' scores, and of which clips have the tag."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from handler.arrays import Floats

Mask = npt.NDArray[np.bool_]


def area_under_curve(scores: Floats, there: Mask) -> float:
    """Area under the ROC curve: the share of pairs in which the clip that has the tag scores higher; ties count half.

    Args:
        scores: Of shape (clips,).
        there: Which clips have the tag, bool of shape (clips,); some do and some do not.
    """
    _, places, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[places]
    num_there, num_others = int(there.sum()), int((~there).sum())
    return float((ranks[there].sum() - num_there * (num_there + 1) / 2) / (num_there * num_others))


def average_precision(scores: Floats, there: Mask) -> float:
    """The sum of precision times gained recall over all thresholds, the highest first; equal scores fall together."""
    order = np.argsort(-scores, kind="stable")
    sorted_scores, hits = scores[order], there[order]
    last_of_equals = np.append(np.diff(sorted_scores) != 0, True)
    found = np.cumsum(hits)[last_of_equals]
    precision = found / (np.flatnonzero(last_of_equals) + 1)
    return float((precision * np.diff(found, prepend=0)).sum() / hits.sum())


def recall_at(scores: Floats, there: Mask, false_share: float) -> float:
    """The recall above the lowest threshold at which at most this share of the other clips counts as having the tag."""
    others = np.sort(scores[~there])[::-1]
    return float((scores[there] > others[int(false_share * len(others))]).mean())


def shares_found(scores: Floats, there: Mask, thresholds: Floats | np.float32) -> tuple[float, float]:
    """Recall and the share of false alarms: of the clips with and without the tag, those at or above a threshold.

    Args:
        scores: Of shape (clips,).
        there: Which clips have the tag, bool of shape (clips,).
        thresholds: One for all clips, or one for each.
    """
    found = scores >= thresholds
    return float(found[there].mean()), float(found[~there].mean())
