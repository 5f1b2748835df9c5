from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from deploy.spool_folder import SpoolFolder
from tests.support.waiting import eventually

# Like nginx's master: starts another worker when one has ended.
MASTER = "while :; do sleep 1000 & wait; done"


@pytest.fixture
def master() -> Iterator[psutil.Process]:
    with subprocess.Popen(["sh", "-c", MASTER], start_new_session=True) as process:
        yield psutil.Process(process.pid)
        os.killpg(process.pid, 9)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "spool").mkdir(mode=0o700)
    return tmp_path / "spool"


def worker(master: psutil.Process) -> psutil.Process:
    assert eventually(master.children, 10, 0.01)
    return master.children()[0]


def test_a_killed_workers_bodies_are_removed_and_its_successors_stay(master: psutil.Process, path: Path) -> None:
    folder = SpoolFolder(path, master.pid)
    killed = worker(master)
    folder.sweep()
    (path / "1").touch()
    os.utime(path / "1", (time.time() - 1,) * 2)
    folder.sweep()
    assert [file.name for file in path.iterdir()] == ["1"]
    killed.kill()
    assert eventually(lambda: killed not in master.children() and master.children(), 10, 0.01)
    (path / "2").touch()
    folder.sweep()
    assert [file.name for file in path.iterdir()] == ["2"]


@pytest.mark.parametrize("hours", [-30, 30])
def test_a_clock_that_is_set_removes_no_body(
    master: psutil.Process, path: Path, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    folder = SpoolFolder(path, master.pid)
    worker(master)
    folder.sweep()
    (path / "1").touch()
    now = time.time
    monkeypatch.setattr("time.time", lambda: now() + hours * 3600)
    folder.sweep()
    assert (path / "1").exists()


def test_a_lost_folder_is_made_anew(master: psutil.Process, path: Path) -> None:
    folder = SpoolFolder(path, master.pid)
    assert folder.has_room()
    shutil.rmtree(path)
    assert not folder.has_room()
    folder.mend()
    assert folder.has_room()
    assert path.stat().st_mode & 0o777 == 0o700
    assert list(path.iterdir()) == []


def test_a_full_disk_has_no_room(master: psutil.Process, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = SpoolFolder(path, master.pid)
    usage = shutil.disk_usage(path)
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage._replace(free=1000))
    assert not folder.has_room()
