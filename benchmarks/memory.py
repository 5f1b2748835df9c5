"""Memory of every process of a server over time."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

MEBIBYTE = 1 << 20
PAUSE_SECONDS = 0.1


@dataclass(frozen=True)
class Resident:
    """A process's resident memory, or the sum of several.

    Attributes:
        own_bytes: Anonymous and shared memory: what the process holds itself.
        file_bytes: Pages of files that it has mapped: libraries, and bodies that the front has left. The system takes
            them back when it needs them, and those that several processes share count for each.
    """

    own_bytes: int = 0
    file_bytes: int = 0

    @property
    def total_bytes(self) -> int:
        """Both."""
        return self.own_bytes + self.file_bytes

    def __add__(self, other: Resident) -> Resident:
        return Resident(self.own_bytes + other.own_bytes, self.file_bytes + other.file_bytes)


@dataclass(frozen=True)
class Moment:
    """The memory of all processes at one time.

    Attributes:
        seconds: Since the watch began.
        resident: By what the processes are.
    """

    seconds: float
    resident: Mapping[str, Resident]

    @property
    def total(self) -> Resident:
        """Of all processes."""
        return sum(self.resident.values(), Resident())


@dataclass
class Timeline:
    """What a watch has seen; the first moment is from before the work began."""

    moments: list[Moment] = field(default_factory=list)

    @property
    def peak_bytes(self) -> int:
        """The largest sum over all processes."""
        return max(moment.total.total_bytes for moment in self.moments)

    @property
    def peak_own_bytes(self) -> int:
        """The same without mapped files."""
        return max(moment.total.own_bytes for moment in self.moments)

    def growth(self, kind: str = "worker") -> Resident:
        """By how much processes of that kind grew over the first moment at most."""
        seen = [moment.resident[kind] for moment in self.moments]
        return Resident(
            max(each.own_bytes for each in seen) - seen[0].own_bytes,
            max(each.file_bytes for each in seen) - seen[0].file_bytes,
        )


@contextlib.contextmanager
def watched(processes: Mapping[str, Sequence[psutil.Process]]) -> Iterator[Timeline]:
    """Looks at the processes ten times a second for the length of the `with` block."""
    start = time.perf_counter()
    timeline = Timeline([look(processes, 0.0)])
    stopped = threading.Event()

    def watch() -> None:
        while not stopped.wait(PAUSE_SECONDS):
            timeline.moments.append(look(processes, time.perf_counter() - start))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield timeline
    finally:
        stopped.set()
        thread.join()


def look(processes: Mapping[str, Sequence[psutil.Process]], seconds: float) -> Moment:
    """Adds up each kind's memory now."""
    return Moment(
        seconds,
        {kind: sum((resident(process.pid) for process in group), Resident()) for kind, group in processes.items()},
    )


def resident(pid: int) -> Resident:
    """Reads a process's memory; nothing where it has ended."""
    with contextlib.suppress(OSError):
        return parse_status(Path(f"/proc/{pid}/status").read_text())
    return Resident()


def parse_status(text: str) -> Resident:
    """Reads /proc/PID/status (proc(5))."""
    kibibytes = {line.partition(":")[0]: line.split()[1] for line in text.splitlines() if line.endswith(" kB")}
    anonymous, shared, mapped = (int(kibibytes.get(name, 0)) for name in ("RssAnon", "RssShmem", "RssFile"))
    return Resident(1024 * (anonymous + shared), 1024 * mapped)
