"""Reading checkpoints: the forms that are published, and nothing that runs code."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from importers.checkpoint import read_state_dict
from importers.errors import ImporterError
from tests.support.seeded_checkpoints import write_checkpoint

WEIGHTS = {"fc.weight": torch.ones(2, 3)}


class Trap:
    """Runs code when it is unpickled."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return print, ("the file's code has run",)


@pytest.mark.parametrize(
    "content",
    [
        WEIGHTS,
        {"model": WEIGHTS, "iteration": 600_000},
        {"state_dict": {"module.fc.weight": WEIGHTS["fc.weight"]}, "epoch": 3},
        {"model": WEIGHTS, "sampler": {"indexes": np.arange(4), "pointer": np.int64(3), "mean": np.float64(0.5)}},
    ],
)
def test_finds_the_weights(tmp_path: Path, content: object) -> None:
    weights = read_state_dict(write_checkpoint(tmp_path / "a.pt", content))
    assert list(weights) == ["fc.weight"]
    assert torch.equal(weights["fc.weight"], WEIGHTS["fc.weight"])


def test_runs_no_code_of_the_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = write_checkpoint(tmp_path / "trap.pt", {"model": WEIGHTS, "trap": Trap()})
    with pytest.raises(ImporterError, match=r"trap.pt holds more than weights; loading that could run code"):
        read_state_dict(file)
    assert "has run" not in capsys.readouterr().out


def test_says_what_is_wrong_with_a_file(tmp_path: Path) -> None:
    text = tmp_path / "page.pt"
    text.write_text("<!DOCTYPE html>")
    with pytest.raises(ImporterError, match=r"page.pt cannot be read as a PyTorch checkpoint"):
        read_state_dict(text)
    with pytest.raises(ImporterError, match=r"missing.pt does not exist"):
        read_state_dict(tmp_path / "missing.pt")
    with pytest.raises(ImporterError, match=r"holds no weights"):
        read_state_dict(write_checkpoint(tmp_path / "list.pt", [1, 2]))
