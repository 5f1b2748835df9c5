"""The figures of each tag, clip by clip."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from evaluation.measures import area_under_curve, average_precision, recall_at, shares_found
from evaluation.presence import ABSENT, THERE, UNKNOWN, Presence, presence
from evaluation.recordings import Recording
from handler.arrays import Floats
from handler.sensitivity import MAX_SENSITIVITY, MIN_SENSITIVITY, Sensitivity
from handler.sensitivity import thresholds as moved_thresholds

FALSE_SHARE = 0.02


@dataclass(frozen=True)
class TagFigures:
    """How one tag is heard. Shares are from 0 to 1.

    Attributes:
        tag: Its name.
        clips: That have it.
        sources: Groups of these.
        others: Clips that lack it.
        area_under_curve: Of the ROC curve.
        average_precision: With the clips as they are; it depends on how many have the tag.
        reachable_recall: At the lowest threshold with at most 2 % false alarms on these very clips.
        threshold: The one that is judged; the median where each clip has its own.
        recall: Share of the clips with the tag that reach the threshold.
        false_alarms: Share of the other clips that do.
    """

    tag: str
    clips: int
    sources: int
    others: int
    area_under_curve: float
    average_precision: float
    reachable_recall: float
    threshold: float
    recall: float
    false_alarms: float


def rounded(figures: TagFigures) -> TagFigures:
    """The same with four digits, for reports."""
    fields: dict[str, Any] = {
        name: round(each, 4) if isinstance(each, float) else each for name, each in asdict(figures).items()
    }
    return TagFigures(**fields)


def judged(
    recordings: Sequence[Recording],
    probabilities: Floats,
    tags: Sequence[str],
    thresholds: Floats,
    *,
    least_clips: int = 1,
) -> list[TagFigures]:
    """Judges a model's tags.

    Args:
        recordings: The clips.
        probabilities: float32 of shape (clips, tags), the highest of each clip's windows.
        tags: Their names.
        thresholds: float32 of shape (tags,), or (clips, tags) where each clip has its own.
        least_clips: Tags that fewer clips have, or lack, are left out.
    """
    known, thresholds = presence(recordings, tags), np.broadcast_to(thresholds, probabilities.shape)
    return [
        _figures(recordings, tag, probabilities[:, place], known[:, place], thresholds[:, place])
        for place, tag in enumerate(tags)
        if min((known[:, place] == THERE).sum(), (known[:, place] == ABSENT).sum()) >= max(1, least_clips)
    ]


def _figures(
    recordings: Sequence[Recording], tag: str, scores: Floats, known: Presence, thresholds: Floats
) -> TagFigures:
    certain = known != UNKNOWN
    kept, there = scores[certain], known[certain] == THERE
    recall, false_alarms = shares_found(kept, there, thresholds[certain])
    return TagFigures(
        tag=tag,
        clips=int(there.sum()),
        sources=len({recording.group for recording, each in zip(recordings, known, strict=True) if each == THERE}),
        others=int((~there).sum()),
        area_under_curve=area_under_curve(kept, there),
        average_precision=average_precision(kept, there),
        reachable_recall=recall_at(kept, there, FALSE_SHARE),
        threshold=float(np.median(thresholds)),
        recall=recall,
        false_alarms=false_alarms,
    )


def moved_means(
    recordings: Sequence[Recording],
    probabilities: Floats,
    tags: Sequence[str],
    thresholds: Floats,
    *,
    least_clips: int = 1,
) -> Iterator[str]:
    """A line for each sensitivity: mean recall and mean false alarms of the judged tags. Arguments as of `judged`."""
    for step in range(MIN_SENSITIVITY, MAX_SENSITIVITY + 1):
        moved = moved_thresholds(thresholds, tags, Sensitivity(step))
        figures = judged(recordings, probabilities, tags, moved, least_clips=least_clips)
        recall, false_alarms = np.mean([(each.recall, each.false_alarms) for each in figures], axis=0)
        yield f"sensitivity {step:+d}: mean recall {recall:.1%}, mean false alarms {false_alarms:.2%}"


def table(figures: Sequence[TagFigures]) -> Iterator[str]:
    """The figures as lines, the means last."""
    yield f"{'tag':24} clips sources others   AUC    AP  at 2 %  threshold  recall  false"
    for each in figures:
        yield (
            f"{each.tag:24} {each.clips:5} {each.sources:7} {each.others:6} {each.area_under_curve:.3f} "
            f"{each.average_precision:.3f}  {each.reachable_recall:6.1%}  {each.threshold:9.4f}  {each.recall:6.1%} "
            f"{each.false_alarms:6.2%}"
        )
    columns = ("area_under_curve", "average_precision", "reachable_recall", "recall", "false_alarms")
    area, precision, reachable, recall, false_alarms = (
        np.mean([getattr(each, column) for each in figures]) for column in columns
    )
    yield (
        f"{f'mean of {len(figures)} tags':24} {'':20} {area:.3f} {precision:.3f}  {reachable:6.1%}  {'':9}  "
        f"{recall:6.1%} {false_alarms:6.2%}"
    )
