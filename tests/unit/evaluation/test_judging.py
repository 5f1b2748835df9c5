"""The toy's probabilities are the amplitudes of tones, so that every figure can be worked out by hand."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from evaluation.__main__ import main
from evaluation.errors import EvaluationError
from evaluation.judging import judged
from evaluation.recordings import Recording
from evaluation.scoring import clip_probabilities, read_model, window_probabilities
from tests.support.audio import encode, tone
from tests.support.torchserve_worker import Worker
from tests.support.toy_model import SAMPLE_RATE, TONE_HERTZ

SIREN, SPEECH = TONE_HERTZ["Siren"], TONE_HERTZ["Speech"]


def clip(folder: Path, name: str, hertz: float, amplitude: float, seconds: float) -> Path:
    path = folder / name
    path.write_bytes(encode(tone(hertz, amplitude, seconds, SAMPLE_RATE), SAMPLE_RATE, "wav"))
    return path


@pytest.fixture
def clips(tmp_path: Path) -> list[Recording]:
    """Sirens at 0.8, 0.6 and, in a clip of 1 s that is padded to 2 s, 0.7 / 2; speech that is taken for a siren."""
    sirens = [
        clip(tmp_path, f"siren-{amplitude}.wav", SIREN, amplitude, seconds)
        for amplitude, seconds in ((0.8, 3), (0.6, 2), (0.7, 1))
    ]
    speech = [clip(tmp_path, "calm.wav", SPEECH, 0.6, 4), clip(tmp_path, "shrill.wav", SIREN, 0.55, 2)]
    groups = ["a", "b", "b", "c", "d"]
    tags = [("Siren",)] * 3 + [("Speech",)] * 2
    return [Recording(path, of, group=group) for path, of, group in zip([*sirens, *speech], tags, groups, strict=True)]


def test_figures_are_those_of_the_tones(toy_model: Path, clips: list[Recording]) -> None:
    model = read_model(toy_model)
    probabilities = clip_probabilities(model, clips)
    siren = model.info.tags.index("Siren")
    np.testing.assert_allclose(probabilities[:, siren], [0.8, 0.6, 0.35, 0, 0.55], atol=2e-3)
    speech, siren_figures = judged(clips, probabilities, model.info.tags, model.info.thresholds)
    assert (speech.tag, siren_figures.tag) == ("Speech", "Siren")
    assert (siren_figures.clips, siren_figures.sources, siren_figures.others) == (3, 2, 2)
    assert siren_figures.area_under_curve == pytest.approx(5 / 6)
    assert siren_figures.average_precision == pytest.approx((1 + 1 + 3 / 4) / 3)
    assert siren_figures.reachable_recall == pytest.approx(2 / 3)
    assert (siren_figures.threshold, siren_figures.false_alarms) == (0.5, 0.5)
    assert siren_figures.recall == pytest.approx(2 / 3)
    assert judged(clips, probabilities, model.info.tags, model.info.thresholds, least_clips=3) == []


def test_windows_are_those_of_the_server(toy_model: Path, clips: list[Recording]) -> None:
    worker = Worker(toy_model)
    for recording, windows in zip(clips, window_probabilities(read_model(toy_model), clips), strict=True):
        headers = {"Content-Type": "audio/wav", "X-All-Probabilities": "1"}
        (answer,) = worker.answer({"headers": headers, "body": recording.path.read_bytes()})
        served = [list(window["probabilities"].values()) for window in json.loads(answer.body)["data"]]
        np.testing.assert_allclose(windows, served, atol=1e-5)


def test_names_the_file_that_is_no_audio(toy_model: Path, tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("no sound, but a text")
    for name, problem in (("text.wav", "text.wav: "), ("absent.wav", "absent.wav cannot be read: No such file")):
        with pytest.raises(EvaluationError, match=problem):
            clip_probabilities(read_model(toy_model), [Recording(tmp_path / name, ())])


def test_the_command_prints_each_tag_and_each_sensitivity(
    toy_model: Path, clips: list[Recording], capsys: pytest.CaptureFixture[str]
) -> None:
    manifest = clips[0].path.parent / "manifest.jsonl"
    lines = [{"path": each.path.name, "tags": list(each.tags), "group": each.group} for each in clips]
    manifest.write_text("\n".join(map(json.dumps, lines)))
    assert main([str(toy_model), str(manifest), "--least-clips", "2"]) == 0
    lines_printed = capsys.readouterr().out.splitlines()
    assert lines_printed[0] == "toy 1, 5 clips"
    assert [line.split()[0] for line in lines_printed[2:4]] == ["Speech", "Siren"]
    # At +1 the threshold is 0.27: every siren is found, and the shrill voice still taken for one.
    assert lines_printed[-2] == "sensitivity +1: mean recall 75.0%, mean false alarms 25.00%"
    assert main([str(toy_model), str(manifest)]) == 1
    assert "no tag of toy can be judged" in capsys.readouterr().err


def test_says_what_is_no_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "manifest.jsonl").write_text('{"path": "a.wav", "tags": []}')
    assert main([str(tmp_path / "model.pt2"), str(tmp_path)]) == 1
    assert "the model file model.pt2 is not there" in capsys.readouterr().err
