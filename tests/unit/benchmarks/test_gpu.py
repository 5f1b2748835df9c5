from __future__ import annotations

from pathlib import Path

import pytest
import torch

from benchmarks.gpu import PRECISIONS, SINGLE, Loaded, difference, load, main, model_alone, speed_cell
from tests.support.toy_model import write_toy_model

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def toy(tmp_path_factory: pytest.TempPathFactory) -> Loaded:
    return load(write_toy_model(tmp_path_factory.mktemp("gpu") / "toy.pt2"), CPU)


def test_makes_inputs_that_the_model_takes(toy: Loaded) -> None:
    hops, starts = toy.inputs(5)
    assert hops.shape == (5, toy.hop_samples)
    assert hops.abs().max() <= 1
    assert starts.tolist() == list(range(5 - toy.window_hops + 1))
    assert len(toy.program(hops, starts)) == len(starts)


def test_single_precision_is_no_distance_from_itself(toy: Loaded) -> None:
    assert difference(toy, SINGLE).startswith("0.0e+00")


def test_tells_every_precision(toy: Loaded) -> None:
    text = model_alone(toy, [4, 8], seconds=0.001)
    assert all(precision.name in text for precision in PRECISIONS)
    assert "4 hops" in text
    assert "CUDA graph" not in text


def test_says_no_number_where_there_is_none() -> None:
    broken = Loaded(lambda hops, starts: hops.new_full((len(starts), 2), torch.nan), 10, 2, CPU)
    assert difference(broken, SINGLE) == "no number in 100.0%"


def test_a_way_that_fails_is_named_and_ends_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    def fail(hops: torch.Tensor, starts: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("out of memory")

    assert speed_cell(Loaded(fail, 10, 2, CPU), SINGLE, "eager", 4, 0.001) == "RuntimeError"
    assert "out of memory" in capsys.readouterr().err


@pytest.mark.skipif(torch.cuda.is_available(), reason="speaks of machines without a GPU")
def test_says_that_there_is_no_gpu(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["gpu", "--model", str(Path("none.pt2"))])
    assert main() == 1
    assert "no CUDA device" in capsys.readouterr().err
