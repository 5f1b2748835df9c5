"""Networks of seeded weights against what the published code gave for the same weights and sounds.

docs/importing.md says which code, at which commits, and how it compares at full size.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from importers.efficientat import EfficientAt, MobileNet, Variant, variant_of
from importers.errors import ImporterError
from importers.folding import fold_batch_norms
from importers.panns import Panns
from tests.support.seeded_checkpoints import efficientat_weights, panns_weights, scene

REFERENCES = json.loads((Path(__file__).parents[2] / "data" / "imported_references.json").read_text())


def windows(sample_rate: int) -> Tensor:
    """The scene's three windows."""
    hops = torch.from_numpy(scene(sample_rate)).view(-1, sample_rate)
    return torch.cat((hops[:-1], hops[1:]), 1)


@torch.no_grad()
def first_probabilities(network: nn.Module, sample_rate: int, expected: Tensor) -> Tensor:
    probabilities: Tensor = network.eval()(windows(sample_rate))
    return probabilities[:, : expected.shape[1]]


def test_efficientat_gives_what_its_authors_code_gives() -> None:
    expected = torch.tensor(REFERENCES["efficientat"])
    actual = first_probabilities(EfficientAt(efficientat_weights(), Variant()), 32_000, expected)
    torch.testing.assert_close(actual, expected, atol=1e-4, rtol=0)


@pytest.mark.parametrize("sample_rate", [32_000, 16_000])
def test_panns_gives_what_its_authors_code_gives(sample_rate: int) -> None:
    expected = torch.tensor(REFERENCES[f"panns_{sample_rate}"])
    network = Panns(panns_weights(sample_rate))
    assert network.sample_rate == sample_rate
    actual = first_probabilities(network, sample_rate, expected)
    torch.testing.assert_close(actual, expected, atol=1e-4, rtol=0)


def test_folding_leaves_no_batch_norm_and_the_same_answers() -> None:
    weights = efficientat_weights()
    network = MobileNet(weights, (2, 2, 2, 2)).eval()
    network.load_state_dict(weights)
    image = torch.randn(2, 1, 128, 50, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        before = network(image)
        after = fold_batch_norms(network)(image)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in network.modules())
    torch.testing.assert_close(after, before, atol=1e-3, rtol=1e-4)


@pytest.mark.parametrize(
    ("file_name", "expected"),
    [
        ("mn10_as_mAP_471.pt", Variant()),
        ("mn40_as_ext_mAP_487.pt", Variant()),
        ("mn10_as_mels_40_mAP_453.pt", Variant(num_mels=40)),
        ("mn10_as_hop_15_mAP_463.pt", Variant(hop_milliseconds=15)),
        ("mn10_as_fc_s2211_mAP_466.pt", Variant(strides=(2, 2, 1, 1))),
        ("renamed.pt", Variant()),
    ],
)
def test_reads_the_variant_off_the_published_name(file_name: str, expected: Variant) -> None:
    assert variant_of(file_name) == expected


def test_strides_and_bands_change_the_answer() -> None:
    weights, samples = efficientat_weights(), windows(32_000)
    variants = Variant(), Variant(num_mels=64), Variant(hop_milliseconds=15), Variant(strides=(2, 2, 1, 1))
    with torch.no_grad():
        answers = [EfficientAt(weights, variant).eval()(samples) for variant in variants]
    for answer in answers[1:]:
        assert answer.shape == answers[0].shape
        assert (answer - answers[0]).abs().max() > 0.01


def test_refuses_other_networks() -> None:
    weights = efficientat_weights()
    with pytest.raises(ImporterError, match="not a checkpoint of PANNs' Cnn14: it has no 'spectrogram_extractor"):
        Panns(weights)
    with pytest.raises(ImporterError, match="not a checkpoint of an EfficientAT MobileNet"):
        EfficientAt(panns_weights(16_000), Variant())
    with pytest.raises(ImporterError, match="size mismatch for features.3.block.0.1.weight"):
        EfficientAt({**weights, "features.3.block.0.1.weight": torch.zeros(9)}, Variant())
    with pytest.raises(ImporterError, match="Unexpected key.*features.3.extra"):
        EfficientAt({**weights, "features.3.extra": torch.zeros(1)}, Variant())
    with pytest.raises(ImporterError, match="excitation over bands or frames"):
        EfficientAt({**weights, "features.4.block.1.conc_se_layers.1.fc1.weight": torch.zeros(8, 8)}, Variant())
