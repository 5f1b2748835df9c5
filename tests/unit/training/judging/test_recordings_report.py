"""The judging of recordings: which windows count, what is summed up, what the user learns of a bad folder.

The toy model's tags are tones: Music 250 Hz, Speech 500 Hz, Siren 1,000 Hz; a tag's probability is the amplitude.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.io import wavfile

from training.__main__ import main
from training.errors import TrainingError
from training.judging.recordings_report import Findings, findings, judge_recordings, meets_bar, windows_with_sound

RATE = 16_000
TAGS = ("Speech", "Music", "Siren")


def write_tones(path: Path, *hertz: float, seconds: int = 1) -> None:
    """A file of one tone after the other; 0 Hz is silence."""
    path.parent.mkdir(parents=True, exist_ok=True)
    time = np.arange(seconds * RATE) / RATE
    tones = np.concatenate([0.8 * np.sin(2 * np.pi * each * time) for each in hertz])
    wavfile.write(path, RATE, (tones * 32767).astype(np.int16))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_tones(tmp_path / "Speech" / "talk.wav", 500, 0, seconds=4)
    write_tones(tmp_path / "Music" / "song.wav", 250, 500, seconds=4)
    write_tones(tmp_path / "noise" / "street.wav", 1000, seconds=3)
    names = ("Speech/talk.wav", "Music/song.wav", "noise/street.wav")
    (tmp_path / "sources.txt").write_text("".join(f"{name}\texample.org, {name}\n" for name in names))
    return tmp_path


def judged(folder: Path, model: Path, telephone: bool = False) -> dict[str, Any]:
    report = folder / "report.json"
    judge_recordings(folder, model, report, telephone)
    return dict(json.loads(report.read_text())["lines"])


def test_only_windows_with_sound_count_and_each_knows_its_folder(folder: Path, toy_model: Path) -> None:
    files = judged(folder, toy_model)["studio"]["files"]
    # 4 s of tone, 4 s of silence: windows 0 to 3 have sound, of which the last is half silent (0.4 is under 0.5)
    talk = files["Speech/talk.wav"]
    assert (talk["windows"], talk["share"], talk["false_shares"]) == (4, 0.75, {"Music": 0.0})
    assert talk["origin"] == "example.org, Speech/talk.wav"
    song = files["Music/song.wav"]
    assert (song["windows"], song["share"], song["false_shares"]) == (7, 0.4286, {"Speech": 0.4286})
    street = files["noise/street.wav"]
    assert (street["share"], street["false_shares"]) == (None, {"Speech": 0.0, "Music": 0.0})
    assert street["others"] == {"Siren": 1.0}


def test_marks_say_where_the_tag_is_expected_but_false_tags_count_everywhere(folder: Path, toy_model: Path) -> None:
    marks = "SPEAKER song 1 0.0 1.6 <NA> <NA> x <NA> <NA>\nSPEAKER song 1 1.0 2.4 <NA> <NA> y <NA> <NA>\n"
    (folder / "Music" / "song.rttm").write_text(marks)  # together 0 to 3.4 s; window 3 has 0.4 s of it
    song = judged(folder, toy_model)["studio"]["files"]["Music/song.wav"]
    assert (song["windows"], song["expected"], song["share"]) == (7, 3, 1.0)
    assert song["false_shares"] == {"Speech": 0.4286}


def test_a_telephone_line_lets_the_middle_of_the_band_through(folder: Path, toy_model: Path) -> None:
    write_tones(folder / "noise" / "street.wav", 60, seconds=3)
    write_tones(folder / "Speech" / "talk.wav", 500, seconds=4)
    lines = judged(folder, toy_model, telephone=True)
    assert set(lines) == {"studio", "telephone"}
    assert lines["telephone"]["folders"]["Speech"]["share"] == 1.0
    assert lines["telephone"]["folders"]["Speech"]["meets_bar"] is True
    assert lines["telephone"]["folders"]["noise"]["others"] == {}


def test_files_of_a_folder_are_pooled_by_windows(folder: Path, toy_model: Path) -> None:
    write_tones(folder / "Speech" / "long.wav", 500, seconds=10)
    with (folder / "sources.txt").open("a") as listing:
        listing.write("Speech/long.wav\texample.org\n")
    pooled = judged(folder, toy_model)["studio"]["folders"]["Speech"]
    assert (pooled["windows"], pooled["share"]) == (4 + 9, round((3 + 9) / 13, 4))


def _remove_all(folder: Path) -> None:
    for name in ("Speech", "Music", "noise"):
        shutil.rmtree(folder / name)


@pytest.mark.parametrize(
    ("spoil", "advice"),
    [
        (lambda folder: (folder / "sources.txt").rename(folder / "list.txt"), "sources.txt is missing"),
        (lambda folder: (folder / "sources.txt").write_text(""), "Music/song.wav"),
        (lambda folder: (folder / "Music" / "song.wav").write_bytes(b"no audio"), "song.wav"),
        (_remove_all, "has no recordings"),
    ],
)
def test_what_is_wrong_with_a_folder_is_said(
    folder: Path, toy_model: Path, spoil: Callable[[Path], object], advice: str
) -> None:
    spoil(folder)
    with pytest.raises(TrainingError, match=advice):
        judged(folder, toy_model)


def test_the_step_asks_for_its_folder(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["recordings"]) == 1
    assert "python -m training recordings FOLDER" in capsys.readouterr().err


def test_windows_under_the_floor_or_40_decibels_under_the_loudest_have_no_sound() -> None:
    levels = np.array([-10, -49.9, -50.1, -61], np.float32)
    assert windows_with_sound(levels).tolist() == [True, True, False, False]
    assert windows_with_sound(levels - 15).tolist() == [True, False, False, False]
    assert not windows_with_sound(np.full(3, -120, np.float32)).any()


@given(st.integers(1, 40), st.integers(0, 2**32 - 1))
def test_shares_are_shares_of_the_windows(windows: int, seed: int) -> None:
    found = np.random.default_rng(seed).random((windows, 3)) < 0.5
    result = findings(found, np.ones(windows, np.bool_), TAGS, "Speech")
    assert result.share == pytest.approx(found[:, 0].mean(), abs=1e-4)
    assert result.false_shares["Music"] == pytest.approx(found[:, 1].mean(), abs=1e-4)
    assert result.others.get("Siren", 0.0) == pytest.approx(found[:, 2].mean(), abs=1e-4)


def test_a_folder_without_a_window_has_no_share() -> None:
    result = findings(np.zeros((0, 3), np.bool_), np.zeros(0, np.bool_), TAGS, "Speech")
    assert (result.windows, result.share, result.others) == (0, None, {})


@pytest.mark.parametrize(
    ("share", "false_share", "verdict"), [(0.8, 0.1, True), (0.79, 0.0, False), (1.0, 0.11, False), (None, 0.0, None)]
)
def test_the_bar_asks_for_the_tag_and_against_the_other(
    share: float | None, false_share: float, verdict: bool | None
) -> None:
    assert meets_bar(Findings(10, 10, share, {"Music": false_share}, {})) is verdict
