"""A network that has grown: it answers as before, it can learn, and what it cannot grow from is named."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from training.__main__ import main
from training.fitting.checkpoint import Schedule, State
from training.fitting.deeper_network import grow
from training.fitting.network import Residual, Tagger
from training.settings import HOP_SAMPLES

# Of the encoder's layers, those that the network had before it grew.
BEFORE = (0, 1, 2, 3, 4, 5, 6, 7, 9, 10)
NEW_BLOCKS = (8, 11, 12)
UPDATES = 70


def shallow_state() -> State:
    """The network as it was before, with weights and batch norms that have seen something."""
    state = State.fresh()
    torch.manual_seed(5)
    for tagger in (state.tagger, state.average):
        tagger.encoder.layers = nn.Sequential(*(tagger.encoder.layers[index] for index in BEFORE))
        for name, each in tagger.named_parameters():
            if name.startswith(("encoder", "head")):
                each.data.add_(0.05 * torch.randn_like(each))
        for module in tagger.modules():
            if isinstance(module, nn.BatchNorm2d) and module.running_mean is not None:
                module.running_mean.normal_(0, 0.1)
    state.update = UPDATES
    return state


@pytest.fixture
def shallow(tmp_path: Path) -> Path:
    """A checkpoint as the version before wrote it: without a schedule."""
    path = tmp_path / "shallow.pt"
    shallow_state().save(path)
    parts = torch.load(path, weights_only=True)
    del parts["schedule"]
    torch.save(parts, path)
    return path


def grown(shallow: Path) -> State:
    checkpoint, state = shallow.parent / "work" / "checkpoint.pt", State.fresh()
    grow(shallow, checkpoint)
    state.load(checkpoint)
    return state


@torch.no_grad()
def answers(tagger: Tagger) -> torch.Tensor:
    hops = torch.randn(4, HOP_SAMPLES, generator=torch.Generator().manual_seed(0)) * 0.1
    logits: torch.Tensor = tagger.eval()(hops, torch.arange(3))
    return logits


def test_a_grown_network_answers_as_the_shallow_one_did(shallow: Path) -> None:
    before, after = shallow_state(), grown(shallow)
    torch.testing.assert_close(answers(after.tagger), answers(before.tagger), atol=1e-5, rtol=0)
    torch.testing.assert_close(answers(after.average), answers(before.average), atol=1e-5, rtol=0)
    assert (answers(after.tagger) - answers(after.average)).abs().max() > 1e-2


def test_it_goes_on_from_where_it_was_at_a_pace_of_its_own(shallow: Path) -> None:
    state = grown(shallow)
    assert state.update == state.schedule.first_update == UPDATES
    assert state.schedule.learning_rate(UPDATES, 10_000) < 1e-4
    assert state.schedule.peak_rate < Schedule().peak_rate


def test_new_blocks_can_learn_though_they_add_nothing_yet(shallow: Path) -> None:
    tagger = grown(shallow).tagger.train()
    torch.autograd.backward(tagger(torch.randn(4, HOP_SAMPLES) * 0.1, torch.arange(3)).square().mean())
    for index in NEW_BLOCKS:
        block = tagger.encoder.layers[index]
        assert isinstance(block, Residual)
        norm = block.conv[1]
        assert isinstance(norm, nn.BatchNorm2d)
        assert not norm.weight.any()
        assert norm.weight.grad is not None
        assert norm.weight.grad.abs().max() > 0


def refusal(capsys: pytest.CaptureFixture[str], shallow: Path, work: Path) -> str:
    """The one line that the command says."""
    assert main(["grow", str(shallow), "--work", str(work)]) == 1
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    return line


def test_a_checkpoint_that_is_there_is_kept(shallow: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "checkpoint.pt").write_text("hours of work")
    assert "exists already; move it away" in refusal(capsys, shallow, tmp_path)
    assert (tmp_path / "checkpoint.pt").read_text() == "hours of work"


def test_a_missing_file_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "nowhere.pt is missing" in refusal(capsys, tmp_path / "nowhere.pt", tmp_path)


@pytest.mark.parametrize("kind", ["text", "deep", "headless", "bare"])
def test_what_it_cannot_grow_from_is_named(
    shallow: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], kind: str
) -> None:
    parts = torch.load(shallow, weights_only=True)
    if kind == "text":
        shallow.write_text("no weights")
    elif kind == "deep":  # a network that has grown already
        State.fresh().save(shallow)
    elif kind == "headless":
        torch.save(
            parts | {"tagger": {name: each for name, each in parts["tagger"].items() if "head." not in name}}, shallow
        )
    else:  # weights without what training keeps beside them
        torch.save(parts["tagger"], shallow)
    assert "shallow.pt is not a checkpoint" in refusal(capsys, shallow, tmp_path / "work")
    assert not (tmp_path / "work").exists()
