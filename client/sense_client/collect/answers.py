"""An answer -> the rows of the table."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sense_client.aws import MissingError
from sense_client.collect.places import Place
from sense_client.results import MalformedResultError, Result

# What SageMaker adds to a recording's name, and what `sense tag --format json` adds.
ANSWER_SUFFIXES = (".out", ".json")


class Row(NamedTuple):
    """A tag from when to when: an event with its highest probability, or a window."""

    tag: str
    start_seconds: float
    end_seconds: float
    probability: float


@dataclass(frozen=True)
class Collected:
    """An answer that was read.

    Attributes:
        name: Its path below its place.
        rows: What was heard.
        error: Why there is no result; None: there is one.
    """

    name: str
    rows: Sequence[Row] = ()
    error: str | None = None


def collected(place: Place, rows_of: Callable[[Result], list[Row]], name: str) -> Collected:
    """Reads one answer.

    Args:
        place: Where it is.
        rows_of: What is collected of a result.
        name: Its path below its place.

    Raises:
        CallError: The place cannot be used now.
    """
    try:
        answer = json.loads(place.read(name))
        if isinstance(answer, dict) and "error" in answer:
            return Collected(name, error=str(answer["error"]))
        return Collected(name, rows_of(Result.from_dict(answer)))
    except (ValueError, MissingError, OSError) as error:
        text = str(error) if isinstance(error, MalformedResultError) else f"{type(error).__name__}: {error}"
        return Collected(name, error=f"the answer cannot be read: {text}")


def event_rows(margin_seconds: float, tag_margins_seconds: Mapping[str, float], result: Result) -> list[Row]:
    """Returns a row for each event, as `Result.events` merges windows."""
    return [
        Row(event.tag, event.start_seconds, event.end_seconds, event.peak_probability)
        for event in result.events(margin_seconds, tag_margins_seconds)
    ]


def window_rows(result: Result) -> list[Row]:
    """Returns a row for each tag in each window."""
    return [
        Row(tag.name, window.start_seconds, window.end_seconds, tag.probability)
        for window in result.windows
        for tag in window.tags
    ]
