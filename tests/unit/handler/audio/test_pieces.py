from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import torch

from handler.audio import pieces
from handler.audio.mono import Mono
from handler.cores import num_cores

PATIENCE_SECONDS = 30.0


def numbered(count: int, taken: list[int]) -> Iterator[int]:
    for number in range(count):
        taken.append(number)
        yield number


def mono(number: int) -> Mono:
    return Mono(torch.full((3,), float(number)), 8_000)


@pytest.mark.parametrize("is_single", [True, False])
def test_results_come_in_the_order_of_the_pieces(is_single: bool) -> None:
    found = list(pieces.decoded(range(20), mono, is_single=is_single))
    assert [piece for piece, _ in found] == list(range(20))
    assert all(result is not None and result.data.tolist() == [piece] * 3 for piece, result in found)


def test_a_single_piece_is_decoded_in_the_callers_thread() -> None:
    def decode(_: int) -> Mono:
        return mono(threading.get_ident())

    ((_, result),) = pieces.decoded([0], decode, is_single=True)
    assert result is not None
    assert result.data[0] == mono(threading.get_ident()).data[0]


def test_as_many_pieces_as_cores_are_decoded_at_once_and_no_more() -> None:
    running, most = 0, 0
    lock, all_run = threading.Lock(), threading.Barrier(num_cores())

    def decode(number: int) -> Mono:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        all_run.wait(PATIENCE_SECONDS)
        with lock:
            running -= 1
        return mono(number)

    assert len(list(pieces.decoded(range(4 * num_cores()), decode, is_single=False))) == 4 * num_cores()
    assert most == num_cores()


def test_pieces_are_taken_as_their_results_are_consumed() -> None:
    taken: list[int] = []
    running = pieces.decoded(numbered(1_000, taken), mono, is_single=False)
    next(running)
    assert len(taken) < 2 * num_cores() + 3
    running.close()
    assert len(taken) < 2 * num_cores() + 3


def test_a_consumer_that_leaves_waits_for_what_runs() -> None:
    begun, may_end, ended = threading.Event(), threading.Event(), threading.Event()

    def decode(number: int) -> Mono:
        if number == 1:
            begun.set()
            may_end.wait(PATIENCE_SECONDS)
            ended.set()
        return mono(number)

    running = pieces.decoded(range(100), decode, is_single=False)
    next(running)
    assert begun.wait(PATIENCE_SECONDS)
    threading.Timer(0.05, may_end.set).start()
    running.close()
    assert ended.is_set()


@pytest.mark.parametrize("error", [RuntimeError("torchcodec"), ValueError("torchcodec")])
@pytest.mark.parametrize("is_single", [True, False])
def test_what_cannot_be_decoded_is_none(error: Exception, is_single: bool) -> None:
    def decode(number: int) -> Mono:
        if number == 1:
            raise error
        return mono(number)

    assert [result is None for _, result in pieces.decoded(range(3), decode, is_single=is_single)] == [0, 1, 0]


def test_another_error_reaches_the_consumer() -> None:
    def decode(_: int) -> Mono:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(pieces.decoded([1, 2], decode, is_single=False))


def test_core_time_is_the_threads_own() -> None:
    def work(number: int) -> Mono:
        for _ in range(20):
            torch.rand(50_000).sort()
        return mono(number)

    working = [result for _, result in pieces.decoded([1, 2, 3], work, is_single=False)]
    waiting = list(pieces.here([mono(1)]))
    assert all(each is not None and each.decode_seconds > waiting[0].decode_seconds for each in working)
