"""TorchServe, nginx and the watch over them, started and stopped together."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy import front
from deploy.archive import MODEL_NAME, unpacked_with
from deploy.container_settings import ContainerSettings
from deploy.errors import ServingError
from deploy.health import Health, watched
from deploy.ports import HOST, inner_ports
from deploy.spool_folder import SpoolFolder
from deploy.torchserve import driver
from deploy.torchserve.launch import Options, TorchServe, launched
from deploy.torchserve.readiness import wait_until
from handler.settings import PREFIX

# With the front's 18 s less than the 30 s that SageMaker leaves between SIGTERM and SIGKILL.
TORCHSERVE_STOP_SECONDS = 6.0
# How long the stack stays without a ready worker; then SageMaker starts another container. The first time is as long as
# SageMaker's health check waits (deploy/cloudformation), the second several times what a dead worker's successor needs.
FIRST_READY_SECONDS = 600.0
READY_AGAIN_SECONDS = 120.0


@dataclass(frozen=True)
class Places:
    """What the stack serves, and where.

    Attributes:
        model_store: The folder with the archive.
        model_file: Takes the place of the archive's own model; None: it does not.
        host: The address that the front listens on.
        user: Who TorchServe and nginx run as; None: the caller.
        log: Receives the output of both; None: standard output and error.
        paths: The paths that take bodies; SageMaker uses one.
        is_local: Whether the front has the paths for callers on this machine, such as /tags.
    """

    model_store: Path
    model_file: Path | None = None
    host: str = HOST
    user: str | None = None
    log: Path | None = None
    paths: tuple[str, ...] = ("/invocations",)
    is_local: bool = False


@dataclass(frozen=True)
class Stack:
    """A started stack; `health` says whether it is ready yet."""

    torchserve: TorchServe
    nginx: subprocess.Popen[bytes]
    health: Health
    spool_folder: Path

    def wait_until_ready(self) -> None:
        """Returns when /ping says 200.

        Raises:
            ServingError: A part ended, a worker cannot load the model, or it took too long.
        """
        wait_until(lambda: self.health.is_ready, lambda: self.ended() or self.torchserve.explained_failure())

    def require_serving(self) -> None:
        """Looks whether the stack should go on.

        Raises:
            ServingError: A part ended, the model cannot be served, or no worker has been ready for too long.
        """
        ended = self.ended() or (None if self.health.ever_ready else self.torchserve.output.refusal)
        if ended:
            raise ServingError(ended)
        patience_seconds = READY_AGAIN_SECONDS if self.health.ever_ready else FIRST_READY_SECONDS
        if self.health.unready_seconds > patience_seconds:
            raise ServingError(f"no worker became ready within {patience_seconds:.0f} s")

    def ended(self) -> str | None:
        """Returns which part has ended, though nobody stopped it, or None."""
        for name, process in (("nginx", self.nginx), ("TorchServe", self.torchserve.process)):
            status = process.poll()
            if status is not None:
                return f"{name} ended with status {status}\n{self.torchserve.output.last_words()}"
        return None


@contextlib.contextmanager
def running(settings: ContainerSettings, places: Places, environment: Mapping[str, str]) -> Iterator[Stack]:
    """Runs the stack for the length of the `with` block, which begins before it is ready.

    At the end it takes nothing new, and answers what has begun as far as time allows. Then TorchServe ends, so that the
    front says 503 to callers who still wait. No process and no file is left.

    Raises:
        ServingError: There is no free port, or nginx is not installed.
    """
    with contextlib.ExitStack() as stack:
        log = stack.enter_context(places.log.open("wb", buffering=0)) if places.log else None
        run_folder = stack.enter_context(own_folder("sense-", places.user))
        spool_folder = stack.enter_context(own_folder("sense-spool-", places.user, settings.spool_parent))
        options = Options(
            model_store=places.model_store,
            models=other_model(places, run_folder),
            environment=torchserve_environment(settings, environment, run_folder, spool_folder),
            user=places.user,
            stop_seconds=TORCHSERVE_STOP_SECONDS,
        )
        ports = inner_ports(settings.port, settings.internal_ports)
        nginx = front.start(
            front.Front(
                settings,
                places.host,
                ports["inference"],
                run_folder,
                spool_folder,
                places.user,
                places.paths,
                places.is_local,
            ),
            log,
        )
        stack.callback(front.stop, nginx)
        torchserve = stack.enter_context(launched(options, ports, run_folder, log or sys.stdout.buffer))
        stack.callback(front.drain, nginx)
        health = stack.enter_context(watched(Health(torchserve, SpoolFolder(spool_folder, nginx.pid), run_folder)))
        yield Stack(torchserve, nginx, health, spool_folder)


def other_model(places: Places, run_folder: Path) -> str | None:
    """Unpacks the archive around another model file; returns what TorchServe is to load, None for the archive."""
    if places.model_file is None:
        return None
    archive = places.model_store / f"{MODEL_NAME}.mar"
    return f"{MODEL_NAME}={unpacked_with(archive, places.model_file, run_folder, places.user)}"


def torchserve_environment(
    settings: ContainerSettings, environment: Mapping[str, str], run_folder: Path, spool_folder: Path
) -> dict[str, str]:
    """Returns the environment for TorchServe. Of the SENSE_ variables it has the handler's own alone."""
    kept = {name: value for name, value in environment.items() if not name.startswith(PREFIX)}
    return {
        **kept,
        **driver.library_path(environment, driver.read_driver_version()),
        **settings.handler_variables,
        f"{PREFIX}MAX_BODY_BYTES": str(settings.max_body_bytes),
        f"{PREFIX}SPOOL_FOLDER": str(spool_folder),
        "HOME": str(run_folder),  # for files that a library keeps
    }


@contextlib.contextmanager
def own_folder(prefix: str, user: str | None, parent: Path | None = None) -> Iterator[Path]:
    """Makes a folder that only `user` can enter, and removes it at the end."""
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    if user is not None:
        shutil.chown(folder, user, user)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
