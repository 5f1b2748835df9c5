"""Models side by side on recordings that training never heard.

The toy model's tags are tones: Music 250 Hz, Speech 500 Hz, Siren 1,000 Hz; a tag's probability is the amplitude.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.io import wavfile

from evaluation.errors import EvaluationError
from evaluation.recordings import Recording
from training.__main__ import main
from training.judging.recordings_report import judge_recordings, recording_sets
from training.sources.recordings import HELD_OUT, split_of

RATE = 16_000


def write_tone(path: Path, hertz: float, amplitude: float) -> None:
    time = np.arange(3 * RATE) / RATE
    wavfile.write(path, RATE, (amplitude * np.sin(2 * np.pi * hertz * time) * 32767).astype(np.int16))


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """Six recordings of each tag in the split that judges; the last of each is too quiet to be found."""
    lines = []
    for tag, hertz in (("Music", 250), ("Speech", 500), ("Siren", 1000)):
        for each in range(6):
            name = f"{tag}-{each}.wav"
            write_tone(tmp_path / name, hertz, 0.3 if each == 5 else 0.8)
            lines.append({"path": name, "tags": [tag], "group": name, "split": "judge", "origin": f"example.org/{tag}"})
    (tmp_path / "manifest.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return tmp_path / "manifest.jsonl"


def report_of(manifest: Path, *models: Path) -> dict[str, Any]:
    judge_recordings(manifest, models, manifest.with_name("report.json"))
    return dict(json.loads(manifest.with_name("report.json").read_text()))


def test_each_models_tags_are_judged_on_each_set(
    manifest: Path, toy_model: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = report_of(manifest, toy_model)
    (judge,) = report["sets"].values()
    assert (judge["clips"], judge["origins"]["example.org/Siren"]) == (18, 6)
    ((title, figures),) = judge["models"].items()
    assert title == f"{report['model']} {report['version']}"
    siren = next(each for each in figures if each["tag"] == "Siren")
    assert (siren["clips"], siren["others"], siren["area_under_curve"]) == (6, 12, 1.0)
    assert siren["recall"] == pytest.approx(5 / 6, abs=1e-4)
    speech = next(each for each in judge["wrong_windows"][title] if each["kind"] == "speech")
    assert (speech["clips"], speech["windows"], speech["wrong"]) == (6, 12, 0)
    assert "judge, 18 clips, 3 tags" in capsys.readouterr().out


def test_every_split_that_only_judges_is_a_set_of_its_own(tmp_path: Path) -> None:
    splits = ("judge", "judge at night", "valid", "valid")
    recordings = [Recording(tmp_path, (), group=str(each), split=split) for each, split in enumerate(splits)]
    sets = recording_sets(recordings)
    assert {name: len(each) for name, each in sets.items()} == {"judge": 1, "judge at night": 1, "kept_aside": 2}


def test_what_is_wrong_with_the_recordings_is_said(manifest: Path, toy_model: Path) -> None:
    (manifest.parent / "Siren-0.wav").write_bytes(b"no audio")
    with pytest.raises(EvaluationError, match=r"Siren-0\.wav"):
        report_of(manifest, toy_model)


def test_the_step_asks_for_its_recordings(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recordings"]) == 1
    assert "python -m training recordings --recordings PLACE" in capsys.readouterr().err


def test_one_source_of_about_eight_is_kept_aside_and_all_that_the_list_gives_to_choose_on() -> None:
    splits = [split_of(Recording(Path("a"), (), group=str(each))) for each in range(4000)]
    assert 0.1 < np.mean([split == HELD_OUT for split in splits]) < 0.15
    assert all(split_of(Recording(Path("a"), (), group=str(each), split="valid")) == HELD_OUT for each in range(9))
