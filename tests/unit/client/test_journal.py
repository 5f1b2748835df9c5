"""The journal: whole lines, whatever ends the process that writes them."""

from __future__ import annotations

import json
import os
import random
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from sense_client import Result
from sense_client.journal import Journal, JournalError
from sense_client.outputs import Tagged
from tests.support.scripted_server import answer


def tagged(file: str) -> Tagged:
    return Tagged(file, Result.from_dict(answer("Siren", "")))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "results.jsonl"


def written(path: Path, *files: str, **options: object) -> bytes:
    with Journal(path, options) as journal:
        for file in files:
            journal.add(tagged(file))
    return path.read_bytes()


@contextmanager
def limited_size(size_bytes: int) -> Iterator[None]:
    """Lets no file grow beyond that: a write fails as on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_what_was_added_is_there_by_name(path: Path) -> None:
    written(path, "b.wav", "a\n.wav")
    with Journal(path, {}) as journal:
        assert list(journal) == [tagged("a\n.wav"), tagged("b.wav")]
        assert "b.wav" in journal
        assert "c.wav" not in journal
    assert [json.loads(line)["file"] for line in path.read_text().splitlines()] == ["b.wav", "a\n.wav"]


def test_a_cut_line_is_dropped_wherever_it_is_cut(path: Path) -> None:
    whole = written(path, "a.wav", "b.wav")
    first = whole.index(b"\n") + 1
    for end in range(len(whole) + 1):
        path.write_bytes(whole[:end])
        with Journal(path, {}) as journal:
            done = [each.file for each in journal]
        assert done == ["a.wav", "b.wav"][: whole[:end].count(b"\n")]
        assert path.read_bytes() in (b"", whole[:first], whole)


def test_it_goes_on_after_a_cut(path: Path) -> None:
    whole = written(path, "a.wav", "b.wav")
    path.write_bytes(whole[: random.Random(1).randrange(len(whole) // 2 + 1, len(whole))])
    assert written(path, "b.wav") == whole


@pytest.mark.parametrize("room", [0, 1, 100])
def test_a_full_disk_leaves_whole_lines(path: Path, room: int) -> None:
    whole = written(path, "a.wav")
    with Journal(path, {}) as journal:
        with limited_size(len(whole) + room), pytest.raises(OSError, match="File too large") as caught:
            journal.add(tagged("b.wav"))
        assert caught.value.filename == str(path)
        assert path.read_bytes() == whole
        assert "b.wav" not in journal
        journal.add(tagged("c.wav"))
        assert [each.file for each in journal] == ["a.wav", "c.wav"]


@pytest.mark.parametrize("content", [b"my notes", b"my notes\n", b'{"file":"a.wav"}\n', b'{"file": 1\n'])
def test_another_file_is_refused_and_left_as_it_is(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(JournalError, match="line 1 is not a result"):
        Journal(path, {})
    assert path.read_bytes() == content


def test_other_options_are_refused(path: Path) -> None:
    written(path, "a.wav", default_sensitivity=1)
    with pytest.raises(JournalError, match="written with other options"):
        Journal(path, {"default_sensitivity": 2})
    with Journal(path, {"default_sensitivity": 1}) as journal:
        assert "a.wav" in journal


def test_two_processes_do_not_write_the_same_file(path: Path) -> None:
    with Journal(path, {}), pytest.raises(JournalError, match="another process"):
        Journal(path, {})


def test_every_line_is_on_disk_before_the_next(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[bytes] = []
    monkeypatch.setattr(os, "fsync", lambda _: synced.append(path.read_bytes()))
    written(path, "a.wav", "b.wav")
    assert [content.count(b"\n") for content in synced] == [1, 2]
