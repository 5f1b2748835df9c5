from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.audio.read_ahead import ReadAhead
from tests.support.properties import SLOW_LAW


class Producer:
    """Counts how far it has been consumed, and by which thread."""

    def __init__(self, num_items: int, error: Exception | None = None) -> None:
        self.num_produced = 0
        self.threads: set[int] = set()
        self._num_items = num_items
        self._error = error

    def __iter__(self) -> Iterator[int]:
        for item in range(self._num_items):
            self.num_produced += 1
            self.threads.add(threading.get_ident())
            yield item
        if self._error:
            raise self._error


def until(is_reached: Callable[[], object], seconds: float = 2.0) -> bool:
    """Waits for a condition, at most so long."""
    end = time.monotonic() + seconds
    while not is_reached() and time.monotonic() < end:
        time.sleep(0.002)
    return bool(is_reached())


@SLOW_LAW
@given(items=st.lists(st.none() | st.booleans() | st.integers()), depth=st.integers(1, 5))
def test_all_items_come_in_their_order(items: list[object], depth: int) -> None:
    assert list(ReadAhead(items, depth=depth)) == items


def test_items_are_produced_in_one_other_thread() -> None:
    producer = Producer(20)
    list(ReadAhead(producer, depth=2))
    assert len(producer.threads) == 1
    assert threading.get_ident() not in producer.threads


def test_production_begins_before_the_first_item_is_asked_for() -> None:
    producer = Producer(20)
    items = ReadAhead(producer, depth=5)
    assert until(lambda: producer.num_produced)
    items.close()


@pytest.mark.parametrize("depth", [1, 3])
def test_the_producer_runs_ahead_but_no_further_than_told(depth: int) -> None:
    producer = Producer(50)
    items = ReadAhead(producer, depth=depth)
    next(items)
    # One is consumed, `depth` wait, and one more is in the producer's hands.
    assert until(lambda: producer.num_produced == depth + 2)
    assert not until(lambda: producer.num_produced > depth + 2, seconds=0.05)


@pytest.mark.parametrize("num_items", [0, 1, 7])
def test_an_error_comes_after_the_items_before_it(num_items: int) -> None:
    error = ValueError("damaged")
    items = ReadAhead(Producer(num_items, error), depth=2)
    assert [next(items) for _ in range(num_items)] == list(range(num_items))
    with pytest.raises(ValueError, match="damaged") as caught:
        next(items)
    assert caught.value is error
    assert list(items) == []


@pytest.mark.parametrize("num_consumed", [0, 1, 5])
def test_a_closed_consumer_stops_the_producer(num_consumed: int) -> None:
    producer = Producer(10**9)
    items = ReadAhead(producer, depth=3)
    for _ in range(num_consumed):
        next(items)
    before = threading.active_count()
    items.close()
    assert threading.active_count() == before - 1


def test_a_dropped_consumer_stops_the_producer() -> None:
    before = threading.active_count()
    items = ReadAhead(Producer(10**9), depth=3)
    next(items)
    del items
    assert until(lambda: threading.active_count() == before)


def test_the_thread_ends_with_the_items() -> None:
    before = threading.active_count()
    list(ReadAhead(Producer(100), depth=3))
    assert threading.active_count() == before
