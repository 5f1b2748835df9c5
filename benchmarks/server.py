"""The server that is measured: an archive behind the front, as `make serve` starts it, or TorchServe alone."""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.options import BUILD, TREE
from deploy.container_settings import read_container_settings
from deploy.front import nginx_program
from deploy.ports import free_port
from deploy.processes import interrupted_by_signals
from deploy.readiness import wait_until_ready
from deploy.stack import Places, Stack, running
from deploy.torchserve.alone import started
from deploy.torchserve.launch import Options, TorchServe

LOGS = BUILD / "logs"
# The limit, too, is measured without a GPU; benchmarks/gpu.py is for those.
ENVIRONMENT = {"TS_NUMBER_OF_GPU": "0"}

logging.getLogger("deploy").addHandler(logging.NullHandler())  # the watch's words between the tables


@dataclass(frozen=True)
class Served:
    """A server that answers.

    Attributes:
        url: Its base URL.
        processes: Returns all its processes by what they are: "worker", "JVM", "launcher" and, behind the front,
            "nginx".
        description: Which server it is, in words.
    """

    url: str
    processes: Callable[[], Mapping[str, list[psutil.Process]]]
    description: str


@contextlib.contextmanager
def serving(model_file: Path, *, plain: bool = False) -> Iterator[Served]:
    """Packs the model and serves it for the length of the `with` block, which begins when it answers.

    Args:
        model_file: The model.
        plain: Without the front, even where nginx is installed.
    """
    store = BUILD / "store"
    subprocess.run(
        [TREE / "build_mar.sh", "--model", model_file, "--output", store], check=True, stdout=subprocess.PIPE
    )
    plain = plain or nginx_program() is None
    with interrupted_by_signals(), _plainly(store) if plain else behind_front(store) as served:
        yield served


@contextlib.contextmanager
def _plainly(store: Path) -> Iterator[Served]:
    with started(Options(store, environment={**os.environ, **ENVIRONMENT}), LOGS / "plain") as server:
        wait_until_ready(server, all_workers=True)
        yield Served(server.url, lambda: processes_of(server), "TorchServe without a front")


@contextlib.contextmanager
def behind_front(store: Path) -> Iterator[Served]:
    """Serves the archive in `store` through the front for the length of the `with` block."""
    log_folder = LOGS / "front"
    log_folder.mkdir(parents=True, exist_ok=True)
    settings = read_container_settings({"SENSE_PROFILE": "async", **os.environ}).with_port(free_port())
    places = Places(store, log=log_folder / "torchserve.log")
    with running(settings, places, {**os.environ, **ENVIRONMENT}) as stack:
        stack.wait_until_ready()
        wait_until_ready(stack.torchserve, all_workers=True)
        url = f"http://{places.host}:{settings.port}"
        yield Served(
            url,
            lambda: {**processes_of(stack.torchserve), "nginx": nginx_processes(stack)},
            "TorchServe behind nginx",
        )


def processes_of(server: TorchServe) -> dict[str, list[psutil.Process]]:
    """TorchServe's processes."""
    return {"worker": server.workers(), "JVM": [server.java()], "launcher": [psutil.Process(server.process.pid)]}


def nginx_processes(stack: Stack) -> list[psutil.Process]:
    """The front's processes."""
    master = psutil.Process(stack.nginx.pid)
    return [master, *master.children(recursive=True)]
