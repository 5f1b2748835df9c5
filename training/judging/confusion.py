"""Which tags are taken for which: in recordings kept aside, else in single synthetic sounds that only judge."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from training.fitting.network import Tagger
from training.judging.clips import singles
from training.judging.held_out_recordings import LEAST_CLIPS, HeardRecordings
from training.judging.metrics import BoolArray, FloatArray
from training.judging.scored_windows import score_clips
from training.stems import StoredStem, read_split
from training.tags import TAG_NAMES

_CLIPS_PER_TAG = 120


@dataclass(frozen=True)
class Confusion:
    """Shares of recordings, or of windows of synthetic sounds.

    Attributes:
        tags: indices of the tags, for rows and columns.
        counts: how many recordings or windows have the tag of each row.
        recorded: whether the row is of recordings.
        shares: [rows, columns]: of those that have the row's tag, the share in which the column's tag is reported and
            wrong; on the diagonal the share in which the tag itself is reported. NaN in rows without any.
    """

    tags: list[int]
    counts: list[int]
    recorded: list[bool]
    shares: FloatArray

    def worst_pairs(self, count: int) -> list[dict[str, Any]]:
        """The most frequent mistakes."""
        mistakes = np.nan_to_num(self.shares)
        np.fill_diagonal(mistakes, 0)
        pairs = [np.unravel_index(place, mistakes.shape) for place in np.argsort(-mistakes, axis=None)[:count]]
        return [
            {
                "sound": TAG_NAMES[self.tags[row]],
                "reported": TAG_NAMES[self.tags[column]],
                "share": round(float(mistakes[row, column]), 4),
                "count": self.counts[row],
                "of": "recordings" if self.recorded[row] else "windows",
            }
            for row, column in pairs
            if mistakes[row, column] > 0
        ]


def confusion(
    tagger: Tagger, work: Path, thresholds: FloatArray, tags: list[int], kept_aside: HeardRecordings | None
) -> Confusion:
    """Count which of `tags` are reported where each of them sounds: in recordings where three or more have it."""
    unseen, rows, counts, recorded = read_split(work, "unseen"), [], [], []
    for tag in tags:
        reported = kept_aside.reported(tag, thresholds) if kept_aside else np.zeros((0, len(TAG_NAMES)), bool)
        recorded.append(len(reported) >= LEAST_CLIPS)
        if not recorded[-1]:
            having = [stem for stem in unseen if TAG_NAMES[tag] in stem.labels.present]
            reported = _reported_alone(tagger, having, tag, thresholds)
        counts.append(len(reported))
        rows.append(reported[:, tags].mean(0) if len(reported) else np.full(len(tags), np.nan))
    return Confusion(tags, counts, recorded, np.stack(rows))


def _reported_alone(tagger: Tagger, having: list[StoredStem], tag: int, thresholds: FloatArray) -> BoolArray:
    """bool[windows, tags]: what is wrongly reported, and the tag itself, in windows of single sounds that have it."""
    if not having:
        return np.zeros((0, len(TAG_NAMES)), bool)
    heard = score_clips(tagger, singles(having, _CLIPS_PER_TAG, 300 + tag), f"single sources: {TAG_NAMES[tag]}")
    reported = heard.wrong(thresholds)
    reported[:, tag] = heard.scores[:, tag] >= thresholds[tag]
    return np.asarray(reported[heard.there[:, tag]])
