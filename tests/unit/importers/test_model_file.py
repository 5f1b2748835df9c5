"""Only a file that the handler takes, and that does what the network does, is left behind."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from handler.model.file import METADATA_FILE
from importers.errors import ImporterError
from importers.model_file import Imported, write_model_file
from importers.served import OutputTag

TAGS = (OutputTag("Siren", "Emergency", 0.3, (1, 2)), OutputTag("Speech", "Human speech", 0.5, (0,)))


class Loudness(nn.Module):
    """Three classes: the mean amplitude, its half, and how loud the window begins."""

    def forward(self, samples: Tensor) -> Tensor:
        mean = samples.abs().mean(1).clamp(0, 1)
        return torch.stack((mean, mean / 2, samples[:, 0].abs().clamp(0, 1)), 1)


class Chance(nn.Module):
    def forward(self, samples: Tensor) -> Tensor:
        return torch.rand(samples.shape[0], 3)


class Logits(nn.Module):
    def forward(self, samples: Tensor) -> Tensor:
        return samples[:, :3] - 2


class Branching(nn.Module):
    def forward(self, samples: Tensor) -> Tensor:
        return samples[:, :3] if samples.sum() > 0 else samples[:, 3:6]


def imported(network: nn.Module) -> Imported:
    return Imported("loudness", "2.1", 8_000, network, TAGS, "made for a test", "made up, too")


def test_the_file_says_and_does_what_was_imported(tmp_path: Path) -> None:
    output = tmp_path / "new" / "model.pt2"
    model = write_model_file(imported(Loudness()), output)
    assert [path.name for path in output.parent.iterdir()] == ["model.pt2"]
    extra_files = {METADATA_FILE: ""}
    torch.export.load(output, extra_files=extra_files)
    assert json.loads(extra_files[METADATA_FILE]) == {
        "name": "loudness",
        "version": "2.1",
        "sample_rate": 8_000,
        "hop_seconds": 1,
        "window_hops": 2,
        "tags": [
            {"name": "Siren", "category": "Emergency", "threshold": 0.3},
            {"name": "Speech", "category": "Human speech", "threshold": 0.5},
        ],
        "training": "made for a test",
        "thresholds": "made up, too",
    }
    hops = torch.full((4, 8_000), 0.2)
    hops[2:, 0] = 0.75
    scores = torch.from_numpy(model.score(hops, torch.tensor([0, 2])))
    torch.testing.assert_close(scores, torch.tensor([[0.2, 0.2], [0.75, 0.2]]), atol=1e-3, rtol=0)


def test_a_program_that_differs_from_the_network_is_not_kept(tmp_path: Path) -> None:
    with pytest.raises(ImporterError, match="the exported program differs from the network by"):
        write_model_file(imported(Chance()), tmp_path / "model.pt2")
    assert list(tmp_path.iterdir()) == []


def test_a_network_that_cannot_be_exported_is_no_traceback(tmp_path: Path) -> None:
    with pytest.raises(ImporterError, match="PyTorch cannot export this network: "):
        write_model_file(imported(Branching()), tmp_path / "model.pt2")


def test_what_the_handler_refuses_is_not_kept(tmp_path: Path) -> None:
    (tmp_path / "model.pt2").write_bytes(b"an older one")
    with pytest.raises(ImporterError, match=r"model.pt2 could not be written: .*not probabilities"):
        write_model_file(imported(Logits()), tmp_path / "model.pt2")
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [b"an older one"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ImporterError, match=r"file/model.pt2 could not be written"):
        write_model_file(imported(Loudness()), tmp_path / "file" / "model.pt2")
