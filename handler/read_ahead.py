"""Runs an iterator in a thread of its own, a bounded number of items ahead of whoever consumes them."""

from __future__ import annotations

import threading
from collections.abc import Generator, Iterable
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, Queue
from typing import Generic, TypeVar

_Item = TypeVar("_Item")
_STOP_POLL_SECONDS = 0.01


@dataclass(frozen=True)
class _Produced(Generic[_Item]):
    """An item, or nothing more because the iterator has ended or raised."""

    items: tuple[_Item, ...] = ()
    error: BaseException | None = None


def read_ahead(items: Iterable[_Item], *, depth: int) -> Generator[_Item, None, None]:
    """Yields the items of an iterable that is consumed in another thread.

    Work that releases the global interpreter lock, as decoding does, so overlaps with the consumer's.

    Args:
        items: Consumed by one thread only, which starts with the first item asked for.
        depth: How many items may wait.

    Raises:
        BaseException: Whatever the iterable raises, when the consumer gets there.
    """
    queue: Queue[_Produced[_Item]] = Queue(depth)
    stopped = threading.Event()
    thread = threading.Thread(target=_produce, args=(items, queue, stopped), daemon=True)
    thread.start()
    try:
        while (produced := queue.get()).items:
            yield produced.items[0]
        if produced.error is not None:
            raise produced.error
    finally:
        stopped.set()
        _release(thread, queue)


def _produce(items: Iterable[_Item], queue: Queue[_Produced[_Item]], stopped: threading.Event) -> None:
    error: BaseException | None = None
    try:
        for item in items:
            queue.put(_Produced((item,)))
            if stopped.is_set():
                return
    except BaseException as raised:  # handed to the consumer, whatever it is
        error = raised
    queue.put(_Produced(error=error))


def _release(thread: threading.Thread, queue: Queue[_Produced[_Item]]) -> None:
    """Makes room until a producer that still waits to put has seen that it should stop."""
    while thread.is_alive():
        with suppress(Empty):
            queue.get(timeout=_STOP_POLL_SECONDS)
