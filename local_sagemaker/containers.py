"""Starting a container as SageMaker does, and one invocation of it."""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from deploy.errors import ServingError
from deploy.http_call import Answer, call
from deploy.ports import HOST, free_port
from deploy.torchserve.readiness import wait_until
from local_sagemaker import storage

MAX_MESSAGE_CHARACTERS = 2048
# SageMaker's limits: 2 s for a ping, 8 minutes until the first good one, 30 s from SIGTERM to SIGKILL.
PING_SECONDS = 2.0
STARTUP_SECONDS = 480.0
STOP_SECONDS = 30.0
# Places in a command's arguments: docker run {env} --volume {model}:/opt/ml/model IMAGE serve.
ENVIRONMENT_PLACE = "{env}"
MODEL_PLACE = "{model}"
CHUNK_BYTES = 1 << 20
LOG_LINES = 15
# Our own image marks the cause.
ERROR_MARK = "[ERROR]"


def invoke(url: str, headers: Mapping[str, str], body: BinaryIO, timeout_seconds: float, *, chunked: bool) -> Answer:
    """Sends one request to a container.

    Args:
        url: The container's base URL.
        headers: What SageMaker lets through.
        body: Read from its start to its end.
        timeout_seconds: For each step of the connection.
        chunked: Whether the body's length is left open.
    """
    size = storage.size_bytes(body)
    length = {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": str(size)}
    blocks = iter(lambda: body.read(CHUNK_BYTES), b"")
    everything = {**headers, **length}
    return call("POST", f"{url}/invocations", everything, blocks, timeout_seconds=timeout_seconds, chunked=chunked)


def get(url: str, path: str) -> Answer:
    """Asks a container for one of its small pages."""
    return call("GET", f"{url}{path}", timeout_seconds=PING_SECONDS)


def is_reachable(url: str) -> bool:
    """Says whether anything listens where a container was."""
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname or HOST, parts.port or 80), PING_SECONDS).close()
    except OSError:
        return False
    return True


def error_message(answer: Answer) -> str:
    """Returns what SageMaker says to the caller of an answer that is an error, 2,048 characters at most."""
    if answer.status == 0:
        text = (
            "Received server error (0) from primary with message "
            '"Your invocation timed out while waiting for a response from container primary."'
        )
    else:
        side = "client" if answer.status < 500 else "server"
        text = f'Received {side} error ({answer.status}) from primary with message "{original_message(answer)}".'
    return text[:MAX_MESSAGE_CHARACTERS]


def original_message(answer: Answer) -> str:
    """Returns the beginning of the container's own words."""
    return answer.text[:MAX_MESSAGE_CHARACTERS]


@dataclass(frozen=True)
class Container:
    """A container that was started.

    Attributes:
        url: Its base URL.
        process: The command's process, the leader of its own session.
        log: Its output.
    """

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def wait_until_healthy(self, timeout_seconds: float = STARTUP_SECONDS) -> None:
        """Returns when /ping says 200.

        Raises:
            ServingError: It ended, or is not healthy in time.
        """
        wait_until(lambda: get(self.url, "/ping").ok, self._failure, timeout_seconds)

    def stop(self) -> None:
        """Ends it as SageMaker does."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def _failure(self) -> str | None:
        status = self.process.poll()
        if status is None:
            return None
        lines = self.log.read_text(errors="replace").splitlines()
        causes = [line for line in lines if ERROR_MARK in line] or lines
        return f"the container ended with status {status}; from {self.log}:\n" + "\n".join(causes[-LOG_LINES:])


@contextlib.contextmanager
def started(command: Sequence[str], environment: Mapping[str, str], log: Path) -> Iterator[Container]:
    """Runs a container for the length of the `with` block, which begins at once, before it is healthy.

    Args:
        command: Starts it, `serve` included; an argument {env} is replaced by --env NAME=VALUE ...
        environment: The container's variables; SAGEMAKER_BIND_TO_PORT is added.
        log: Receives its output.
    """
    port = free_port()
    variables = {**environment, "SAGEMAKER_BIND_TO_PORT": str(port)}
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            with_environment(command, variables),
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    container = Container(f"http://{HOST}:{port}", process, log)
    # A `with` block in a thread does not end where the interpreter does, as after a second Ctrl-C.
    atexit.register(container.stop)
    try:
        yield container
    finally:
        atexit.unregister(container.stop)
        container.stop()


def with_environment(command: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """Returns the command with {env} filled in."""
    flags = [part for name, value in environment.items() for part in ("--env", f"{name}={value}")]
    return [part for word in command for part in (flags if word == ENVIRONMENT_PLACE else [word])]


def with_model(command: Sequence[str], folder: Path) -> list[str]:
    """Returns the command with {model} filled in."""
    return [word.replace(MODEL_PLACE, str(folder)) for word in command]


def starter(
    command: Sequence[str], environment: Mapping[str, str], log_folder: Path, model_folder: Path | None = None
) -> Callable[[Mapping[str, str], Path | None], AbstractContextManager[str]]:
    """Returns what starts a container for a model: its variables, the folder of its data -> the healthy one's base URL.

    Args:
        command: Starts it; {env} and {model} are filled in.
        environment: Variables for every container.
        log_folder: Receives their logs.
        model_folder: For models without data; None: an empty folder.
    """

    @contextlib.contextmanager
    def start(variables: Mapping[str, str], folder: Path | None) -> Iterator[str]:
        if folder and not any(MODEL_PLACE in word for word in command):
            raise ServingError(f"--command has no {MODEL_PLACE}, which stands for the folder with the model's data")
        log = log_folder / f"container-{uuid.uuid4().hex[:8]}.log"
        with tempfile.TemporaryDirectory(prefix="sense-no-model-") as empty:
            filled = with_model(command, folder or model_folder or Path(empty))
            with started(filled, {**environment, **variables}, log) as container:
                container.wait_until_healthy()
                yield container.url

    return start
