"""Tables for spreadsheets and data frames: CSV as in RFC 4180."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence

from sense_client.outputs.tagged import Layout, Tagged
from sense_client.results import Window, whole


def write_csv(recordings: Iterable[Tagged], _: Layout) -> Iterator[str]:
    """Writes a row for each tag in each window."""
    yield _row(["file", "start_seconds", "end_seconds", "tag", "probability"])
    for tagged in recordings:
        for window in tagged.result.windows:
            for tag in window.tags:
                yield _row([*_place(tagged, window), tag.name, tag.probability])


def write_wide_csv(recordings: Iterable[Tagged], _: Layout) -> Iterator[str]:
    """Writes a row for each window and a column for each tag.

    A cell holds the tag's probability, and is empty where the tag was not heard. With all probabilities every cell is
    filled.
    """
    names = _names(recordings)
    yield _row(["file", "start_seconds", "end_seconds", *names])
    for tagged in recordings:
        for window in tagged.result.windows:
            values = _values(window)
            yield _row([*_place(tagged, window), *(values.get(name, "") for name in names)])


def _names(recordings: Iterable[Tagged]) -> list[str]:
    """All tags, in the order in which they first come."""
    names: dict[str, None] = {}
    for tagged in recordings:
        for window in tagged.result.windows:
            names |= dict.fromkeys(_values(window))
    return list(names)


def _values(window: Window) -> dict[str, float]:
    return {**(window.probabilities or {}), **{tag.name: tag.probability for tag in window.tags}}


def _place(tagged: Tagged, window: Window) -> list[object]:
    return [tagged.file, whole(window.start_seconds), whole(window.end_seconds)]


def _row(cells: Sequence[object]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(cells)
    return text.getvalue()
