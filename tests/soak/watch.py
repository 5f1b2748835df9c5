"""What every process holds over time: memory, open files, threads."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import psutil

from benchmarks.processes import resident
from tests.soak.host import Host, kind_of

SAMPLE_SECONDS = 5.0
MEGABYTE = 1e6
# Fewer say nothing about a slope.
LEAST_SAMPLES = 10


@dataclass(frozen=True)
class Held:
    """What a process holds at a moment.

    Attributes:
        kind: Its kind.
        pid: Its id.
        seconds: Since the watch began.
        requests: Answered since then.
        megabytes: Anonymous and shared memory; mapped files are not counted.
        files: Open files and connections.
        threads: Its threads.
    """

    kind: str
    pid: int
    seconds: float
    requests: int
    megabytes: float
    files: int
    threads: int


def held(processes: Sequence[psutil.Process], seconds: float = 0.0, requests: int = 0) -> list[Held]:
    """Looks at processes now; those that end meanwhile are left out."""
    found = []
    for process in processes:
        with contextlib.suppress(psutil.Error):
            megabytes = resident(process.pid).own_bytes / MEGABYTE
            counts = process.num_fds(), process.num_threads()
            found.append(Held(kind_of(process), process.pid, seconds, requests, megabytes, *counts))
    return [each for each in found if each.kind != "other"]


@contextlib.contextmanager
def watched(host: Host, count_requests: Callable[[], int]) -> Iterator[list[Held]]:
    """Looks every few seconds for the length of the `with` block."""
    samples: list[Held] = []
    stopped = threading.Event()
    began = time.monotonic()

    def watch() -> None:
        while not stopped.wait(SAMPLE_SECONDS):
            samples.extend(held(host.processes(), time.monotonic() - began, count_requests()))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield samples
    finally:
        stopped.set()
        thread.join()


def series(samples: Sequence[Held]) -> dict[tuple[str, int], list[Held]]:
    """The samples of each process."""
    keys = dict.fromkeys((each.kind, each.pid) for each in samples)
    return {key: [each for each in samples if (each.kind, each.pid) == key] for key in keys}


def slope(samples: Sequence[Held]) -> float | None:
    """Megabytes per 1,000 requests, the line of least squares through one process's samples; None: too few."""
    if len(samples) < LEAST_SAMPLES:
        return None
    requests = np.array([each.requests for each in samples], np.float64)
    megabytes = np.array([each.megabytes for each in samples], np.float64)
    return float(1000 * np.polyfit(requests, megabytes, 1)[0])


def num_connections(host: Host) -> int:
    """The TCP connections of nginx's worker, to callers and to TorchServe."""
    connections = [
        connection
        for process in host.of_kind("nginx worker")
        for connection in process.net_connections("tcp")
        if connection.status == psutil.CONN_ESTABLISHED
    ]
    return len(connections)
