"""The parts of the set-up that decide what is missing, and what to say when something goes wrong."""

from __future__ import annotations

import errno
import json
import re
import subprocess
import venv
from pathlib import Path

import pytest

from scripts import set_up
from tests.conftest import TREE


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty tree with two lock files, in which the set-up works."""
    monkeypatch.setattr(set_up, "TREE", tmp_path)
    monkeypatch.setattr(set_up, "VENV", tmp_path / ".venv")
    monkeypatch.setattr(set_up, "STAMP", tmp_path / ".venv" / "installed.json")
    for name in ("requirements.lock", "requirements-dev.lock"):
        (tmp_path / name).write_text(f"{name}==1\n")
    return tmp_path


def make_venv(folder: Path) -> None:
    """Makes a virtual environment with a script named pip, which is all that is looked at."""
    venv.create(folder, symlinks=True)
    (folder / "bin" / "pip").write_text(f"#!{folder}/bin/python\n")


def test_an_installation_counts_until_a_lock_file_changes(tree: Path) -> None:
    make_venv(tree / ".venv")
    lock = tree / "requirements.lock"
    assert set_up.read_stamp() == {}
    set_up.write_stamp(lock)
    assert set_up.read_stamp()[lock.name] == set_up.fingerprint(lock)
    lock.write_text("another==2\n")
    assert set_up.read_stamp()[lock.name] != set_up.fingerprint(lock)


def test_the_development_lock_stands_for_the_serving_one_too(tree: Path) -> None:
    make_venv(tree / ".venv")
    set_up.write_stamp(tree / "requirements-dev.lock")
    assert set(set_up.read_stamp()) == {"requirements.lock", "requirements-dev.lock"}


def test_a_moved_environment_is_made_anew(tree: Path) -> None:
    make_venv(tree / "elsewhere")
    assert not set_up.usable_venv()
    (tree / "elsewhere").rename(tree / ".venv")
    set_up.STAMP.write_text(json.dumps({"requirements.lock": set_up.fingerprint(tree / "requirements.lock")}))
    assert not set_up.usable_venv()
    assert set_up.read_stamp() == {}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "  Downloading torch-2.11.0-cp311-cp311-manylinux_2_28_x86_64.whl (530.7 MB)\n",
            "  downloading torch (531 MB)",
        ),
        ("  Using cached triton-3.6.0-cp311-cp311-manylinux.whl (188.1 MB)\n", "  using cached triton (188 MB)"),
        ("  Downloading six-1.17.0-py2.py3-none-any.whl (11 kB)\n", None),
        ("  Downloading scipy-1.17.1-cp311-cp311-manylinux_2_28_x86_64.whl (37.3 MB)\n", None),
        ("Installing collected packages: six, torch, numpy\n", "  unpacking 3 packages (half a minute or more)"),
        ("Collecting torch==2.11.0\n", None),
    ],
)
def test_large_downloads_are_told(line: str, message: str | None) -> None:
    assert set_up.pip_progress(line) == message


@pytest.mark.parametrize(
    ("output", "message"),
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "disk is full"),
        ("WARNING: Retrying: Failed to establish a new connection: Name or service not known", "network"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "hash mismatch"),
        (
            "Collecting a\nERROR: No matching distribution found for a==3\nmore",
            "No matching distribution found for a==3",
        ),
        ("", "pip failed"),
    ],
)
def test_a_failure_of_pip_is_one_line(output: str, message: str) -> None:
    failure = set_up.pip_failure(output)
    assert message in failure
    assert "\n" not in failure


def test_a_full_disk_is_said_as_such() -> None:
    assert set_up.system_failure(OSError(errno.ENOSPC, "No space left on device")) == set_up.FULL_DISK
    assert "/there" in set_up.system_failure(PermissionError(errno.EACCES, "Permission denied", "/there"))


def test_too_small_a_disk_is_refused_before_the_download(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(set_up, "NEEDED_BYTES", 10**18)
    with pytest.raises(set_up.SetUpError, match=r"GB free, 1000000000 GB are needed"):
        set_up.check_disk()


def test_without_the_right_to_install_the_packages_are_named(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    monkeypatch.setattr("shutil.which", lambda program, **_: None if program == "sudo" else f"/usr/bin/{program}")
    with pytest.raises(set_up.SetUpError, match="run `sudo apt-get install ffmpeg` first"):
        set_up.install_system_packages(["ffmpeg"])


def test_another_python_gives_one_clear_line() -> None:
    """One that fails, and one that is not there."""
    for python in ("false", "python3.99"):
        run = subprocess.run(
            ["make", f"PYTHON={python}", "setup"], cwd=TREE, capture_output=True, text=True, check=False
        )
        lines = [line for line in run.stderr.splitlines() if not line.startswith("make")]
        assert run.returncode != 0
        assert lines == [
            f"set-up: {python} is not Python 3.10 to 3.13: install one (apt-get install python3), "
            "or name one: make PYTHON=python3.12"
        ]


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_lock_files_hold_hashes_and_nothing_of_the_machine_that_made_them(name: str) -> None:
    text = (TREE / name).read_text()
    entries = re.split(r"\n(?=\S)", re.sub(r"^#.*\n", "", text, flags=re.MULTILINE).strip())
    assert len(entries) > 30
    for entry in entries:
        assert re.match(r"[a-z0-9._-]+==[\w.]+( ; [^\\]+)? \\\n", entry), entry[:200]
        assert "--hash=sha256:" in entry
    assert not re.search(r"://|--(extra-)?index-url|--find-links|file:| @ ", text)
