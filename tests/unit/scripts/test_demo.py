"""What the demo prints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from deploy.errors import ServingError
from scripts.demo import SHOWN_WINDOWS, Event, demonstrate, excerpt, merged, table


def window(start: float, **tags: float) -> dict[str, Any]:
    found = [{"name": name, "probability": probability} for name, probability in tags.items()]
    return {"tags": found, "start_time": start, "end_time": start + 2}


def test_a_short_answer_is_printed_whole_and_is_json() -> None:
    answer = {"metadata": {"name": "Ä.mp3"}, "data": [window(start) for start in range(SHOWN_WINDOWS + 1)]}
    assert json.loads("\n".join(excerpt(answer))) == answer


def test_of_a_long_answer_the_first_windows_are_printed() -> None:
    text = "\n".join(excerpt({"metadata": {}, "data": [window(start) for start in range(1_000)]}))
    assert f"... {1_000 - SHOWN_WINDOWS} more windows ..." in text
    assert text.count('"tags"') == SHOWN_WINDOWS


def test_consecutive_windows_of_a_tag_are_one_event_with_their_highest_probability() -> None:
    answer = [window(0, Siren=0.5), window(1, Siren=0.75, Bell=0.875), window(2, Siren=0.625)]
    assert merged(answer) == [Event("Siren", 0, 4, 0.75), Event("Bell", 1, 3, 0.875)]


def test_a_window_without_the_tag_divides_two_events() -> None:
    answer = [window(0, Siren=0.5), window(1), window(2, Siren=0.5)]
    assert merged(answer) == [Event("Siren", 0, 2, 0.5), Event("Siren", 2, 4, 0.5)]


def test_the_table_has_a_line_for_each_event() -> None:
    lines = list(table([Event("Siren", 0, 4, 0.5), Event("Bell", 1.5, 3.5, 0.25)]))
    assert lines[1:] == [
        "        0 - 4  Siren  0.50  ██████████",
        "    1.5 - 3.5  Bell   0.25  █████",
    ]


def test_silence_is_said_as_such() -> None:
    assert "nothing was heard" in "\n".join(table(merged([window(0), window(1)])))


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ServingError, match=r"cannot read .*none\.mp3: No such file"):
        demonstrate(tmp_path / "none.mp3", tmp_path)
