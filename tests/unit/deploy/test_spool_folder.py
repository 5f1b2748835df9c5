from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from deploy.spool_folder import SpoolFolder
from tests.support.waiting import eventually

# Like nginx's master: starts another worker when one has ended. Each holds a body open.
MASTER = 'while :; do sleep 1000 <"$0" & wait; done'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "spool").mkdir(mode=0o700)
    return tmp_path / "spool"


@pytest.fixture
def master(path: Path) -> Iterator[psutil.Process]:
    (path / "held").touch()
    with subprocess.Popen(["sh", "-c", MASTER, path / "held"], start_new_session=True) as process:
        yield psutil.Process(process.pid)
        os.killpg(process.pid, signal.SIGKILL)


def workers(master: psutil.Process) -> list[psutil.Process]:
    """The worker, once it has opened its file."""
    return [each for each in master.children() if each.name() == "sleep"]


def names(path: Path) -> set[str]:
    return {file.name for file in path.iterdir()}


def test_a_killed_workers_bodies_are_removed_and_its_successors_stay(master: psutil.Process, path: Path) -> None:
    folder = SpoolFolder(path, master.pid)
    assert eventually(lambda: workers(master), 10, 0.01)
    folder.sweep()
    (path / "left").touch()
    folder.sweep()
    assert names(path) == {"held", "left"}
    (killed,) = workers(master)
    killed.kill()
    assert eventually(lambda: workers(master) not in ([], [killed]), 10, 0.01)
    folder.sweep()
    assert names(path) == {"held"}


def test_no_body_is_removed_where_it_cannot_be_known_whose_it_is(
    master: psutil.Process, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "subprocess.run", lambda command, **_: subprocess.CompletedProcess(command, 1, "", "Permission denied")
    )
    assert eventually(lambda: workers(master), 10, 0.01)
    SpoolFolder(path, master.pid).sweep()
    assert names(path) == {"held"}


def test_a_lost_folder_is_made_anew(master: psutil.Process, path: Path) -> None:
    folder = SpoolFolder(path, master.pid)
    assert folder.has_room()
    shutil.rmtree(path)
    assert not folder.has_room()
    folder.mend()
    assert folder.has_room()
    assert path.stat().st_mode & 0o777 == 0o700
    assert names(path) == set()


def test_a_full_disk_has_no_room(master: psutil.Process, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = SpoolFolder(path, master.pid)
    usage = shutil.disk_usage(path)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage._replace(free=1000))
    assert not folder.has_room()
