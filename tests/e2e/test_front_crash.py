"""A crash of the decoder, made up by a signal: what it costs those whose requests share a batch with its cause."""

from __future__ import annotations

import json
import re
import signal
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

from deploy.http_call import Answer, call
from handler.cores import WORKERS_VARIABLE
from local_sagemaker.containers import Container, started
from tests.e2e.conftest import LOGS
from tests.support.sagemaker_container import workers
from tests.support.waiting import eventually

# Much work for few bytes.
SOUND = {"Content-Type": "audio/x-raw; rate=1000; format=s16le"}
FIRST, NEXT = bytes(1_000_000), bytes(2_000_000)
WAIT_SECONDS = 120


def tag(container: Container, body: bytes) -> Answer:
    return call("POST", f"{container.url}/invocations", SOUND, body)


def num_mapped(container: Container) -> int:
    """How many bodies the only worker works on."""
    (worker,) = workers(container)
    return len(set(re.findall(r"/sense-spool-\S+", Path(f"/proc/{worker.pid}/maps").read_text())))


def test_a_crash_costs_its_batch_one_more_call_each(container_command: list[str]) -> None:
    variables = {WORKERS_VARIABLE: "1", "SENSE_PROFILE": "async"}
    with started(container_command, variables, LOGS / "front-crash.log") as container, ThreadPoolExecutor(4) as pool:
        container.wait_until_healthy()
        first = pool.submit(tag, container, FIRST)
        assert eventually(lambda: num_mapped(container) == 1, WAIT_SECONDS, 0.01)
        batch = [pool.submit(tag, container, NEXT) for _ in range(3)]
        assert eventually(lambda: num_mapped(container) == len(batch), WAIT_SECONDS, 0.01)

        workers(container)[0].send_signal(signal.SIGSEGV)
        assert first.result().ok
        wait(batch)
        for answer in (each.result() for each in batch):
            assert (answer.status, answer.headers["retry-after"]) == (503, "5")
            assert json.loads(answer.body)["status_code"] == 503
        # The next call of each, which waits for the worker's successor.
        assert all(eventually(lambda: tag(container, NEXT).ok, WAIT_SECONDS) for _ in batch)
