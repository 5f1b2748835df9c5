from __future__ import annotations

import json
from pathlib import Path

import pytest

from evaluation.errors import EvaluationError
from evaluation.recordings import Recording, read_manifest, read_recordings


def written(folder: Path, *lines: object) -> Path:
    file = folder / "manifest.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines) + "\n")
    return file


def test_reads_every_field_of_a_list(tmp_path: Path) -> None:
    line = {
        "path": "dogs/rex.opus",
        "tags": ["Dog_bark"],
        "tags_one_of": ["Siren", "Alarm"],
        "tags_absent": ["Speech"],
        "label": "barking",
        "group": "rex",
        "split": "train",
        "duration_seconds": 2.5,
        "licence": "CC0",
        "origin": "somewhere",
        "unknown": 1,
    }
    (recording,) = read_manifest(written(tmp_path, line))
    assert recording == Recording(
        tmp_path / "dogs" / "rex.opus",
        ("Dog_bark",),
        ("Siren", "Alarm"),
        ("Speech",),
        "barking",
        "rex",
        "train",
        2.5,
        "CC0",
        "somewhere",
    )


def test_a_clip_without_a_group_is_a_group_of_its_own(tmp_path: Path) -> None:
    lines: list[object] = [{"path": name, "tags": []} for name in ("a.wav", "b.wav")]
    assert [recording.group for recording in read_manifest(written(tmp_path, *lines))] == ["a.wav", "b.wav"]


def test_a_folder_has_a_list_or_a_sub_folder_for_each_tag(tmp_path: Path) -> None:
    for name in ("Siren/a.wav", "Siren/b.wav", "noise/c.wav", "noise/.hidden", "d.wav"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    found = [(recording.path, recording.tags, recording.group) for recording in read_recordings(tmp_path)]
    assert found == [
        (tmp_path / "Siren" / "a.wav", ("Siren",), "Siren/a.wav"),
        (tmp_path / "Siren" / "b.wav", ("Siren",), "Siren/b.wav"),
        (tmp_path / "noise" / "c.wav", ("noise",), "noise/c.wav"),
    ]
    written(tmp_path, {"path": "d.wav", "tags": ["Alarm"], "split": "judge"}, {"path": "e.wav", "tags": []})
    assert [recording.path.name for recording in read_recordings(tmp_path)] == ["d.wav", "e.wav"]
    assert [recording.path.name for recording in read_recordings(tmp_path, "judge")] == ["d.wav"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "line 1: JSONDecodeError"),
        ('{"tags": []}', r"line 1: KeyError\('path'\)"),
        ('{"path": "a.wav", "tags": "Siren"}', "'Siren' is not a list of tags"),
        ('{"path": "a.wav", "tags": [1]}', "is not a list of tags"),
        ('{"path": "a.wav", "tags": [], "duration_seconds": "long"}', "could not convert"),
        ("[]", "line 1: TypeError"),
        ("", "has no recordings"),
    ],
)
def test_says_which_line_is_wrong(tmp_path: Path, line: str, message: str) -> None:
    file = tmp_path / "list.jsonl"
    file.write_text(line + "\n")
    with pytest.raises(EvaluationError, match=message):
        read_recordings(file)


def test_says_that_there_is_nothing(tmp_path: Path) -> None:
    with pytest.raises(EvaluationError, match="cannot be read: .*No such file"):
        read_recordings(tmp_path / "absent.jsonl")
    with pytest.raises(EvaluationError, match="has no recordings: it should be"):
        read_recordings(tmp_path)
    written(tmp_path, {"path": "a.wav", "tags": [], "split": "train"})
    with pytest.raises(EvaluationError, match="has no recordings of split 'judge'"):
        read_recordings(tmp_path, "judge")
