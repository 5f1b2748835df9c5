"""Stems of recordings, and what a teacher says of them. The toy model is the teacher: its tags are tones."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from scipy.io import wavfile

from evaluation.errors import EvaluationError
from handler.model.loading import load_model
from training.errors import TrainingError
from training.mixes.bank import recorded_tracks
from training.mixes.placing import UNKNOWN
from training.settings import RATE
from training.sources.recordings import decoded, listen, read_trainable, teacher_track, write_sources
from training.tags import NUM_TAGS, TAG_INDEX


def tone(hertz: float, seconds: float) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return (0.8 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * RATE)) / RATE)).astype(np.float32)


@pytest.fixture
def manifest(tmp_path: Path) -> Path:
    """Eight recordings: 3 s of silence, 3 s of a siren (1,000 Hz). One is not free, one has no label."""
    samples = np.concatenate([np.zeros(3 * RATE, np.float32), tone(1000, 3)])
    lines = []
    for each in range(8):
        wavfile.write(tmp_path / f"{each}.wav", RATE, (samples * 32767).astype(np.int16))
        named = {"tags": ["Siren"]} if each else {"tags": [], "tags_one_of": ["*"]}
        labels = named | {"split": "judge" if each == 7 else "train"}
        lines.append({"path": f"{each}.wav", "origin": "example.org", "licence": "CC0", "group": str(each), **labels})
    (tmp_path / "manifest.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return tmp_path / "manifest.jsonl"


def test_only_recordings_that_are_free_for_training_are_read(manifest: Path) -> None:
    assert [each.path.name for each in read_trainable(manifest)] == [f"{each}.wav" for each in range(7)]


def test_a_file_is_decoded_without_a_warning(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    soundfile.write(tmp_path / "tone.ogg", tone(1000, 1), RATE)
    torch.set_warn_always(True)
    try:
        decoded(tmp_path / "tone.ogg", RATE)
    finally:
        torch.set_warn_always(False)
    assert not recwarn.list


@pytest.mark.parametrize(("seconds", "windows"), [(0.5, 1), (2, 1), (2.1, 2), (2.5, 2), (5, 7)])
def test_a_teacher_hears_a_window_every_half_second(toy_model: Path, seconds: float, windows: int) -> None:
    teacher = load_model(toy_model, torch.device("cpu"))
    assert teacher_track(teacher, tone(1000, seconds)).shape == (windows, len(teacher.info.tags))


def test_a_track_says_when_a_sound_is_heard(toy_model: Path) -> None:
    teacher = load_model(toy_model, torch.device("cpu"))
    samples = np.concatenate([np.zeros(4 * RATE, np.float32), tone(1000, 4)])
    siren = teacher_track(teacher, samples)[:, teacher.info.tags.index("Siren")]
    assert len(siren) == 13
    assert siren[:5].max() < 0.05  # 0 to 4 s
    assert siren[8:].min() > 0.7
    assert (np.diff(siren[4:9]) > 0).all()


def test_stems_of_recordings_have_their_labels_placed_and_continue(
    manifest: Path, toy_model: Path, tmp_path: Path
) -> None:
    for _ in range(2):  # the second time nothing is left to do
        listen(manifest, toy_model, tmp_path / "work")
    tracks = recorded_tracks(tmp_path / "work")
    assert {each.stem.group for each in tracks} == {"recorded/Siren"}  # without a label, the teacher says it
    assert all(len(each.stem.samples) == 6 * RATE for each in tracks)
    labelled = next(each for each in tracks if each.stem.labels.present)
    siren = labelled.rows[:, TAG_INDEX["Siren"]]
    assert siren[-1] == 1
    assert siren[0] < 0.5
    assert (labelled.rows[:, NUM_TAGS:] == UNKNOWN).all()  # this teacher knows tags alone


def test_the_list_of_sources_names_what_was_heard(manifest: Path, toy_model: Path, tmp_path: Path) -> None:
    listen(manifest, toy_model, tmp_path / "work")
    write_sources(tmp_path / "work", tmp_path / "sources.json")
    listed = json.loads((tmp_path / "sources.json").read_text())
    trained = len(recorded_tracks(tmp_path / "work"))
    heard = {"origin": "example.org", "licence": "CC0", "recordings": trained, "seconds": 6 * trained}
    assert listed["recordings"] == [heard]
    assert "flite" in listed["synthesisers"]


def test_nothing_is_trained_on_a_split_of_another_name(tmp_path: Path) -> None:
    lines = [f'{{"path": "a.wav", "tags": [], "split": "{split}"}}' for split in ("train", "valid", "test", "judge2")]
    (tmp_path / "manifest.jsonl").write_text("\n".join(lines))
    assert [each.split for each in read_trainable(tmp_path)] == ["train", "valid"]


def test_a_list_without_free_recordings_is_refused(tmp_path: Path) -> None:
    (tmp_path / "manifest.jsonl").write_text('{"path": "a.wav", "tags": [], "split": "judge"}')
    with pytest.raises(TrainingError, match='no recordings of split "train"'):
        read_trainable(tmp_path)
    with pytest.raises(EvaluationError, match="cannot be read"):
        read_trainable(tmp_path / "missing.jsonl")
