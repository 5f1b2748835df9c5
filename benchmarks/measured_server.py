"""The servers that are measured: this project's, as `make serve` starts it, and a usual handler in plain TorchServe."""

from __future__ import annotations

import contextlib
import importlib.util
import logging
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.processes import Processes
from benchmarks.results import BUILD, TREE
from deploy.container_settings import read_container_settings
from deploy.ports import free_port
from deploy.processes import interrupted_by_signals
from deploy.stack import Places, running
from deploy.torchserve.alone import started
from deploy.torchserve.launch import Options, TorchServe, default_num_workers
from deploy.torchserve.readiness import ready_workers, wait_until, wait_until_ready
from handler.cores import WORKERS_VARIABLE, num_cores

LOGS = BUILD / "logs"
OURS = "this server"
USUAL_HANDLER = Path(__file__).with_name("usual_handler.py")
# Name -> variables of its environment.
USUAL: Mapping[str, Mapping[str, str]] = {
    "usual handler, torch's own threads": {},
    "usual handler, one thread in each worker": {"OMP_NUM_THREADS": "1"},
}
# The limit, too, is measured without a GPU.
WITHOUT_GPU: Mapping[str, str] = {"TS_NUMBER_OF_GPU": "0"}

logging.getLogger("deploy").addHandler(logging.NullHandler())  # the watch's words would stand between the tables


@dataclass(frozen=True)
class MeasuredServer:
    """A server all of whose workers are ready.

    Attributes:
        url: Its base URL.
        processes: All its processes: "worker", "JVM", "launcher" and, where there is a front, "nginx".
    """

    url: str
    processes: Processes


@contextlib.contextmanager
def serving(model_file: Path, environment: Mapping[str, str] = WITHOUT_GPU) -> Iterator[MeasuredServer]:
    """Packs the model and serves it behind the front for the length of the `with` block.

    Args:
        model_file: The model.
        environment: Variables beyond this process's own.
    """
    everything = {"SENSE_PROFILE": "async", **os.environ, **environment}
    settings = read_container_settings(everything).with_port(free_port())
    LOGS.mkdir(parents=True, exist_ok=True)
    places = Places(pack(model_file), log=LOGS / "torchserve.log")
    with interrupted_by_signals(), running(settings, places, everything) as stack:
        stack.wait_until_ready()
        num_workers = int(everything.get(WORKERS_VARIABLE) or default_num_workers())
        wait_until(lambda: len(ready_workers(stack.torchserve)) >= num_workers, stack.torchserve.explained_failure)
        nginx = psutil.Process(stack.nginx.pid)
        processes = {**processes_of(stack.torchserve), "nginx": [nginx, *nginx.children(recursive=True)]}
        yield MeasuredServer(f"http://{places.host}:{settings.port}", processes)


@contextlib.contextmanager
def serving_usual(model_file: Path, name: str) -> Iterator[MeasuredServer]:
    """Serves the usual handler of that name (USUAL) for the length of the `with` block: without a front."""
    store = pack_usual(model_file)
    environment = {**os.environ, **WITHOUT_GPU, **USUAL[name]}
    options = Options(store, "usual=usual.mar", environment)
    with started(options, LOGS / name.replace(" ", "-")) as server:
        wait_until_ready(server, all_workers=True)
        yield MeasuredServer(server.url, processes_of(server))


def pack(model_file: Path) -> Path:
    """Writes the archive; returns its folder."""
    store = BUILD / "store"
    packer = importlib.util.find_spec("model_archiver")
    # The archiver's script, where packages lie in a folder of their own (pip install --target).
    scripts = Path(packer.origin).parent.parent / "bin" if packer and packer.origin else Path()
    environment = {**os.environ, "PATH": f"{os.environ.get('PATH', '')}:{scripts}"}
    command: list[str | Path] = [TREE / "build_mar.sh", "--model", model_file, "--output", store]
    subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment)
    return store


def pack_usual(model_file: Path) -> Path:
    """Writes the usual handler's archive, with one worker for each core; returns its folder."""
    store = BUILD / "usual-store"
    store.mkdir(parents=True, exist_ok=True)
    config = store / "model-config.yaml"
    config.write_text(f"minWorkers: {num_cores()}\nmaxWorkers: {num_cores()}\nbatchSize: 1\nresponseTimeout: 3600\n")
    archiver = Path(sys.executable).with_name("torch-model-archiver")
    command: list[str | Path] = [
        archiver,
        "--model-name",
        "usual",
        "--version",
        "1.0",
        "--handler",
        USUAL_HANDLER,
        "--force",
    ]
    command += ["--serialized-file", model_file, "--config-file", config, "--export-path", store]
    subprocess.run(command, check=True, capture_output=True)
    return store


def processes_of(server: TorchServe) -> dict[str, list[psutil.Process]]:
    """TorchServe's processes."""
    return {"worker": server.workers(), "JVM": [server.java()], "launcher": [psutil.Process(server.process.pid)]}
