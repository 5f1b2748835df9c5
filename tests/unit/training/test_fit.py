"""The loss, the disagreement and the pace of training."""

from __future__ import annotations

import torch

from training.fit import disagreement, drawn_ahead, learning_rate, masked_loss, window_starts
from training.mixing import WINDOWS, Batch


def _batch(known: float) -> Batch:
    return Batch(
        torch.zeros(2, 4), torch.ones(2, WINDOWS, 3), torch.full((2, WINDOWS, 3), known) + torch.eye(3)[None, :1]
    )


def test_what_nobody_knows_does_not_count_in_the_loss() -> None:
    logits, altered = torch.zeros(2 * WINDOWS, 3), torch.zeros(2 * WINDOWS, 3)
    altered[:, 1:] = 50.0
    assert masked_loss(logits, _batch(0.0)) == masked_loss(altered, _batch(0.0))
    assert masked_loss(logits, _batch(1.0)) != masked_loss(altered, _batch(1.0))


def test_disagreement_compares_each_clean_clip_with_its_coded_one() -> None:
    pair = torch.randn(2 * WINDOWS, 3)
    fresh = torch.randn(5 * WINDOWS, 3)
    assert disagreement(torch.cat([fresh, pair, pair]), 2) < 1e-12
    assert disagreement(torch.cat([fresh, pair, -pair]), 2) > 1e-3


def test_windows_start_at_every_hop_of_a_clip_but_the_last() -> None:
    assert window_starts(2).tolist() == [0, 1, 2, 4, 5, 6]


def test_the_learning_rate_rises_then_falls() -> None:
    rates = [learning_rate(update, 5000) for update in (0, 150, 300, 2500, 4999)]
    assert rates[0] < rates[1] < rates[2] > rates[3] > rates[4] > 0


class _Counting:
    """In place of mixer and pool: numbered batches, each of as many clips as asked."""

    def __init__(self) -> None:
        self.calls = 0

    def draw(self, *counts: int) -> Batch:
        self.calls += 1
        clips = sum(counts)
        return Batch(
            torch.full((clips, 4), float(self.calls)), torch.zeros(clips, WINDOWS, 3), torch.ones(clips, WINDOWS, 3)
        )


def test_batches_come_in_their_order_and_one_is_mixed_ahead() -> None:
    mixer, pool = _Counting(), _Counting()
    batches = drawn_ahead(mixer, pool)  # type: ignore[arg-type]
    numbers = [float(next(batches).clips[0, 0]) for _ in range(4)]
    batches.close()
    assert numbers == [1, 2, 3, 4]
    assert (mixer.calls, pool.calls) == (5, 4)
