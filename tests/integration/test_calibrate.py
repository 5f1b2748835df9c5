"""`python -m importers calibrate`: labelled recordings move the thresholds of a model file, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from evaluation.scoring import read_model
from importers.__main__ import main
from tests.support.audio import tone
from tests.support.toy_model import SAMPLE_RATE, TONE_HERTZ, write_toy_model

SIREN = TONE_HERTZ["Siren"]


def write_clip(file: Path, hertz: float, amplitude: float) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(file, tone(hertz, amplitude, 2, SAMPLE_RATE), SAMPLE_RATE, subtype="FLOAT")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three sirens, and 60 streets with a whistling kettle: at 0.3 in one of them, under 0.2 in the rest."""
    for number, amplitude in enumerate((0.5, 0.7, 0.9)):
        write_clip(tmp_path / "sounds" / "Siren" / f"{number}.wav", SIREN, amplitude)
    for number in range(60):
        write_clip(tmp_path / "sounds" / "street" / f"{number}.wav", SIREN, 0.3 if number == 7 else 0.003 * number)
    return tmp_path / "sounds"


def test_thresholds_come_from_a_folder_of_ones_own(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model, wished = write_toy_model(tmp_path / "toy.pt2"), tmp_path / "thresholds.json"
    before = read_model(model)
    assert main(["calibrate", str(model), str(folder), "--json", str(wished)]) == 0
    after = read_model(model)
    thresholds = dict(zip(after.info.tags, after.info.thresholds.tolist(), strict=True))
    # Of 60 clips without a siren one is above 2 %: the second loudest kettle is the threshold.
    assert thresholds.pop("Siren") == pytest.approx(0.3, abs=0.13)
    assert set(thresholds.values()) == {0.5}  # no recording has these tags
    assert json.loads(wished.read_text()) == {"Siren": pytest.approx(after.info.thresholds[2])}
    assert (after.info.name, after.info.version) == (before.info.name, before.info.version)
    hops = np.random.default_rng(0).uniform(-0.5, 0.5, (3, SAMPLE_RATE)).astype(np.float32)
    inputs = torch.from_numpy(hops), torch.tensor([0, 1])
    np.testing.assert_array_equal(before.score(*inputs), after.score(*inputs))
    printed = capsys.readouterr().out
    assert "sensitivity +2: mean recall 100.0%" in printed
    assert printed.splitlines()[-1] == f"thresholds written to {model}: 1"


def test_says_what_is_missing(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = write_toy_model(tmp_path / "toy.pt2")
    content = model.read_bytes()
    for file in (folder / "street").iterdir():
        if file.stem != "7":
            file.unlink()
    assert main(["calibrate", str(model), str(folder)]) == 1
    assert "toy needs a clip that has a tag and 50 that lack it" in capsys.readouterr().err
    assert main(["calibrate", str(model), str(tmp_path / "nowhere")]) == 1
    assert "nowhere cannot be read" in capsys.readouterr().err
    assert model.read_bytes() == content
