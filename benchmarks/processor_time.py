"""The processor time of each kind of process: steadier than the clock on a machine that others use, too."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import psutil

CALLERS = "callers"


def processor_seconds(processes: Mapping[str, Sequence[psutil.Process]]) -> dict[str, float]:
    """What every kind has taken so far, and this process, which is the callers."""
    taken = {kind: sum(_seconds(process) for process in group) for kind, group in processes.items()}
    return {**taken, CALLERS: _seconds(psutil.Process(os.getpid()))}


def server_seconds(processes: Mapping[str, Sequence[psutil.Process]]) -> float:
    """What all of the server's processes have taken so far."""
    return sum(_seconds(process) for group in processes.values() for process in group)


def per_request(taken: Mapping[str, float], num_requests: int) -> str:
    """In words: milliseconds for each request, the largest first, of the seconds that each kind took for them all."""
    each = {kind: 1000 * seconds / num_requests for kind, seconds in taken.items()}
    shown = ", ".join(f"{kind} {cost:.1f}" for kind, cost in sorted(each.items(), key=lambda item: -item[1]))
    return f"{shown}, together {sum(each.values()):.1f} ms"


def _seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
