"""The network: the export equals it, sharing hops equals scoring whole windows, and odd input stays calm."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest
import torch
from torch import nn

from training.fitting.export import check_program, export_program, with_tags, without_batch_norm
from training.fitting.network import STEPS, LogMel, Served, Tagger
from training.settings import HOP_SAMPLES, ROOT
from training.tags import TAG_NAMES

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def tagger() -> Tagger:
    """Random weights, and batch norms that have seen something."""
    torch.manual_seed(3)
    tagger = Tagger(len(TAG_NAMES), 1).eval()
    for module in tagger.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.normal_(module.weight, 1, 0.2)
            nn.init.normal_(module.bias, 0, 0.1)
    return tagger


@pytest.fixture(scope="module")
def hops() -> torch.Tensor:
    return torch.randn(6, HOP_SAMPLES, generator=torch.Generator().manual_seed(0)) * 0.1


@torch.no_grad()
def test_sharing_hops_equals_scoring_every_window_by_itself(tagger: Tagger, hops: torch.Tensor) -> None:
    together = tagger(hops, torch.tensor([0, 3, 4, 1, 0]))
    alone = torch.cat([tagger(hops[start : start + 2], torch.tensor([0])) for start in (0, 3, 4, 1, 0)])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=0)


@torch.no_grad()
def test_a_hop_is_heard_by_itself(tagger: Tagger, hops: torch.Tensor) -> None:
    whole = tagger.encoder(tagger.log_mel(hops)[0])
    assert whole.shape[:2] == (6, STEPS)
    torch.testing.assert_close(whole[2:3], tagger.encoder(tagger.log_mel(hops[2:3])[0]), atol=1e-5, rtol=0)


def test_the_export_equals_the_network_and_keeps_its_description(
    tagger: Tagger, hops: torch.Tensor, tmp_path: Path
) -> None:
    served = Served(without_batch_norm(with_tags(tagger, [0, 4, 9]))).eval()
    program = export_program(served)
    assert check_program(program, served) <= 1e-5
    torch.export.save(program, tmp_path / "model.pt2", extra_files={"sense.json": json.dumps({"name": "test"})})
    with zipfile.ZipFile(tmp_path / "model.pt2") as parts:
        assert not any(str(ROOT).encode() in parts.read(name) for name in parts.namelist())
    extra = {"sense.json": ""}
    loaded = torch.export.load(tmp_path / "model.pt2", extra_files=extra).module()
    starts = torch.tensor([4, 0, 2])
    with torch.no_grad():
        expected = torch.sigmoid(tagger(hops, starts))[:, [0, 4, 9]]
        torch.testing.assert_close(loaded(hops, starts), expected, atol=1e-5, rtol=0)
    assert json.loads(extra["sense.json"]) == {"name": "test"}


@pytest.mark.parametrize(
    "sample",
    [0.0, 0.7, 1e30, float("nan"), float("inf"), -float("inf")],
    ids=["silence", "DC", "huge", "NaN", "inf", "-inf"],
)
@torch.no_grad()
def test_odd_input_gives_finite_probabilities(tagger: Tagger, sample: float) -> None:
    odd = torch.full((2, HOP_SAMPLES), sample)
    odd[1, ::3] = 0.01
    probabilities = Served(tagger)(odd, torch.tensor([0]))
    assert probabilities.isfinite().all()
    assert ((probabilities >= 0) & (probabilities <= 1)).all()


@pytest.mark.parametrize("gain_db", [-40, -20, -6])
@torch.no_grad()
def test_the_gain_of_a_recording_does_not_matter(tagger: Tagger, hops: torch.Tensor, gain_db: float) -> None:
    louder = tagger(hops, torch.arange(5))
    softer = tagger(hops * 10 ** (gain_db / 20), torch.arange(5))
    torch.testing.assert_close(softer, louder, atol=1e-3, rtol=0)


@torch.no_grad()
def test_every_mel_filter_hears_something_and_a_tone_lands_in_its_own() -> None:
    front = LogMel()
    assert (front.mel.sum(0) > 0).all()
    time = torch.arange(HOP_SAMPLES) / 16_000
    tones = torch.stack([torch.sin(2 * torch.pi * hertz * time) for hertz in (100.0, 440.0, 1000.0, 3000.0, 6500.0)])
    loudest = front(tones)[0].mean(1).argmax(1)
    centre = (front.mel * torch.linspace(0, 8000, 257)[:, None]).sum(0) / front.mel.sum(0)
    nearest = (centre[None] - torch.tensor([100.0, 440.0, 1000.0, 3000.0, 6500.0])[:, None]).abs().argmin(1)
    assert (loudest - nearest).abs().max() <= 1
