"""Which threads decode, and how many at once: as many as there are cores, whoever asks for it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from handler.audio.mono import Mono
from handler.cores import CORE_SLOTS, num_cores

_Result = TypeVar("_Result")

_POOL = ThreadPoolExecutor(num_cores(), "decoding")
# Jobs of one recording that run, or wait with their result: enough to keep all cores busy while one is consumed.
_JOBS_AHEAD = num_cores() + 1


def here(blocks: Iterable[Mono]) -> Iterator[Mono]:
    """Decodes in the caller's thread: takes a core's slot for each block, and notes the core time that it took."""
    blocks = iter(blocks)
    while True:
        with CORE_SLOTS:
            start_seconds = time.thread_time()
            block = next(blocks, None)
            seconds = time.thread_time() - start_seconds
        if block is None:
            return
        yield replace(block, decode_seconds=seconds)


def ahead(jobs: Iterable[Callable[[], _Result]]) -> Generator[_Result, None, None]:
    """Runs jobs in the shared threads, a bounded number of them ahead of whoever consumes the results.

    Args:
        jobs: Taken one by one, as results are consumed.

    Yields:
        The results in the order of the jobs.
    """
    running: deque[Future[_Result]] = deque()
    try:
        for job in jobs:
            running.append(_POOL.submit(partial(_in_slot, job)))
            if len(running) > _JOBS_AHEAD:
                yield running.popleft().result()
        while running:
            yield running.popleft().result()
    finally:
        _drop(running)


def in_turn(jobs: Iterable[Callable[[], _Result]]) -> Generator[_Result, None, None]:
    """Runs jobs one after the other in the caller's thread: for what is not worth the way through another one."""
    for job in jobs:
        yield _in_slot(job)


def _in_slot(job: Callable[[], _Result]) -> _Result:
    with CORE_SLOTS:
        return job()


def _drop(running: Iterable[Future[Any]]) -> None:
    """Cancels what has not begun, and waits some milliseconds for what has: it still reads from the body."""
    wait([future for future in running if not future.cancel()])
