"""What training minimises: the loss over what is known, and the disagreement within pairs."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from training.mixes.batch import WINDOWS, Batch
from training.tags import NUM_TAGS

_SMOOTHING = 0.02  # targets are 0.01 and 0.99: logits stay moderate, and with them the effect of a codec


def masked_loss(logits: Tensor, batch: Batch) -> Tensor:
    """Binary cross-entropy over what is known, the sum divided by how many tags are known.

    The targets of tags are smoothed. A teacher's word on AudioSet's classes is taken as it is.
    """
    targets, known = batch.targets.flatten(0, 1), batch.known.flatten(0, 1)
    smoothed = targets[:, :NUM_TAGS] * (1 - _SMOOTHING) + _SMOOTHING / 2
    aims = torch.cat([smoothed, targets[:, NUM_TAGS:]], 1)
    loss = functional.binary_cross_entropy_with_logits(logits, aims, reduction="none")
    return (loss * known).sum() / known[:, :NUM_TAGS].sum()


def disagreement(logits: Tensor, pairs: int) -> Tensor:
    """Mean squared difference of the probabilities of the clean and the coded one of each pair (the last clips)."""
    clean, coded = torch.sigmoid(logits[-2 * pairs * WINDOWS :, :NUM_TAGS]).chunk(2)
    return functional.mse_loss(clean, coded)
