"""A container whose disk for bodies is full, and the end of one that has callers waiting."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from deploy.http_call import Answer, call
from deploy.torchserve.readiness import silence
from local_sagemaker.containers import STOP_SECONDS, Container, get, started
from tests.e2e.conftest import LOGS, WORKERS
from tests.support.sagemaker_container import alive, paused, processes, spooled
from tests.support.waiting import eventually

RECOVERY_SECONDS = 120
DISK_BYTES = 4 << 20


@pytest.fixture(scope="module")
def disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A small disk for bodies."""
    folder = tmp_path_factory.mktemp("disk")
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs", str(folder)]
    if subprocess.run(mount, check=False).returncode:
        pytest.skip("a disk of a few megabytes cannot be mounted here: it takes root")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture(scope="module")
def container(container_command: list[str], disk: Path) -> Iterator[Container]:
    variables = {**WORKERS, "SENSE_SPOOL_FOLDER": str(disk)}
    with started(container_command, variables, LOGS / "full-disk.log") as begun:
        begun.wait_until_healthy()
        yield begun


def tag(container: Container, body: bytes) -> Answer:
    return call("POST", f"{container.url}/invocations", {"Content-Type": "audio/wav"}, body)


def require_error(answer: Answer, status: int) -> None:
    body = json.loads(answer.body)
    assert set(body) == {"status_code", "error"}
    assert (answer.status, body["status_code"], answer.headers["retry-after"]) == (status, status, "5")


def test_a_body_that_the_disk_cannot_hold_gets_507(container: Container) -> None:
    require_error(tag(container, bytes(2 * DISK_BYTES)), 507)
    assert eventually(lambda: spooled(container) == [], RECOVERY_SECONDS)
    assert tag(container, silence()).ok


def test_ping_tells_of_a_full_disk(container: Container, disk: Path) -> None:
    assert get(container.url, "/ping").ok
    with contextlib.suppress(OSError):  # to the last byte
        (disk / "others").write_bytes(bytes(2 * DISK_BYTES))
    require_error(tag(container, silence()), 507)
    assert eventually(lambda: get(container.url, "/ping").status == 503, RECOVERY_SECONDS)
    (disk / "others").unlink()
    assert eventually(lambda: get(container.url, "/ping").ok, RECOVERY_SECONDS)
    assert tag(container, silence()).ok


def test_sigterm_ends_what_cannot_be_answered(container: Container, disk: Path) -> None:
    """The last test: an upload that never ends, and callers who wait for workers that stand still."""
    host, port = urlsplit(container.url).netloc.split(":")
    with (
        ThreadPoolExecutor(1) as pool,
        paused(container),
        socket.create_connection((host, int(port)), RECOVERY_SECONDS) as upload,
    ):
        waiting = pool.submit(tag, container, silence() + bytes(1_000_000))
        upload.sendall(b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Length: 3000000\r\n\r\n" + bytes(1_000_000))
        assert eventually(lambda: len(spooled(container)) == 2, RECOVERY_SECONDS)
        members = processes(container)
        container.process.send_signal(signal.SIGTERM)
        require_error(waiting.result(), 503)
        assert container.process.wait(STOP_SECONDS) == 0
        with contextlib.suppress(ConnectionResetError):
            assert upload.recv(1) == b""
    assert alive(members) == []
    assert list(disk.iterdir()) == []
