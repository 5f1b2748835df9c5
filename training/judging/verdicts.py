"""The verdict on each tag: its threshold, its figures on both sets, and whether it ships."""

from __future__ import annotations

from dataclasses import dataclass

from evaluation.judging import TagFigures
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

RECORDINGS, SYNTHESIS = "recordings", "synthesis"
# Synthesis judges a tag well when on both sets its average precision (as drawn) and its windows are at least these.
SHIPPED_PRECISION, SHIPPED_WINDOWS = 0.60, 40
# Recordings judge a tag well from this area under the ROC curve on, and keep it from shipping under the other.
SHIPPED_AREA, REFUSED_AREA = 0.90, 0.85
# What noise sounds like needs a high threshold. A tag that is then hardly ever found does not ship.
SHIPPED_RECALL = 0.20


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
        evidence: what its figures stand on: RECORDINGS or SYNTHESIS.
        recorded: figures on recordings that were kept aside; None where fewer than 3 have the tag.
        held_out: figures on new draws from the synthetic sources of training; None where none makes the tag.
        unseen: figures on synthetic sources that training never used, likewise.
    """

    name: str
    threshold: float
    evidence: str
    recorded: TagFigures | None
    held_out: Figures | None
    unseen: Figures | None

    @property
    def ships(self) -> bool:
        """Whether the tag is good enough for the model file."""
        if self.recorded and self.evidence == RECORDINGS:
            return self.recorded.area_under_curve >= SHIPPED_AREA and self.recorded.recall >= SHIPPED_RECALL
        if self.recorded and self.recorded.area_under_curve < REFUSED_AREA:
            return False
        made = self.held_out is not None and self.unseen is not None
        return made and all(
            each.average_precision_as_drawn >= SHIPPED_PRECISION and each.windows_with >= SHIPPED_WINDOWS
            for each in (self.held_out, self.unseen)
            if each is not None
        )


def figures(scores: FloatArray, there: BoolArray, threshold: float) -> Figures | None:
    """The figures of one tag; None where no window has it."""
    if not there.any():
        return None
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
