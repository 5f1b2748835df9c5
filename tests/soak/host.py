"""The container's host: starts the container, looks into it, and starts another where one has ended."""

from __future__ import annotations

import contextlib
import json
import sys
import tempfile
import time
from pathlib import Path

import psutil

from deploy.archive import TREE
from deploy.container_settings import PROFILES
from deploy.http_call import call
from deploy.processes import command_line
from local_sagemaker.containers import Container, get, started
from tests.support.sagemaker_container import alive, processes, spooled
from tests.support.waiting import eventually

LOGS = TREE / "build" / "soak"
PROFILE = "realtime"
MAX_REQUESTS = PROFILES[PROFILE].max_requests
READY_SECONDS = 600.0
# A look at all processes costs the callers some of their time.
POLL_SECONDS = 0.5
# Kind of process -> what its command line has.
KINDS = {
    "worker": "model_service_worker.py",
    "Java": "org.pytorch.serve",
    "launcher": "ts.model_server",
    "nginx master": "nginx: master",
    "nginx worker": "nginx: worker",
    "entry point": "deploy.entrypoint",
}
COMMAND = [sys.executable, "-m", "deploy.entrypoint", "serve", "--host", "127.0.0.1"]


class Host:
    """Runs a container; `container` is the present one.

    Args:
        name: Of its logs' folder.
    """

    def __init__(self, name: str) -> None:
        self._logs = LOGS / name
        self._stack = contextlib.ExitStack()
        self._number = 0
        self.container = self._start()

    def __enter__(self) -> Host:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def url(self) -> str:
        """Where the present container answers."""
        return self.container.url

    def wait_until_full(self, num_workers: int) -> None:
        """Returns when that many workers are ready, and /ping says 200.

        Raises:
            RuntimeError: They are not in time, or the container has ended.
        """

        def is_full() -> bool:
            if self.container.process.poll() is not None:
                raise RuntimeError(f"the container has ended; see {self.container.log}")
            return len(self.ready_workers()) >= num_workers and get(self.url(), "/ping").ok

        if not eventually(is_full, READY_SECONDS, POLL_SECONDS):
            raise RuntimeError(f"{num_workers} workers were not ready within {READY_SECONDS:.0f} s")

    def ready_workers(self) -> list[int]:
        """The process ids of the workers that TorchServe says are ready, and that run."""
        with contextlib.suppress(LookupError, ValueError, psutil.Error):
            address = self.of_kind("Java")[0].environ()["TS_MANAGEMENT_ADDRESS"]
            (description,) = json.loads(call("GET", f"{address}/models/cochl-sense", timeout_seconds=5).body)
            running = {process.pid for process in self.of_kind("worker")}
            return [
                each["pid"] for each in description["workers"] if each["status"] == "READY" if each["pid"] in running
            ]
        return []

    def of_kind(self, kind: str) -> list[psutil.Process]:
        """The running processes of a kind."""
        return [process for process in self.processes() if kind_of(process) == kind]

    def processes(self) -> list[psutil.Process]:
        """All running processes of the container."""
        with contextlib.suppress(psutil.NoSuchProcess):
            return [psutil.Process(self.container.process.pid), *processes(self.container)]
        return []

    def bodies(self) -> list[Path]:
        """The bodies in the spool folder."""
        return [file for file in spooled(self.container) if file.name.isdigit()]

    def restart(self, members: list[psutil.Process]) -> float:
        """Waits for the container's end, and starts another. As in a container, no process outlives the first one.

        Args:
            members: The ended container's processes.

        Returns:
            The seconds until it had ended.
        """
        began = time.monotonic()
        self.container.process.wait()
        ended = time.monotonic() - began
        for process in alive(members):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        self._stack.close()
        self.container = self._start()
        return ended

    def _start(self) -> Container:
        folder = self._stack.enter_context(tempfile.TemporaryDirectory(prefix="soak-", ignore_cleanup_errors=True))
        self._number += 1
        environment = {"SENSE_PROFILE": PROFILE, "TMPDIR": folder}
        return self._stack.enter_context(started(COMMAND, environment, self._logs / f"container-{self._number}.log"))


def kind_of(process: psutil.Process) -> str:
    """The kind of a process, "other" for what lives a moment."""
    line = command_line(process)
    return next((kind for kind, marker in KINDS.items() if marker in line), "other")
