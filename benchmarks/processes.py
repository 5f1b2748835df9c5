"""Memory and processor time of a server's processes."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

PAUSE_SECONDS = 0.1
# Kind of process, such as "worker" -> processes.
Processes = Mapping[str, Sequence[psutil.Process]]


@dataclass(frozen=True)
class Resident:
    """Resident memory of one or more processes.

    Attributes:
        own_bytes: Anonymous and shared memory: what the processes hold themselves.
        file_bytes: Pages of mapped files: libraries, and bodies that the front has left. The system takes them back
            when it needs them. Those that several processes share count for each.
    """

    own_bytes: int = 0
    file_bytes: int = 0

    @property
    def total_bytes(self) -> int:
        """Both."""
        return self.own_bytes + self.file_bytes

    def __add__(self, other: Resident) -> Resident:
        return Resident(self.own_bytes + other.own_bytes, self.file_bytes + other.file_bytes)


@dataclass
class Usage:
    """What processes used in the length of a `with` block.

    Attributes:
        memory: By kind of process, at the start and then ten times a second.
        processor_seconds: By kind of process; there when the block has ended.
    """

    memory: list[dict[str, Resident]]
    processor_seconds: dict[str, float] = field(default_factory=dict)

    @property
    def peak_bytes(self) -> int:
        """The largest sum over all processes."""
        return max(sum(moment.values(), Resident()).total_bytes for moment in self.memory)

    def growth(self, kind: str = "worker") -> Resident:
        """By how much processes of that kind grew at most."""
        seen = [moment[kind] for moment in self.memory]
        return Resident(
            max(each.own_bytes for each in seen) - seen[0].own_bytes,
            max(each.file_bytes for each in seen) - seen[0].file_bytes,
        )


@contextlib.contextmanager
def watched(processes: Processes) -> Iterator[Usage]:
    """Watches processes for the length of the `with` block."""
    usage, before, stopped = Usage([_memory(processes)]), processor_seconds(processes), threading.Event()

    def watch() -> None:
        while not stopped.wait(PAUSE_SECONDS):
            usage.memory.append(_memory(processes))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield usage
    finally:
        stopped.set()
        thread.join()
    after = processor_seconds(processes)
    usage.processor_seconds = {kind: after[kind] - before[kind] for kind in after}


def processor_seconds(processes: Processes) -> dict[str, float]:
    """What every kind of process has taken so far. It is steadier than the clock on a machine that others use, too."""
    times = {kind: [process.cpu_times() for process in group] for kind, group in processes.items()}
    return {kind: sum(each.user + each.system for each in group) for kind, group in times.items()}


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


def _memory(processes: Processes) -> dict[str, Resident]:
    return {kind: sum((resident(process.pid) for process in group), Resident()) for kind, group in processes.items()}
