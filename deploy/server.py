"""TorchServe, the front and the watch over them, started and stopped together."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from deploy import driver, front, torchserve
from deploy.health import Health, watched
from deploy.model_folder import archive_with_model
from deploy.settings import ServerSettings
from handler.settings import PREFIX

# With the front's 18 s less than the 30 s that SageMaker leaves between SIGTERM and SIGKILL.
TORCHSERVE_STOP_SECONDS = 6.0
LISTENERS = ("inference", "management", "metrics", "grpc_inference", "grpc_management")


@dataclass(frozen=True)
class Places:
    """What the server is made of, and where it lives.

    Attributes:
        model_store: The folder with cochl-sense.mar.
        model_file: Takes the place of the archive's own model; None: it does not.
        host: The address that the front listens on.
        user: Who TorchServe and nginx run as; None: whoever starts them.
        log: Receives what both say; None: standard output and error.
        paths: What takes bodies; SageMaker knows one.
    """

    model_store: Path
    model_file: Path | None = None
    host: str = torchserve.HOST
    user: str | None = None
    log: Path | None = None
    paths: tuple[str, ...] = ("/invocations",)


@dataclass(frozen=True)
class Server:
    """A started server; `health` says whether it is ready yet."""

    torchserve: torchserve.TorchServe
    nginx: subprocess.Popen[bytes]
    health: Health
    spool_folder: Path

    def ended(self) -> str | None:
        """Says which part has ended, which it never does by itself, or None."""
        for name, process in (("nginx", self.nginx), ("TorchServe", self.torchserve.process)):
            status = process.poll()
            if status is not None:
                return f"{name} ended with status {status}"
        return None


@contextlib.contextmanager
def running(settings: ServerSettings, places: Places, environment: Mapping[str, str]) -> Iterator[Server]:
    """Runs the server for the length of the `with` block, which begins before it is ready.

    At the end nothing is taken any more, what has begun is answered as far as time allows, and no process and no file
    is left.

    Raises:
        torchserve.TorchServeError: There is no free port.
        front.FrontError: nginx is not installed.
    """
    with contextlib.ExitStack() as stack:
        output = stack.enter_context(places.log.open("wb")) if places.log else None
        run_folder = stack.enter_context(own_folder("sense-", places.user))
        spool_folder = stack.enter_context(own_folder("sense-spool-", places.user, settings.spool_parent))
        served = start_torchserve(settings, places, run_folder, spool_folder, environment, output)
        stack.callback(torchserve.stop, served.process, TORCHSERVE_STOP_SECONDS)
        nginx = front.start(describe_front(settings, places, served.port, run_folder, spool_folder), output)
        stack.callback(front.stop, nginx, front.DRAIN_SECONDS)
        health = stack.enter_context(watched(Health(served, spool_folder, run_folder)))
        yield Server(served, nginx, health, spool_folder)


def describe_front(
    settings: ServerSettings, places: Places, torchserve_port: int, run_folder: Path, spool_folder: Path
) -> front.Front:
    """Returns what nginx is to be."""
    return front.Front(
        settings=settings,
        host=places.host,
        torchserve_port=torchserve_port,
        run_folder=run_folder,
        spool_folder=spool_folder,
        health_folder=run_folder,
        user=places.user,
        paths=places.paths,
    )


def start_torchserve(
    settings: ServerSettings,
    places: Places,
    run_folder: Path,
    spool_folder: Path,
    environment: Mapping[str, str],
    output: IO[bytes] | None,
) -> torchserve.TorchServe:
    """Starts TorchServe on ports of its own, such that it takes bodies from the spool folder."""
    models = None
    if places.model_file is not None:
        archive = places.model_store / f"{torchserve.MODEL_NAME}.mar"
        folder = archive_with_model(archive, places.model_file, run_folder, places.user)
        models = f"{torchserve.MODEL_NAME}={folder}"
    asked = torchserve.Settings(
        log_folder=run_folder,
        model_store=places.model_store,
        models=models,
        environment=torchserve_environment(settings, environment, run_folder, spool_folder),
    )
    ports = internal_ports(settings)
    process = torchserve.launch(asked, ports, run_folder, output, places.user)
    return torchserve.started(asked, process, ports, places.log or Path(os.devnull))


def torchserve_environment(
    settings: ServerSettings, environment: Mapping[str, str], run_folder: Path, spool_folder: Path
) -> dict[str, str]:
    """Returns the environment for TorchServe: the handler knows its own SENSE_ variables alone."""
    kept = {name: value for name, value in environment.items() if not name.startswith(PREFIX)}
    return {
        **kept,
        **driver.library_path(environment, driver.read_driver_version()),
        **settings.handler_variables,
        f"{PREFIX}MAX_BODY_BYTES": str(settings.max_body_bytes),
        f"{PREFIX}SPOOL_FOLDER": str(spool_folder),
        "HOME": str(run_folder),  # whatever a library wants to keep
    }


def internal_ports(settings: ServerSettings) -> dict[str, int]:
    """Picks a port for each of TorchServe's listeners, where SageMaker allows it, and never the front's.

    Raises:
        torchserve.TorchServeError: There are not enough free ones.
    """
    numbers: Iterable[int] = itertools.repeat(0, 2 * len(LISTENERS))  # 0: any that is free
    if settings.internal_ports is not None:
        numbers = range(settings.internal_ports[0], settings.internal_ports[1] + 1)
    ports: list[int] = []
    with contextlib.ExitStack() as held:  # until all are chosen, so that none is chosen twice
        for number in numbers:
            port = torchserve.take_port(number, held)
            if port != settings.port and number in (0, port):
                ports.append(port)
            if len(ports) == len(LISTENERS):
                return dict(zip(LISTENERS, ports, strict=True))
    raise torchserve.TorchServeError(f"SAGEMAKER_SAFE_PORT_RANGE has fewer than {len(LISTENERS)} free ports")


@contextlib.contextmanager
def own_folder(prefix: str, user: str | None, parent: Path | None = None) -> Iterator[Path]:
    """Makes a folder that belongs to `user`, whom alone it lets in, and removes it at the end."""
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    if user is not None:
        shutil.chown(folder, user, user)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
