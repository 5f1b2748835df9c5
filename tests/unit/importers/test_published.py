"""Checkpoints by name, from a web server on this machine."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from deploy.ports import free_port
from importers.__main__ import main
from importers.errors import ImporterError
from importers.published import PUBLISHED, Published, fetch
from tests.support.web_folder import serving

WEIGHTS = b"weights"
SHA256 = hashlib.sha256(WEIGHTS).hexdigest()


def published(sha256: str = SHA256) -> Published:
    return Published("panns", f"http://127.0.0.1:{free_port()}/", {"a=0.4.pth": sha256})


@pytest.fixture
def web(tmp_path: Path) -> Path:
    folder = tmp_path / "web"
    folder.mkdir()
    (folder / "a=0.4.pth").write_bytes(WEIGHTS)
    return folder


def test_a_file_is_downloaded_once_and_checked(web: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cache = tmp_path / "cache"
    with serving(web) as (url, asked):
        for _ in range(2):
            assert fetch(published(), cache, url).read_bytes() == WEIGHTS
    assert dict(asked) == {"/a%3D0.4.pth": 1}
    said = capsys.readouterr().err
    assert f"fetching {url}a%3D0.4.pth" in said
    assert "100%" in said  # the progress bar
    assert f"checking {cache / 'a=0.4.pth'}" in said


def test_a_folder_has_all_its_files(web: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (web / "config.json").write_text("{}")
    several = Published("huggingface", "unused", {"config.json": "", "a=0.4.pth": SHA256}, folder="ast")
    with serving(web) as (url, _):
        folder = fetch(several, tmp_path / "cache", url)
    assert folder == tmp_path / "cache" / "ast"
    assert {file.name for file in folder.iterdir()} == {"config.json", "a=0.4.pth"}
    unchecked = hashlib.sha256(b"{}").hexdigest()
    assert f"config.json has SHA-256 {unchecked}, unchecked" in capsys.readouterr().err


def test_another_file_of_the_name_is_not_taken(web: Path, tmp_path: Path) -> None:
    wrong = "0" * 64
    with serving(web) as (url, _), pytest.raises(ImporterError, match=f"(?s){SHA256}.*{wrong}"):
        fetch(published(wrong), tmp_path / "cache", url)
    assert list((tmp_path / "cache").iterdir()) == []


def test_offline_it_says_what_to_put_where_and_takes_that(tmp_path: Path) -> None:
    cache, source = tmp_path / "cache", published()
    with pytest.raises(ImporterError) as refused:
        fetch(source, cache)
    lines = str(refused.value).splitlines()
    assert f"put these into {cache}, and run the same command again" in lines[1]
    assert lines[2] == f"  a=0.4.pth  from {source.base_url}a%3D0.4.pth  SHA-256 {SHA256}"
    (cache / "a=0.4.pth").write_bytes(WEIGHTS)
    assert fetch(source, cache) == cache / "a=0.4.pth"


def test_a_name_that_is_not_known_gets_the_known_ones(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fetch", "efficientat-mn11", "--output", str(tmp_path / "model.pt2")]) == 1
    assert ", ".join(PUBLISHED) in capsys.readouterr().err


def test_checkpoints_are_named_for_the_importers_that_read_them() -> None:
    assert {each.family for each in PUBLISHED.values()} == {"efficientat", "panns", "huggingface"}
    for each in PUBLISHED.values():
        assert each.base_url.startswith("https://")
        assert each.base_url.endswith("/")
        assert all(sum_ == "" or len(sum_) == 64 for sum_ in each.files.values())
