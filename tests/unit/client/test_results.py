"""Results: the served JSON and back, and events as the vendor's client merges them."""

from __future__ import annotations

from typing import Any

import pytest

from sense_client import Event, Result, Tag
from sense_client.results import MalformedResultError


def served(*windows: str, hop_seconds: float = 1, window_seconds: float = 2) -> dict[str, Any]:
    """An answer whose windows have the tags of each text, such as "Siren=0.9 Speech"; 0.5 where none is stated."""
    return {
        "metadata": {"content_type": "audio/wav", "length_sec": 3.012, "size_byte": 48, "name": "a.wav"},
        "data": [
            {
                "tags": [
                    {"name": name, "probability": float(probability or 0.5)}
                    for name, _, probability in (tag.partition("=") for tag in tags.split())
                ],
                "start_time": index * hop_seconds,
                "end_time": index * hop_seconds + window_seconds,
            }
            for index, tags in enumerate(windows)
        ],
    }


def spans(result: Result, margin: float = 0, **margins: float) -> list[tuple[str, float, float]]:
    return [(event.tag, event.start_seconds, event.end_seconds) for event in result.events(margin, margins)]


def test_the_served_json_comes_back_as_it_was() -> None:
    answer = served("Siren=0.9662908 Speech=0.5", "")
    answer["data"][1]["probabilities"] = {"Siren": 0.1, "Speech": 0.25}
    result = Result.from_dict(answer)
    assert result.to_dict() == answer
    assert repr(result.to_dict()["data"][0]["start_time"]) == "0"
    assert result.windows[0].tags[0] == Tag("Siren", 0.9662908)
    assert result.windows[0].probabilities is None
    assert result.windows[1].probabilities == {"Siren": 0.1, "Speech": 0.25}


@pytest.mark.parametrize("answer", [None, [], {}, {"metadata": {}, "data": []}, {**served(""), "data": [{"tags": 1}]}])
def test_other_json_is_refused(answer: object) -> None:
    with pytest.raises(MalformedResultError, match="not a tagger's answer"):
        Result.from_dict(answer)


def test_windows_that_follow_one_another_make_an_event() -> None:
    result = Result.from_dict(served("Siren=0.6", "Siren=0.9 Speech=0.7", "", "Siren"))
    assert result.events() == [
        Event("Siren", 0, 3, 0.9),
        Event("Speech", 1, 3, 0.7),
        Event("Siren", 3, 5, 0.5),
    ]


@pytest.mark.parametrize(
    ("margin", "expected"),
    [
        (0, [("A", 0, 2), ("A", 2, 4), ("A", 5, 7)]),
        (1, [("A", 0, 4), ("A", 5, 7)]),
        (1.9, [("A", 0, 4), ("A", 5, 7)]),
        (2, [("A", 0, 7)]),
    ],
)
def test_a_margin_bridges_windows_without_the_tag(margin: float, expected: list[tuple[str, float, float]]) -> None:
    assert spans(Result.from_dict(served("A", "", "A", "", "", "A")), margin) == expected


def test_a_tags_own_margin_replaces_the_default() -> None:
    result = Result.from_dict(served("A B", "", "A B"))
    assert sorted(spans(result, 1, A=0)) == [("A", 0, 2), ("A", 2, 4), ("B", 0, 4)]


def test_hops_of_a_decimal_fraction_are_not_split_by_rounding() -> None:
    (event,) = Result.from_dict(served(*4 * ["A"], hop_seconds=0.1, window_seconds=0.2)).events()
    assert event.end_seconds == pytest.approx(0.5)


def test_a_tail_window_continues_the_event_before_it() -> None:
    answer = served("A", "A")
    answer["data"].append({"tags": [{"name": "A", "probability": 0.5}], "start_time": 1.95, "end_time": 3.95})
    assert spans(Result.from_dict(answer)) == [("A", 0, 3.95)]


def test_the_mark_for_nothing_heard_is_no_event() -> None:
    assert Result.from_dict(served("Others=0.0", "Siren")).events() == [Event("Siren", 1, 3, 0.5)]


def test_a_filter_keeps_every_window() -> None:
    answer = served("Siren Speech", "Speech")
    answer["data"][0]["probabilities"] = {"Siren": 0.5, "Speech": 0.5}
    windows = Result.from_dict(answer).filtered({"Siren"}).windows
    assert [[tag.name for tag in window.tags] for window in windows] == [["Siren"], []]
    assert windows[0].probabilities == {"Siren": 0.5}
