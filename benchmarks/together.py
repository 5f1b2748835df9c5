"""Runs the same job in several processes at once."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection, wait
from typing import Any, TypeVar

Result = TypeVar("Result")
# Waits until all jobs have called it, when they are warm.
StartLine = Callable[[], Any]
# Longer than any process takes until it is warm.
START_SECONDS = 120.0


class ProcessEndedError(Exception):
    """A process ended without a result; the message has its own error."""


def run_together(job: Callable[..., Result], arguments: tuple[Any, ...], num_processes: int) -> list[Result]:
    """Runs job(start_line, *arguments) in fresh processes.

    The cores are divided among the processes, so all threads together are as many as one process would have: the
    handler starts as many as it may use cores.

    Returns:
        The results.

    Raises:
        ProcessEndedError: One has ended without a result. The others are ended, too.
    """
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(num_processes, timeout=START_SECONDS)
    with contextlib.ExitStack() as stack:
        receivers = []
        for number in range(num_processes):
            receiver, sender = context.Pipe(duplex=False)
            process = context.Process(target=_work, args=(sender, job, barrier.wait, arguments), daemon=True)
            with only_cores(share_of_cores(number, num_processes)):
                process.start()
            stack.callback(process.kill)
            sender.close()  # so that the receiver sees when the process ends
            receivers.append(receiver)
        return _received(receivers)


def share_of_cores(number: int, num_processes: int) -> set[int]:
    """The cores of process `number`: every core goes to one process, or each process has one that others have, too."""
    cores = sorted(os.sched_getaffinity(0))
    return set(cores[number::num_processes]) or {cores[number % len(cores)]}


@contextlib.contextmanager
def only_cores(cores: set[int]) -> Iterator[None]:
    """Keeps this thread, and the processes that it starts in the `with` block, on these cores."""
    mine = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, mine)


def _work(sender: Connection, job: Callable[..., Any], start_line: StartLine, arguments: tuple[Any, ...]) -> None:
    try:
        sender.send((job(start_line, *arguments), None))
    except Exception as error:  # the caller raises it
        sender.send((None, f"{type(error).__name__}: {error}"))


def _received(receivers: list[Connection]) -> list[Any]:
    results: dict[Connection, Any] = {}
    while len(results) < len(receivers):
        for ready in wait([receiver for receiver in receivers if receiver not in results]):
            assert isinstance(ready, Connection)
            try:
                results[ready], error = ready.recv()
            except EOFError:
                raise ProcessEndedError("a measuring process died") from None
            if error is not None:
                raise ProcessEndedError(error)
    return [results[receiver] for receiver in receivers]
