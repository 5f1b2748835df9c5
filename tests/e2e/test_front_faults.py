"""What the front and the servers behind it do when a process is killed, with callers who are slow or hang up, and with
what is no proper request.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import resource
import shutil
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from deploy.http_call import Answer, call
from deploy.torchserve.readiness import silence
from local_sagemaker.containers import Container, get, started
from tests.e2e.conftest import LOGS, NUM_WORKERS, WORKERS
from tests.support.sagemaker_container import paused, processes, spooled, workers
from tests.support.waiting import eventually

RECOVERY_SECONDS = 120
LOADED = "MODEL_LOG - model toy/"
MAX_REQUESTS = 4
SOUND = {"Content-Type": "audio/wav"}
# Much work for few bytes. From 2 MB on a body takes a place before it is here.
SLOW_SOUND = {"Content-Type": "audio/x-raw; rate=1000; format=s16le"}
LARGE_BYTES = 2_100_000
# jobQueueSize of model-config.yaml, and a batch for each worker.
QUEUE_AND_WORKERS = 64 + 3 * NUM_WORKERS


@pytest.fixture(scope="module")
def container(container_command: list[str]) -> Iterator[Container]:
    """A real-time container, which the tests of this module share."""
    variables = {**WORKERS, "SENSE_MAX_REQUESTS": str(MAX_REQUESTS)}
    with started(container_command, variables, LOGS / "front-faults.log") as begun:
        begun.wait_until_healthy()
        assert eventually(lambda: num_loads(begun) == NUM_WORKERS, RECOVERY_SECONDS)
        yield begun


def num_loads(container: Container) -> int:
    """How often a worker has loaded the model since the start."""
    return container.log.read_text(errors="replace").count(LOADED)


def kill(process: psutil.Process) -> None:
    with contextlib.suppress(psutil.NoSuchProcess):
        process.kill()


def tag(container: Container, body: bytes = silence()) -> Answer:
    return call("POST", f"{container.url}/invocations", SOUND, body)


def error_of(answer: Answer) -> str:
    """Returns the error, having looked at its form."""
    body = json.loads(answer.body)
    assert set(body) == {"status_code", "error"}
    assert body["status_code"] == answer.status
    return str(body["error"])


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
def uploads(container: Container, count: int, size_bytes: int, sent_bytes: int) -> Iterator[list[socket.socket]]:
    """Holds requests of which the beginning of the body has come."""
    host, port = urlsplit(container.url).netloc.split(":")
    head = POST + b"Expect: 100-continue\r\nContent-Length: %d\r\n\r\n" % size_bytes
    with contextlib.ExitStack() as held:
        connections = [held.enter_context(socket.create_connection((host, int(port)), 30)) for _ in range(count)]
        for connection in connections:
            connection.sendall(head)
            assert connection.recv(100).startswith(b"HTTP/1.1 100")
            connection.sendall(bytes(sent_bytes))
        yield connections


def large(container: Container) -> Answer:
    """Tags silence in a large body."""
    return tag(container, silence() + bytes(LARGE_BYTES))


def test_slow_senders_keep_nobody_from_an_answer(container: Container) -> None:
    with uploads(container, 10 * MAX_REQUESTS, 1_000_000, 1) as connections:
        for _ in range(3):
            for connection in connections:
                connection.sendall(b"x")
            assert tag(container).ok


def test_slow_senders_of_large_bodies_keep_no_clip_from_its_answer(container: Container) -> None:
    with uploads(container, MAX_REQUESTS, LARGE_BYTES, 1):
        refused = large(container)
        assert (refused.status, refused.headers["retry-after"]) == (429, "5")
        assert "try again" in error_of(refused)
        assert tag(container).ok
    assert eventually(lambda: large(container).ok, RECOVERY_SECONDS)


def test_callers_who_hang_up_while_they_send_leave_no_place_and_no_body(container: Container) -> None:
    for size_bytes in (1_000_000, LARGE_BYTES):
        with uploads(container, MAX_REQUESTS, size_bytes, 900_000):
            assert eventually(lambda: len(bodies(container)) == MAX_REQUESTS, RECOVERY_SECONDS)
        assert eventually(lambda: bodies(container) == [], RECOVERY_SECONDS)
        assert eventually(lambda: large(container).ok, RECOVERY_SECONDS)


def test_callers_who_hang_up_while_they_read_leave_no_place_and_no_body(container: Container) -> None:
    host, port = urlsplit(container.url).netloc.split(":")
    body = bytes(4_000_000)  # 2,000 s, for some 200 KB of answer
    head = f"POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: {SLOW_SOUND['Content-Type']}\r\n"
    head += f"X-All-Probabilities: 1\r\nContent-Length: {len(body)}\r\n\r\n"
    with contextlib.ExitStack() as held:
        connections = [held.enter_context(socket.socket()) for _ in range(MAX_REQUESTS)]
        for connection in connections:
            # So that the answer does not fit between nginx and the caller.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
            connection.connect((host, int(port)))
            connection.sendall(head.encode() + body)
        for connection in connections:
            assert connection.recv(12) == b"HTTP/1.1 200"
        assert len(bodies(container)) == MAX_REQUESTS
    assert eventually(lambda: bodies(container) == [], RECOVERY_SECONDS)
    assert eventually(lambda: large(container).ok, RECOVERY_SECONDS)


def test_a_worker_that_is_killed_at_work_costs_its_caller_a_503(container: Container) -> None:
    loads = num_loads(container)
    with ThreadPoolExecutor(1) as pool:
        body = bytes(12_000_000)  # 6,000 s
        waiting = pool.submit(call, "POST", f"{container.url}/invocations", SLOW_SOUND, body)
        assert eventually(lambda: killed_at_work(container), RECOVERY_SECONDS, 0.01)
        answer = waiting.result()
    assert (answer.status, answer.headers["retry-after"]) == (503, "5")
    assert "try again" in error_of(answer)
    assert tag(container).ok  # the other one serves
    assert eventually(lambda: num_loads(container) > loads, RECOVERY_SECONDS)


def killed_at_work(container: Container) -> bool:
    """Kills a worker that has mapped a body, if there is one."""
    for process in workers(container):
        with contextlib.suppress(OSError):
            if "/sense-spool-" in Path(f"/proc/{process.pid}/maps").read_text():
                kill(process)
                return True
    return False


def test_a_queue_full_of_requests_whose_callers_are_gone_refuses_more(container: Container) -> None:
    def hang_up(_: int) -> Answer:
        return call("POST", f"{container.url}/invocations", SOUND, silence(), timeout_seconds=0.2)

    with ThreadPoolExecutor(MAX_REQUESTS // 2) as pool, paused(container):
        answers = list(pool.map(hang_up, range(QUEUE_AND_WORKERS + 10)))
        refused = [answer for answer in answers if answer.status]
        assert len(answers) - len(refused) <= QUEUE_AND_WORKERS
        assert '"POST /invocations HTTP/1.1" 503' in container.log.read_text()  # TorchServe's own answer
        for answer in refused:
            assert (answer.status, answer.headers["retry-after"]) == (429, "5")
            assert "try again" in error_of(answer)
    assert eventually(lambda: tag(container).ok, RECOVERY_SECONDS)


def test_a_model_file_that_is_damaged_and_lost_while_it_serves(container: Container) -> None:
    (model,) = run_folder(container).glob("cochl-sense/*.pt2")
    content, loads, refusals = model.read_bytes(), num_loads(container), num_refusals(container)
    model.write_bytes(content[:1000])
    kill(workers(container)[0])
    assert eventually(lambda: num_refusals(container) > refusals, RECOVERY_SECONDS)
    model.unlink()
    assert eventually(lambda: num_refusals(container) > refusals + 1, RECOVERY_SECONDS)
    assert tag(container).ok  # the other worker has it in memory
    assert get(container.url, "/ping").ok
    model.write_bytes(content)
    assert eventually(lambda: num_loads(container) > loads, RECOVERY_SECONDS)
    assert tag(container).headers["x-model"] == "toy/1"


def run_folder(container: Container) -> Path:
    master = processes(container, "nginx: master")[0].cmdline()
    return Path(" ".join(master).split(" -p ")[1].split()[0])


def num_refusals(container: Container) -> int:
    return container.log.read_text(errors="replace").count("cannot serve: ")


def test_a_killed_nginx_worker_takes_no_places_and_no_bodies_along(container: Container) -> None:
    with uploads(container, MAX_REQUESTS, LARGE_BYTES, 1_500_000):
        assert eventually(lambda: len(bodies(container)) == MAX_REQUESTS, RECOVERY_SECONDS)
        assert large(container).status == 429
        (worker,) = processes(container, "nginx: worker")
        kill(worker)
        assert eventually(lambda: large(container).ok, RECOVERY_SECONDS)
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


def test_a_worker_without_memory_fails_what_it_cannot_hold_and_serves_on(container: Container) -> None:
    loads = num_loads(container)
    with ExitStack() as limits:
        for process in workers(container):
            limits.enter_context(limited(process, 4 << 20))
        answer = call("POST", f"{container.url}/invocations", SLOW_SOUND, bytes(12_000_000))
    assert answer.status == 500
    assert "internal error" in error_of(answer)
    assert tag(container).ok
    assert num_loads(container) == loads  # no worker ended


@contextlib.contextmanager
def limited(process: psutil.Process, more_bytes: int) -> Iterator[None]:
    """Limits a process to the address space that it has, and `more_bytes` on top."""
    most = process.memory_info().vms + more_bytes
    before = resource.prlimit(process.pid, resource.RLIMIT_AS, (most, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        resource.prlimit(process.pid, resource.RLIMIT_AS, before)
