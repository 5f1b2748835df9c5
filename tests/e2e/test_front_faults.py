"""What the front and the servers behind it do when a process is killed, and with what is no proper request."""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import shutil
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from deploy.http_call import Answer, call
from deploy.torchserve.readiness import silence
from local_sagemaker.containers import Container, get, started
from tests.e2e.conftest import LOGS, NUM_WORKERS, WORKERS
from tests.support.sagemaker_container import processes, spooled, workers
from tests.support.waiting import eventually

RECOVERY_SECONDS = 60
LOADED = "MODEL_LOG - model toy/"
SOUND = {"Content-Type": "audio/wav"}


@pytest.fixture(scope="module")
def container(container_command: list[str]) -> Iterator[Container]:
    """A real-time container, which the tests of this module share."""
    with started(container_command, {**WORKERS, "SENSE_MAX_REQUESTS": "4"}, LOGS / "front-faults.log") as begun:
        begun.wait_until_healthy()
        assert eventually(lambda: num_loads(begun) == NUM_WORKERS, RECOVERY_SECONDS)
        yield begun


def num_loads(container: Container) -> int:
    """How often a worker has loaded the model since the start."""
    return container.log.read_text(errors="replace").count(LOADED)


def kill(process: psutil.Process) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.kill()


def tag(container: Container) -> Answer:
    return call("POST", f"{container.url}/invocations", SOUND, silence())


@pytest.mark.parametrize("times", [2, 5])
def test_a_worker_that_is_killed_in_a_row_comes_back(container: Container, times: int) -> None:
    loads, others = num_loads(container), set(workers(container)[1:])
    for _ in range(times):
        assert eventually(lambda: set(workers(container)) - others, RECOVERY_SECONDS, 0.02)
        for process in set(workers(container)) - others:
            kill(process)
        assert eventually(lambda: set(workers(container)) <= others, RECOVERY_SECONDS, 0.02)
    assert eventually(lambda: num_loads(container) > loads, RECOVERY_SECONDS)
    assert len(workers(container)) == NUM_WORKERS
    assert tag(container).ok


def test_all_workers_are_killed_twice_in_a_row(container: Container) -> None:
    loads = num_loads(container)
    for _ in range(2):
        assert eventually(lambda: len(workers(container)) == NUM_WORKERS, RECOVERY_SECONDS, 0.02)
        for process in workers(container):
            kill(process)
        assert eventually(lambda: not workers(container), RECOVERY_SECONDS, 0.02)
    assert eventually(lambda: num_loads(container) == loads + NUM_WORKERS, RECOVERY_SECONDS)
    assert eventually(lambda: get(container.url, "/ping").ok, RECOVERY_SECONDS)
    assert tag(container).ok


def sent(container: Container, data: bytes) -> tuple[int, dict[str, str], dict[str, object]]:
    """Sends bytes as they are; returns the status line's status, the headers and the body."""
    host, port = urlsplit(container.url).netloc.split(":")
    with socket.create_connection((host, int(port)), 30) as connection:
        connection.sendall(data)
        response = http.client.HTTPResponse(connection)
        response.begin()
        return response.status, dict(response.getheaders()), json.loads(response.read())


POST = b"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: audio/wav\r\n"


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"post /invocations HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03abc\r\n\r\n", 400),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        (b"POST * HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET /%2e%2e/etc/passwd HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"POST /invocations%00 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"GET /" + b"a" * 9_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (POST + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n0\r\n\r\n", 400),
        (POST + b"Transfer-Encoding: strange\r\n\r\n", 400),
        (b"POST /invocations HTTP/2.0\r\nHost: x\r\n\r\n", 400),
        (b'GET /ping HTTP/1.1\r\nHost: x\r\nIf-Match: "a"\r\n\r\n', 400),
        (POST + b"A: " + b"a" * 5_000 + b"\r\nB: " + b"b" * 5_000 + b"\r\nContent-Length: 0\r\n\r\n", 400),
        (POST + b"A: a\x0bb\r\nContent-Length: 0\r\n\r\n", 400),
        (POST + b"Content-Length: 8\r\n\r\nno sound", 400),
        (POST.replace(b"audio/wav", b"image/png") + b"Content-Length: 1\r\n\r\nx", 415),
        (POST + b"Content-Length: 99999999999\r\n\r\n", 413),
        (b"TRACE /invocations HTTP/1.1\r\nHost: x\r\n\r\n", 405),
        (b"POST /ping HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 405),
        (b"POST /else HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", 404),
    ],
)
def test_every_refusal_is_json_with_the_status_lines_status(container: Container, data: bytes, status: int) -> None:
    answered, headers, body = sent(container, data)
    assert (answered, headers["Content-Type"], body["status_code"]) == (status, "application/json", status)
    assert set(body) == {"status_code", "error"}


def test_the_handlers_errors_name_the_model(container: Container) -> None:
    _, headers, body = sent(container, POST + b"Content-Length: 8\r\n\r\nno sound")
    assert "bytes" in str(body["error"])
    assert headers["X-Model"] == "toy/1"


@contextlib.contextmanager
def uploads(container: Container, count: int) -> Iterator[None]:
    """Holds requests of which half of the body has come."""
    with contextlib.ExitStack() as held:
        for _ in range(count):
            host, port = urlsplit(container.url).netloc.split(":")
            connection = held.enter_context(socket.create_connection((host, int(port)), 30))
            connection.sendall(POST + b"Content-Length: 3000000\r\n\r\n" + bytes(1_500_000))
        yield


def test_a_killed_nginx_worker_takes_no_places_and_no_bodies_along(container: Container) -> None:
    with uploads(container, 4):
        assert eventually(lambda: tag(container).status == 429, RECOVERY_SECONDS)
        newest = max(file.stat().st_mtime for file in bodies(container))
        assert eventually(lambda: time.time() > newest + 0.2, RECOVERY_SECONDS)  # starts are known to 20 ms
        (worker,) = processes(container, "nginx: worker")
        kill(worker)
        assert eventually(lambda: tag(container).ok, RECOVERY_SECONDS)
    assert eventually(lambda: bodies(container) == [], RECOVERY_SECONDS)


def test_a_lost_spool_folder_is_made_anew(container: Container) -> None:
    found = re.search(r"spool folder (/\S+)", container.log.read_text())
    assert found
    shutil.rmtree(found[1])
    answer = tag(container)
    assert answer.ok or json.loads(answer.body)["status_code"] == answer.status == 507
    assert eventually(lambda: tag(container).ok, RECOVERY_SECONDS)
    assert eventually(lambda: get(container.url, "/ping").ok, RECOVERY_SECONDS)


def bodies(container: Container) -> list[Path]:
    """The spooled bodies, without the files of the watch."""
    return [file for file in spooled(container) if file.name.isdigit()]
