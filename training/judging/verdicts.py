"""The verdict on each tag: its threshold, its figures on both sets, and whether it ships."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.judging.metrics import (
    PREVALENCE,
    SENSITIVITIES,
    BoolArray,
    FloatArray,
    average_precision,
    calibration_error,
    moved_threshold,
    precision_and_recall,
)

# A tag may ship when on both sets its average precision (as drawn) and the number of its windows are at least these.
SHIPPED_PRECISION, SHIPPED_WINDOWS = 0.60, 40
# Of those, the weakest are left out until the mean of their average precisions on held-out draws is at least this.
SHIPPED_MEAN = 0.90


@dataclass(frozen=True)
class Figures:
    """How well one tag is found.

    Attributes:
        windows_with: windows that have the tag.
        share_with: their share, of the windows where that is known.
        average_precision: area under its precision-recall steps, weighted as if a share of PREVALENCE had the tag.
        average_precision_as_drawn: the same at the share of the draws.
        precision: at its threshold, for each sensitivity from -2 to 2.
        recall: likewise.
        calibration_error: expected calibration error of its probability.
    """

    windows_with: int
    share_with: float
    average_precision: float
    average_precision_as_drawn: float
    precision: list[float]
    recall: list[float]
    calibration_error: float


@dataclass(frozen=True)
class Verdict:
    """What the judging found about one tag.

    Attributes:
        name: the tag.
        threshold: the probability from which it counts at sensitivity 0.
        noise_floor: what the threshold had to exceed, to keep noise quiet.
        held_out: figures on new draws from the sources of training.
        unseen: figures on sources that training never used.
    """

    name: str
    threshold: float
    noise_floor: float
    held_out: Figures
    unseen: Figures

    @property
    def may_ship(self) -> bool:
        """Whether the tag alone is good enough for the model file."""
        return all(
            each.average_precision_as_drawn >= SHIPPED_PRECISION and each.windows_with >= SHIPPED_WINDOWS
            for each in (self.held_out, self.unseen)
        )


def shipped_tags(verdicts: list[Verdict]) -> list[int]:
    """Indices of the tags that ship: all that may, without the weakest while the mean is under SHIPPED_MEAN."""

    def held_out(index: int) -> float:
        return verdicts[index].held_out.average_precision_as_drawn

    strongest = sorted((index for index, each in enumerate(verdicts) if each.may_ship), key=held_out, reverse=True)
    while strongest and np.mean([held_out(index) for index in strongest]) < SHIPPED_MEAN:
        strongest.pop()
    return sorted(strongest)


def figures(scores: FloatArray, there: BoolArray, threshold: float) -> Figures:
    """The figures of one tag."""
    moved = [moved_threshold(threshold, sensitivity) for sensitivity in SENSITIVITIES]
    rates = [precision_and_recall(scores, there, each) for each in moved]
    return Figures(
        int(there.sum()),
        round(float(there.mean()), 4),
        round(average_precision(scores, there, PREVALENCE), 4),
        round(average_precision(scores, there), 4),
        [round(precision, 4) for precision, _ in rates],
        [round(recall, 4) for _, recall in rates],
        round(calibration_error(scores, there), 4),
    )
