"""The servers behind endpoints and transform jobs: one for each distinct model, as long as something needs it."""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from botocore.client import BaseClient

from deploy.errors import ServingError
from handler.cores import WORKERS_VARIABLE, num_cores
from local_sagemaker import model_data

logger = logging.getLogger(__name__)

# A container's variables and the folder that is to be its /opt/ml/model (None: the model names no data) -> the base URL
# of a container that is healthy, for the length of the `with` block.
StartContainer = Callable[[Mapping[str, str], "Path | None"], AbstractContextManager[str]]

# docs/sagemaker.md, "Sizing and cost": for each worker, and for the rest of a server.
WORKER_BYTES = 500_000_000
REST_BYTES = 300_000_000
POLL_SECONDS = 0.5


class DeploymentError(Exception):
    """A model cannot be served; the text is the FailureReason."""


@dataclass(frozen=True)
class Patience:
    """How long something waits for memory.

    Attributes:
        seconds: At most.
        ends: Set: no longer.
    """

    seconds: float
    ends: threading.Event = field(default_factory=threading.Event)


IMPATIENT = Patience(0.0)


@dataclass
class _Server:
    """One server.

    Attributes:
        lock: Held while it starts.
        parts: What ends with it.
        num_users: Endpoints and jobs that need it.
        url: Empty until it has started.
    """

    lock: threading.Lock = field(default_factory=threading.Lock)
    parts: ExitStack = field(default_factory=ExitStack)
    num_users: int = 0
    url: str = ""


class Fleet:
    """Starts servers and ends them.

    Args:
        common_url: Base URL of the server for models with neither data nor variables of their own.
        start: Starts the others.
        s3: Has the models' data.
    """

    def __init__(self, common_url: str, start: StartContainer, s3: BaseClient) -> None:
        self._common_url, self._start, self._s3 = common_url, start, s3
        self._servers: dict[object, _Server] = {}
        self._lock = threading.Lock()
        self._starting = threading.Lock()

    @contextlib.contextmanager
    def serving(
        self, container: Mapping[str, Any], variables: Mapping[str, str] | None = None, patience: Patience = IMPATIENT
    ) -> Iterator[str]:
        """Yields the base URL of a healthy server for a ContainerDefinition.

        Args:
            container: The definition.
            variables: Added to its Environment.
            patience: How long to wait for memory.

        Raises:
            DeploymentError: Its data cannot be had, it does not start, or memory is short.
        """
        data = model_data.named(container)
        everything = {**(container.get("Environment") or {}), **(variables or {})}
        if data is None and not everything:
            yield self._common_url
            return
        try:
            key = (data, data.version(self._s3) if data else "", frozenset(everything.items()))
        except model_data.ModelDataError as error:
            raise DeploymentError(str(error)) from None
        with self._user(key) as server:
            with server.lock:
                if not server.url:
                    server.url = self._started(server.parts, data, everything, patience)
            yield server.url

    @contextlib.contextmanager
    def _user(self, key: object) -> Iterator[_Server]:
        """Counts a user of a server, which ends with its last one."""
        with self._lock:
            server = self._servers.setdefault(key, _Server())
            server.num_users += 1
        try:
            yield server
        finally:
            with self._lock:
                server.num_users -= 1
                is_last = server.num_users == 0
                if is_last:
                    del self._servers[key]
            if is_last:
                server.parts.close()

    def _started(
        self,
        parts: ExitStack,
        data: model_data.ModelData | None,
        variables: Mapping[str, str],
        patience: Patience,
    ) -> str:
        folder = None
        try:
            if data:
                folder = Path(parts.enter_context(tempfile.TemporaryDirectory(prefix="sense-model-")))
                data.fetch(self._s3, folder)
            with self._with_memory(needed_bytes(variables), patience):
                return parts.enter_context(self._start(variables, folder))
        except model_data.ModelDataError as error:
            raise DeploymentError(str(error)) from None
        except (ServingError, OSError) as error:
            raise DeploymentError(f"The primary container did not pass the ping health check: {error}") from None

    @contextlib.contextmanager
    def _with_memory(self, num_bytes: int, patience: Patience) -> Iterator[None]:
        """Begins when there is memory for a server. One starts at a time: its need shows when it has."""
        deadline = time.monotonic() + patience.seconds
        while True:
            with self._starting:
                free = psutil.virtual_memory().available
                if free >= num_bytes:
                    yield
                    return
            if time.monotonic() > deadline or patience.ends.wait(POLL_SECONDS):
                raise DeploymentError(
                    "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error: a "
                    f"server needs about {num_bytes} bytes of memory, and {free} are free; delete an endpoint first"
                )


def needed_bytes(variables: Mapping[str, str]) -> int:
    """Returns about how much memory a server with these variables needs."""
    given = variables.get(WORKERS_VARIABLE) or os.environ.get(WORKERS_VARIABLE, "")
    num_workers = int(given) if given.isdigit() else num_cores()
    return REST_BYTES + num_workers * WORKER_BYTES
