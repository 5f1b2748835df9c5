"""Which recordings a command line names."""

from __future__ import annotations

from pathlib import Path

import pytest

from sense_client.files import NothingFoundError, find_recordings


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("clips/b.MP3", "clips/a.wav", "clips/deep/c.ogg", "clips/notes.txt", "clips/.hidden/d.wav", "[x].wav"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    (tmp_path / "empty").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["clips"], ["clips/a.wav", "clips/b.MP3", "clips/deep/c.ogg"]),
        (["clips/notes.txt"], ["clips/notes.txt"]),
        (
            ["clips/a.wav", "clips", "./clips/a.wav"],
            ["clips/a.wav", "clips/b.MP3", "clips/deep/c.ogg", "./clips/a.wav"],
        ),
        (["clips/*.wav"], ["clips/a.wav"]),
        (["clips/**/*.ogg"], ["clips/deep/c.ogg"]),
        (["cl*"], ["clips/a.wav", "clips/b.MP3", "clips/deep/c.ogg"]),
        (["[x].wav"], ["[x].wav"]),
        (["gone.wav", "-"], ["gone.wav", "-"]),
    ],
)
def test_what_is_found(folder: Path, arguments: list[str], expected: list[str]) -> None:
    assert find_recordings(arguments) == expected


@pytest.mark.parametrize(("argument", "message"), [("empty", "holds no sound files"), ("*.flac", "nothing matches")])
def test_nothing_is_found(folder: Path, argument: str, message: str) -> None:
    with pytest.raises(NothingFoundError, match=message):
        find_recordings([argument])
