"""Rolling windows, and events as they begin and end."""

from __future__ import annotations

import random

import pytest

from sense_client import Event, Result, Window
from sense_client.listening import Listener, rolling
from tests.support.scripted_server import answer


def changes(*windows: str, margin_seconds: float = 0) -> list[tuple[str, str, float]]:
    listener = Listener(1, margin_seconds)
    found = [change for window in Result.from_dict(answer(*windows)).windows for change in listener.hear(window)]
    found += listener.finish()
    return [
        (each.event.tag, "ended", each.event.end_seconds)
        if each.has_ended
        else (each.event.tag, "began", each.event.start_seconds)
        for each in found
    ]


def test_an_event_begins_and_ends_once() -> None:
    assert changes("A", "A B", "", "A") == [
        ("A", "began", 0),
        ("B", "began", 1),
        ("A", "ended", 3),
        ("B", "ended", 3),
        ("A", "began", 3),
        ("A", "ended", 5),
    ]


def test_a_tag_that_marks_nothing_is_no_event() -> None:
    assert changes("Others", "Others") == []


@pytest.mark.parametrize("margin_seconds", [0, 1, 2.5])
def test_the_ended_events_are_those_of_the_whole_result(margin_seconds: float) -> None:
    shuffled = random.Random(margin_seconds)
    windows = [" ".join(tag for tag in "ABC" if shuffled.random() < 0.4) for _ in range(200)]
    result = Result.from_dict(answer(*windows))
    listener = Listener(1, margin_seconds)
    ended: list[Event] = []
    for window in result.windows:
        ended += [change.event for change in listener.hear(window) if change.has_ended]
    ended += [change.event for change in listener.finish()]
    assert set(ended) == set(result.events(margin_seconds))
    assert len(ended) == len(result.events(margin_seconds))


@pytest.mark.parametrize("block_bytes", [1, 3, 4, 7, 100])
def test_windows_of_a_stream(block_bytes: int) -> None:
    stream = bytes(range(11))
    blocks = [stream[at : at + block_bytes] for at in range(0, len(stream), block_bytes)]
    expected = [(0, stream[0:4]), (1, stream[2:6]), (2, stream[4:8]), (3, stream[6:10])]
    assert list(rolling(blocks, 4, 2)) == expected


def test_a_stream_shorter_than_a_window_makes_one() -> None:
    assert list(rolling([b"ab", b"c"], 4, 2)) == [(0, b"abc")]
    assert list(rolling([], 4, 2)) == []


def test_a_window_without_a_tag_ends_what_lasted() -> None:
    listener = Listener(0.1)
    first = Result.from_dict(answer("A")).windows[0]
    assert [change.has_ended for change in listener.hear(first)] == [False]
    assert [change.has_ended for change in listener.hear(Window(0.1, 2.1))] == [True]
