"""What the front and the servers behind it do when a process is killed, and with what is no proper request."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import psutil
import pytest

from deploy.http_call import Answer, call
from deploy.torchserve.readiness import silence
from local_sagemaker.containers import Container, get, started
from tests.e2e.conftest import LOGS, NUM_WORKERS, WORKERS
from tests.support.sagemaker_container import workers
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
