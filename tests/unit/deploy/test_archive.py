from __future__ import annotations

import json
import os
import pwd
import zipfile
from pathlib import Path

import pytest

from deploy.archive import describe, find_model_file, unpacked_with, version
from deploy.errors import ServingError
from tests.conftest import VERSION
from tests.support.toy_model import TOY_INFO, write_toy_model


def test_no_folder_and_an_empty_one_leave_the_bundled_model(tmp_path: Path) -> None:
    assert find_model_file(tmp_path / "none") is None
    assert find_model_file(tmp_path) is None
    (tmp_path / "lost+found").mkdir()
    (tmp_path / "._model.pt2").touch()
    assert find_model_file(tmp_path) is None


@pytest.mark.parametrize("name", ["model.pt2", "better.pt2", "cochl-sense/model.pt2"])
def test_a_model_file_is_found(tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.parent.mkdir(exist_ok=True)
    file.touch()
    (file.parent / "README").touch()
    assert find_model_file(tmp_path) == file


@pytest.mark.parametrize("names", [["a.pt2", "b.pt2"], ["model.pth"], ["cochl-sense.mar", "notes.txt"]])
def test_anything_else_is_named(tmp_path: Path, names: list[str]) -> None:
    for name in names:
        (tmp_path / name).touch()
    with pytest.raises(ServingError) as raised:
        find_model_file(tmp_path)
    assert all(name in str(raised.value) for name in names)


@pytest.mark.parametrize("user", [None, pwd.getpwuid(os.geteuid()).pw_name])
def test_the_archive_is_unpacked_around_the_other_model(tmp_path: Path, user: str | None) -> None:
    archive, model = tmp_path / "cochl-sense.mar", tmp_path / "other.pt2"
    model.write_text("another model")
    with zipfile.ZipFile(archive, "w") as zipped:
        zipped.writestr("MAR-INF/MANIFEST.json", json.dumps({"model": {"serializedFile": "bundled.pt2"}}))
        zipped.writestr("bundled.pt2", "the bundled model")
        zipped.writestr("handler/__init__.py", "")
    (tmp_path / "target").mkdir()
    folder = unpacked_with(archive, model, tmp_path / "target", user)
    model.write_text("swapped while serving")
    assert (folder / "bundled.pt2").read_text() == "another model"
    assert (folder / "handler" / "__init__.py").exists()
    assert (folder / "MAR-INF" / "MANIFEST.json").exists()


def test_the_archives_model_is_described_by_name_and_version(toy_store: Path) -> None:
    assert describe(toy_store) == f"{TOY_INFO['name']} {TOY_INFO['version']}"
    assert version(toy_store) == VERSION


def test_the_model_file_that_takes_its_place_is_described_instead(toy_store: Path, tmp_path: Path) -> None:
    other = write_toy_model(tmp_path / "other.pt2", name="other", version="9.1")
    assert describe(toy_store, other) == "other 9.1"


def test_an_absent_archive_is_said(tmp_path: Path) -> None:
    with pytest.raises(ServingError, match=r"cochl-sense\.mar does not exist: make it with"):
        describe(tmp_path)


def test_an_archive_that_is_none_is_said(tmp_path: Path) -> None:
    (tmp_path / "cochl-sense.mar").write_bytes(b"no archive")
    with pytest.raises(ServingError, match=r"cochl-sense\.mar is not a TorchServe archive"):
        describe(tmp_path)


def test_a_broken_model_file_is_said(toy_store: Path, toy_model: Path, tmp_path: Path) -> None:
    half = tmp_path / "half.pt2"
    half.write_bytes(toy_model.read_bytes()[: toy_model.stat().st_size // 2])
    with zipfile.ZipFile(tmp_path / "empty.pt2", "w"):
        pass
    for broken in (half, tmp_path / "empty.pt2"):
        with pytest.raises(ServingError, match=f"cannot serve: {broken.name} is not a model file"):
            describe(toy_store, broken)
