"""The server that is measured: an archive behind the front, as `make serve` starts it, or TorchServe alone."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.options import BUILD, TREE
from deploy import front, torchserve
from deploy.server import Places, Server, running
from deploy.settings import read_server_settings
from scripts.serve import stop_if_ended

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
    plain = plain or front.nginx_program() is None
    with torchserve.interrupted_by_signals(), _plainly(store) if plain else behind_front(store) as served:
        yield served


@contextlib.contextmanager
def _plainly(store: Path) -> Iterator[Served]:
    settings = torchserve.Settings(LOGS / "plain", model_store=store, environment={**os.environ, **ENVIRONMENT})
    with torchserve.running(settings) as server:
        wait_for_all_workers(server)
        yield Served(server.url, lambda: processes_of(server), "TorchServe without a front")


@contextlib.contextmanager
def behind_front(store: Path) -> Iterator[Served]:
    """Serves the archive in `store` through the front for the length of the `with` block."""
    log_folder = LOGS / "front"
    log_folder.mkdir(parents=True, exist_ok=True)
    settings = read_server_settings({"SENSE_PROFILE": "async", **os.environ}).with_port(free_port())
    places = Places(store, log=log_folder / "torchserve.log")
    with running(settings, places, {**os.environ, **ENVIRONMENT}) as server:
        while server.health.unready_since is not None:
            stop_if_ended(server, torchserve.failure(server.torchserve))
        wait_for_all_workers(server.torchserve)
        url = f"http://{places.host}:{settings.port}"
        yield Served(
            url,
            lambda: {**processes_of(server.torchserve), "nginx": nginx_processes(server)},
            "TorchServe behind nginx",
        )


def wait_for_all_workers(server: torchserve.TorchServe) -> None:
    """Returns when every worker has loaded the model: a server counts as ready with the first.

    Raises:
        torchserve.TorchServeError: That takes too long.
    """
    deadline = time.monotonic() + torchserve.STARTUP_SECONDS
    while time.monotonic() < deadline:
        _, body = torchserve.exchange(
            "GET", f"{torchserve.HOST}:{server.management_port}", f"/models/{server.model_name}"
        )
        (model,) = json.loads(body)
        ready = [worker for worker in model["workers"] if worker["status"] == "READY"]
        if len(ready) >= model["minWorkers"]:
            return
        time.sleep(torchserve.POLL_SECONDS)
    raise torchserve.TorchServeError(f"not every worker came up\n{server.last_words()}")


def processes_of(server: torchserve.TorchServe) -> dict[str, list[psutil.Process]]:
    """TorchServe's processes."""
    return {"worker": server.workers(), "JVM": [server.java()], "launcher": [psutil.Process(server.process.pid)]}


def nginx_processes(server: Server) -> list[psutil.Process]:
    """The front's processes."""
    master = psutil.Process(server.nginx.pid)
    return [master, *master.children(recursive=True)]


def free_port() -> int:
    """Returns a port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind((torchserve.HOST, 0))
        return int(probe.getsockname()[1])
