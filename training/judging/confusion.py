"""Which tags are taken for which: sounds of one source each, from sources that training never used."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from training.fitting.network import Tagger
from training.judging.clips import singles
from training.judging.metrics import FloatArray
from training.judging.scored_windows import score_clips
from training.stems import read_split
from training.tags import TAG_NAMES

_CLIPS_PER_TAG = 120


@dataclass(frozen=True)
class Confusion:
    """Shares of windows.

    Attributes:
        tags: indices of the tags, for rows and columns.
        windows: how many windows have the tag of each row.
        shares: [rows, columns]: of the windows that have the row's tag, the share in which the column's tag is
            reported and wrong; on the diagonal the share in which the tag itself is reported. NaN in rows without
            windows.
    """

    tags: list[int]
    windows: list[int]
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
                "windows": self.windows[row],
            }
            for row, column in pairs
            if mistakes[row, column] > 0
        ]


def confusion(tagger: Tagger, work: Path, thresholds: FloatArray, tags: list[int]) -> Confusion:
    """Hear unseen sources one by one, and count which of `tags` are reported."""
    bank, windows, rows = read_split(work, "unseen"), [], []
    for tag in tags:
        having = [stem for stem in bank if TAG_NAMES[tag] in stem.labels.present]
        row, count = np.full(len(tags), np.nan), 0
        if having:
            heard = score_clips(tagger, singles(having, _CLIPS_PER_TAG, 300 + tag), f"single sources: {TAG_NAMES[tag]}")
            mine = heard.there[:, tag]
            counted = heard.wrong(thresholds)
            counted[:, tag] = heard.scores[:, tag] >= thresholds[tag]
            row, count = counted[mine][:, tags].mean(0), int(mine.sum())
        rows.append(row)
        windows.append(count)
    return Confusion(tags, windows, np.stack(rows))
