"""The loss, the disagreement and the pace of training; what a checkpoint keeps, and which ones are refused."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from training.errors import TrainingError
from training.fitting.checkpoint import State, learning_rate
from training.fitting.fit import drawn_ahead
from training.fitting.losses import disagreement, masked_loss
from training.mixes.batch import WINDOWS, Batch, window_starts
from training.tags import NUM_TAGS

TARGETS = NUM_TAGS + 3  # the tags, and three classes


def _batch(known_tags: int, known_classes: int = 0) -> Batch:
    known = torch.zeros(2, WINDOWS, TARGETS)
    known[..., :known_tags] = known[..., NUM_TAGS : NUM_TAGS + known_classes] = 1
    return Batch(torch.zeros(2, 4), torch.ones(2, WINDOWS, TARGETS), known)


def test_what_nobody_knows_does_not_count_in_the_loss() -> None:
    logits, altered = torch.zeros(2 * WINDOWS, TARGETS), torch.zeros(2 * WINDOWS, TARGETS)
    altered[:, 1:] = 50.0
    assert masked_loss(logits, _batch(1)) == masked_loss(altered, _batch(1))
    assert masked_loss(logits, _batch(2)) != masked_loss(altered, _batch(2))


def test_classes_add_to_the_loss_of_the_tags() -> None:
    logits = torch.zeros(2 * WINDOWS, TARGETS)
    alone, with_classes = masked_loss(logits, _batch(4)), masked_loss(logits, _batch(4, 3))
    assert with_classes - alone == pytest.approx(3 / 4 * math.log(2))


def test_disagreement_compares_each_clean_clip_with_its_coded_one() -> None:
    pair = torch.randn(2 * WINDOWS, 3)
    fresh = torch.randn(5 * WINDOWS, 3)
    assert disagreement(torch.cat([fresh, pair, pair]), 2) < 1e-12
    assert disagreement(torch.cat([fresh, pair, -pair]), 2) > 1e-3


def test_windows_start_at_every_hop_of_a_clip_but_the_last() -> None:
    assert window_starts(2).tolist() == [0, 1, 2, 4, 5, 6]


@given(st.integers(301, 50_000))
def test_the_learning_rate_rises_then_falls(updates: int) -> None:
    rates = [learning_rate(update, updates) for update in range(0, updates + 1, max(1, updates // 500))]
    peak = rates.index(max(rates))
    assert rates[: peak + 1] == sorted(rates[: peak + 1])
    assert rates[peak:] == sorted(rates[peak:], reverse=True)
    assert learning_rate(updates, updates) == pytest.approx(learning_rate(299, updates) / 100)


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


def test_a_checkpoint_keeps_weights_and_progress(tmp_path: Path) -> None:
    state, again = State.fresh(), State.fresh()
    torch.nn.init.ones_(state.tagger.head.score.weight)
    state.update = 7
    state.save(tmp_path / "checkpoint.pt")
    again.load(tmp_path / "checkpoint.pt")
    assert again.update == 7
    assert again.tagger.head.score.weight.eq(1).all()
    assert not again.average.head.score.weight.eq(1).any()
    assert [each.name for each in tmp_path.iterdir()] == ["checkpoint.pt"]


def _altered(path: Path, part: str) -> None:
    """Write a checkpoint of another version: without its progress, or of another network."""
    State.fresh().save(path)
    parts = torch.load(path, weights_only=True)
    if part == "update":
        del parts["update"]
    else:
        parts["tagger"]["encoder.layers.0.0.weight"] = torch.zeros(1)
    torch.save(parts, path)


@pytest.mark.parametrize("part", ["update", "tagger"])
def test_a_checkpoint_of_another_version_is_named_in_one_line_with_what_to_do(tmp_path: Path, part: str) -> None:
    path = tmp_path / "checkpoint.pt"
    _altered(path, part)
    with pytest.raises(TrainingError) as refused:
        State.fresh().load(path)
    text = str(refused.value)
    assert text.startswith(f"{path} is of another version")
    assert "move it away" in text
    assert "\n" not in text


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"PK\x03\x04", b"\x80\x02]q\x00."], ids=["empty", "text", "zip", "list"]
)
def test_a_file_that_is_no_checkpoint_is_named_in_one_line(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "checkpoint.pt"
    path.write_bytes(content)
    with pytest.raises(TrainingError, match=r"checkpoint\.pt is not a checkpoint") as refused:
        State.fresh().load(path)
    assert "\n" not in str(refused.value)
