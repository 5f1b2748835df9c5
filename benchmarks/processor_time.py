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


def per_request(before: Mapping[str, float], after: Mapping[str, float], num_requests: int) -> str:
    """In words: milliseconds for each request between two looks, the largest first."""
    taken = {kind: 1000 * (after[kind] - before[kind]) / num_requests for kind in before}
    shown = ", ".join(f"{kind} {each:.1f}" for kind, each in sorted(taken.items(), key=lambda item: -item[1]))
    return f"{shown}, together {sum(taken.values()):.1f} ms"


def _seconds(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)
