"""What a network says about clips: scores of all windows, beside what is in them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from tqdm import tqdm

from training.fitting.network import Tagger
from training.judging.metrics import BoolArray, FloatArray
from training.mixes.batch import Batch, hops_of, window_starts
from training.tags import NUM_TAGS


@dataclass(frozen=True)
class ScoredWindows:
    """Windows with their scores and their labels.

    Attributes:
        scores: float32[windows, tags], probabilities.
        there: bool[windows, tags], whether the window has the tag.
        known: bool[windows, tags], whether `there` is known.
    """

    scores: FloatArray
    there: BoolArray
    known: BoolArray

    def of(self, tag: int) -> tuple[FloatArray, BoolArray]:
        """Scores of one tag and whether it is there, in the windows where that is known."""
        known = self.known[:, tag]
        return self.scores[known, tag], self.there[known, tag]

    def wrong(self, thresholds: FloatArray) -> BoolArray:
        """bool[windows, tags]: reported at these thresholds, and known not to be there."""
        return (self.scores >= thresholds) & self.known & ~self.there


@torch.no_grad()
def probabilities(tagger: Tagger, clips: torch.Tensor) -> FloatArray:
    """Clips [B, CLIP_SAMPLES] to probabilities [B * WINDOWS, tags]."""
    parts = [torch.sigmoid(tagger(hops_of(part), window_starts(len(part)))) for part in torch.split(clips, 32)]
    return np.asarray(torch.cat(parts).numpy())


def score_clips(tagger: Tagger, batches: Iterable[Batch], what: str) -> ScoredWindows:
    """Score all windows of some batches; `what` is the text of the progress bar."""
    parts = [
        (
            probabilities(tagger, batch.clips),
            *(each[..., :NUM_TAGS].flatten(0, 1) for each in (batch.targets, batch.known)),
        )
        for batch in tqdm(batches, desc=what, unit="batch", leave=False)
    ]
    scores, there, known = zip(*parts, strict=True)
    return ScoredWindows(np.concatenate(scores), torch.cat(there).numpy() > 0.5, torch.cat(known).numpy() > 0.5)
