"""A container as tests look into it: its processes, its spool folder, its log."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil

from deploy.processes import is_running
from local_sagemaker.containers import Container

WORKER = "model_service_worker.py"


def processes(container: Container, marker: str = "") -> list[psutil.Process]:
    """Returns the container's running processes whose command line holds `marker`."""
    found = []
    with contextlib.suppress(psutil.NoSuchProcess):
        for process in psutil.Process(container.process.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if is_running(process) and marker in " ".join(process.cmdline()):
                    found.append(process)
    return found


def alive(members: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Returns those that still run; one that nobody has waited for yet does not."""
    return [process for process in members if is_running(process)]


def workers(container: Container) -> list[psutil.Process]:
    """Returns TorchServe's Python workers."""
    return processes(container, WORKER)


@contextlib.contextmanager
def paused(container: Container) -> Iterator[None]:
    """Makes the workers stand still, so that all requests wait."""
    standing = workers(container)
    for worker in standing:
        worker.suspend()
    try:
        yield
    finally:
        for worker in standing:
            with contextlib.suppress(psutil.NoSuchProcess):
                worker.resume()


def spooled(container: Container) -> list[Path]:
    """Returns the bodies that lie in the spool folder, whichever file system the container sees."""
    folder = re.search(r"serve - spool folder (/\S+)", container.log.read_text())
    assert folder, container.log
    root = Path(f"/proc/{processes(container, 'nginx: master')[0].pid}/root")
    return list((root / folder[1].lstrip("/")).iterdir())
