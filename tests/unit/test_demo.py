"""What the demo prints."""

from __future__ import annotations

import json
from typing import Any

import pytest

from scripts.demo import BAR_CELLS, SHOWN_WINDOWS, bar, shortened_json, table


def windows(count: int) -> list[dict[str, Any]]:
    return [{"tags": [], "start_time": start, "end_time": start + 2} for start in range(count)]


def test_a_short_answer_is_printed_whole_and_is_json() -> None:
    answer = {"metadata": {"name": "Ä.mp3"}, "data": windows(SHOWN_WINDOWS)}
    assert json.loads("\n".join(shortened_json(answer))) == answer


def test_a_long_answer_keeps_its_beginning_and_its_end() -> None:
    text = "\n".join(shortened_json({"metadata": {}, "data": windows(1_000)}))
    assert f"... {1_000 - SHOWN_WINDOWS} more windows ..." in text
    assert '"start_time": 0,' in text
    assert '"start_time": 999,' in text
    assert text.count('"tags"') == SHOWN_WINDOWS


def test_the_table_has_a_line_for_each_tag_and_each_empty_window() -> None:
    heard = {"tags": [{"name": "Siren", "probability": 0.5}, {"name": "Bell", "probability": 0.25}]}
    lines = list(table([{**heard, "start_time": 0, "end_time": 2}, {"tags": [], "start_time": 1.5, "end_time": 3.5}]))
    assert lines[1:] == [
        "      0 - 2  Siren  0.50  ██████████",
        "             Bell   0.25  █████",
        "  1.5 - 3.5  -",
    ]


@pytest.mark.parametrize(
    ("probability", "cells"), [(0, 0), (0.001, 0), (0.05, 1), (0.06, 2), (0.5, 10), (1, BAR_CELLS)]
)
def test_bars_grow_with_the_probability(probability: float, cells: int) -> None:
    assert len(bar(probability)) == cells
