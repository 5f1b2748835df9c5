"""Runs an iterator in a thread of its own, a bounded number of items ahead of whoever consumes them."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
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


class ReadAhead(Iterator[_Item]):
    """The items of an iterable that is consumed in another thread, from now on.

    Work that releases the global interpreter lock, as decoding does, so overlaps with the consumer's.

    Args:
        items: Consumed by one thread only.
        depth: How many items may wait.
    """

    def __init__(self, items: Iterable[_Item], *, depth: int) -> None:
        self._queue: Queue[_Produced[_Item]] = Queue(depth)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=_produce, args=(items, self._queue, self._stopped), daemon=True)
        self._thread.start()

    def __next__(self) -> _Item:
        """Waits for the next item.

        Raises:
            BaseException: Whatever the iterable raised, once the items before it are consumed.
        """
        if self._stopped.is_set():
            raise StopIteration
        produced = self._queue.get()
        if produced.items:
            return produced.items[0]
        self.close()
        raise produced.error or StopIteration

    def close(self) -> None:
        """Stops the other thread, and waits until it has ended."""
        self._stopped.set()
        # It may be waiting to put: make room until it has seen that it should stop.
        while self._thread.is_alive():
            with suppress(Empty):
                self._queue.get(timeout=_STOP_POLL_SECONDS)

    def __del__(self) -> None:
        self.close()


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
