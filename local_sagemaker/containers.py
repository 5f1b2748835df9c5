"""Starting a container as SageMaker does, and one invocation of it."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

MAX_MESSAGE_CHARACTERS = 2048
# SageMaker's own limits are 2 s for a ping, 8 minutes until the first good one, 30 s from SIGTERM to SIGKILL.
PING_SECONDS = 2.0
STARTUP_SECONDS = 480.0
STOP_SECONDS = 30.0
# Where a command wants to be told the environment in its arguments: docker run {env} IMAGE serve.
ENVIRONMENT_PLACE = "{env}"
CHUNK_BYTES = 1 << 20


class ContainerError(Exception):
    """The container did not start."""


@dataclass(frozen=True)
class Answer:
    """What a container answered.

    Attributes:
        status: The HTTP status; 0 where there was no answer in time.
        headers: Names in lower case.
        body: The bytes.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether SageMaker takes it for an answer."""
        return 200 <= self.status < 300

    def error_message(self) -> str:
        """What SageMaker says of it to the caller, 2,048 characters at most."""
        if self.status == 0:
            text = (
                "Received server error (0) from primary with message "
                '"Your invocation timed out while waiting for a response from container primary."'
            )
        else:
            side = "client" if self.status < 500 else "server"
            text = f'Received {side} error ({self.status}) from primary with message "{self.original_message()}".'
        return text[:MAX_MESSAGE_CHARACTERS]

    def original_message(self) -> str:
        """The beginning of the container's own words."""
        return self.body.decode(errors="replace")[:MAX_MESSAGE_CHARACTERS]


def invoke(url: str, headers: Mapping[str, str], body: BinaryIO, timeout_seconds: float, *, chunked: bool) -> Answer:
    """Sends one request to a container.

    Args:
        url: The container's base URL.
        headers: What SageMaker lets through.
        body: Read to its end.
        timeout_seconds: From the first byte sent to the last received.
        chunked: Whether the body's length is left open.
    """
    size = os.fstat(body.fileno()).st_size
    length = {"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": str(size)}
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=timeout_seconds)
    with contextlib.closing(connection):
        try:
            blocks = iter(lambda: body.read(CHUNK_BYTES), b"")
            connection.request("POST", "/invocations", blocks, {**headers, **length}, encode_chunked=chunked)
            return _read(connection.getresponse())
        except (BrokenPipeError, ConnectionResetError) as error:
            return _last_word(connection, error)
        except (OSError, http.client.HTTPException) as error:
            return Answer(0, {}, str(error).encode())


def _read(response: http.client.HTTPResponse) -> Answer:
    return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())


def _last_word(connection: http.client.HTTPConnection, error: Exception) -> Answer:
    """A container that refuses a body may close before it has read it all; what it said is still there to be read."""
    try:
        return _read(connection.getresponse())
    except (OSError, http.client.HTTPException):
        return Answer(0, {}, str(error).encode())


def get(url: str, path: str, timeout_seconds: float = PING_SECONDS) -> Answer:
    """Asks a container for one of its small pages; status 0 where it does not answer."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=timeout_seconds)
    with contextlib.closing(connection):
        try:
            connection.request("GET", path)
            return _read(connection.getresponse())
        except (OSError, http.client.HTTPException) as error:
            return Answer(0, {}, str(error).encode())


@dataclass(frozen=True)
class Container:
    """A container that was started.

    Attributes:
        url: Its base URL.
        process: What the command runs in, the leader of its own session.
        log: What it says.
    """

    url: str
    process: subprocess.Popen[bytes]
    log: Path

    def wait_until_healthy(self, timeout_seconds: float = STARTUP_SECONDS) -> None:
        """Returns when /ping says 200.

        Raises:
            ContainerError: It ended, or is not healthy in time.
        """
        deadline = time.monotonic() + timeout_seconds
        while get(self.url, "/ping").status != http.HTTPStatus.OK:
            if self.process.poll() is not None or time.monotonic() > deadline:
                last = "\n".join(self.log.read_text(errors="replace").splitlines()[-15:])
                raise ContainerError(f"the container is not healthy; the end of {self.log}:\n{last}")
            time.sleep(0.25)

    def stop(self) -> None:
        """Ends it as SageMaker does."""
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


@contextlib.contextmanager
def started(command: Sequence[str], environment: Mapping[str, str], log: Path) -> Iterator[Container]:
    """Runs a container for the length of the `with` block, which begins at once, before it is healthy.

    Args:
        command: What starts it, `serve` included; where an argument is {env}, --env NAME=VALUE stand in its place.
        environment: The container's variables; SAGEMAKER_BIND_TO_PORT comes on top.
        log: Receives what it says.
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
    container = Container(f"http://127.0.0.1:{port}", process, log)
    try:
        yield container
    finally:
        container.stop()


def with_environment(command: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """Returns the command with {env} filled in."""
    flags = [part for name, value in environment.items() for part in ("--env", f"{name}={value}")]
    return [part for word in command for part in (flags if word == ENVIRONMENT_PLACE else [word])]


def free_port() -> int:
    """Returns a port of this machine that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def starter(
    command: Sequence[str], environment: Mapping[str, str], log_folder: Path
) -> Callable[[Mapping[str, str]], AbstractContextManager[str]]:
    """Returns what starts a container for each transform job: its variables -> the healthy container's base URL."""

    @contextlib.contextmanager
    def start(variables: Mapping[str, str]) -> Iterator[str]:
        log = log_folder / f"transform-{uuid.uuid4().hex[:8]}.log"
        with started(command, {**environment, **variables}, log) as container:
            container.wait_until_healthy()
            yield container.url

    return start
