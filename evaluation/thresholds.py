"""Thresholds from recordings: as low as false alarms allow.

A tag's threshold is the probability that 2 % of the clips without the tag reach in one window or more. That needs no
clip that has the tag, so that every tag gets a threshold. A kind of sound (the data set's label, else the clip's tags)
counts by the square root of its clips: 400 babies crying do not decide alone what is taken for a laugh.
"""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from evaluation.presence import ABSENT, presence
from evaluation.recordings import Recording
from handler.arrays import Floats

FALSE_SHARE = 0.02
# A lower threshold would rest on the absence of sounds that are easily mistaken for the tag. With a higher one a tag
# could hardly be heard two steps of sensitivity down.
LOWEST, HIGHEST = 0.03, 0.9
# Fewer clips cannot show a share of 2 %.
LEAST_OTHERS = 50
_FOLDS = 10


def calibrated(recordings: Sequence[Recording], probabilities: Floats, tags: Sequence[str]) -> Floats:
    """Finds a model's thresholds.

    Args:
        recordings: The clips.
        probabilities: float32 of shape (clips, tags), the highest of each clip's windows.
        tags: Their names.

    Returns:
        float32 of shape (tags,), in [0.03, 0.9]; NaN where fewer than 50 clips lack the tag.
    """
    absent, weights = presence(recordings, tags) == ABSENT, _weights(recordings)
    return np.array(
        [_threshold(probabilities[of, tag], weights[of]) for tag, of in enumerate(absent.T)], dtype=np.float32
    )


def left_out_thresholds(recordings: Sequence[Recording], probabilities: Floats, tags: Sequence[str]) -> Floats:
    """Thresholds for each clip that were found without it, and without all that comes from the same place.

    Clips are divided into ten parts by origin, or by group where the origin is not known.

    Returns:
        float32 of shape (clips, tags), as `calibrated`.
    """
    parts = np.array([zlib.crc32((each.origin or each.group).encode()) % _FOLDS for each in recordings])
    thresholds = np.empty_like(probabilities)
    for part in np.unique(parts):
        others = np.flatnonzero(parts != part).tolist()
        thresholds[parts == part] = calibrated([recordings[place] for place in others], probabilities[others], tags)
    return thresholds


def _weights(recordings: Sequence[Recording]) -> npt.NDArray[np.float64]:
    kinds = [recording.label or recording.tags for recording in recordings]
    clips = Counter(kinds)
    return np.array([clips[kind] ** -0.5 for kind in kinds])


def _threshold(scores: Floats, weights: npt.NDArray[np.float64]) -> float:
    if len(scores) < LEAST_OTHERS:
        return float("nan")
    order = np.argsort(scores)
    below = np.cumsum(weights[order])
    place = np.searchsorted(below, (1 - FALSE_SHARE) * below[-1])
    return float(np.clip(scores[order][min(place, len(scores) - 1)], LOWEST, HIGHEST))
