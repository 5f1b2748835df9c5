"""A batch of mixed clips, and how its hops and windows lie in one tensor."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from training.settings import CLIP_HOPS, HOP_SAMPLES, WINDOW_HOPS

WINDOWS = CLIP_HOPS - WINDOW_HOPS + 1  # of a clip


@dataclass(frozen=True)
class Batch:
    """Mixed clips.

    Attributes:
        clips: float32[B, CLIP_SAMPLES].
        targets: float32[B, WINDOWS, tags, then AudioSet's classes], 1 where the window has the tag.
        known: float32 of the same shape, 0 where it is not known.
    """

    clips: Tensor
    targets: Tensor
    known: Tensor


def hops_of(clips: Tensor) -> Tensor:
    """Clips [B, CLIP_SAMPLES] as hops [B * CLIP_HOPS, HOP_SAMPLES]."""
    return clips.reshape(-1, HOP_SAMPLES)


def window_starts(clips: int) -> Tensor:
    """The first hop of every window in what `hops_of` gives for `clips` clips: int64[clips * WINDOWS]."""
    return (torch.arange(clips)[:, None] * CLIP_HOPS + torch.arange(WINDOWS)).flatten()
