"""Windows in which a tag is reported that their recording surely lacks, by kind of sound."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from evaluation.recordings import Recording
from evaluation.wrong_windows import WrongWindows, wrong_windows

TAGS, THRESHOLDS = ("Speech", "Male_speech", "Siren", "Wind_noise"), np.full(4, 0.5, np.float32)


def clip(*tags: str, label: str = "", one_of: tuple[str, ...] = ()) -> Recording:
    return Recording(Path("a"), tags, one_of, label=label)


def heard(*windows: list[float]) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.array(windows, np.float32)


def test_only_tags_that_are_surely_absent_are_wrong() -> None:
    """Speech may be a man's: that is unknown, not wrong."""
    probabilities = [heard([0.9, 0.9, 0.1, 0.1], [0.9, 0.9, 0.5, 0.1]), heard([0.1, 0.1, 0.1, 0.1])]
    found = wrong_windows([clip("Speech")] * 5, probabilities + [heard([0.1, 0.1, 0.1, 0.1])] * 3, TAGS, THRESHOLDS)
    assert found == [WrongWindows("speech", 5, 6, 1, {"Siren": 1})]


def test_what_data_sets_call_a_street_rain_and_wind_are_kinds_of_their_own() -> None:
    recordings = [clip(label="drilling"), clip(label="Rain"), clip(label="wind"), clip(label="rooster"), clip("Siren")]
    found = wrong_windows(5 * recordings, [heard([0.9, 0, 0, 0.9])] * 25, TAGS, THRESHOLDS)
    assert [(each.kind, each.wrong, each.worst) for each in found] == [
        ("rain", 5, {"Speech": 5}),
        ("street", 5, {"Speech": 5, "Wind_noise": 5}),
        ("wind", 5, {"Speech": 5}),
    ]


def test_a_kind_that_few_clips_are_of_is_left_out() -> None:
    assert not wrong_windows([clip("Speech")] * 4, [heard([0, 0, 1, 0])] * 4, TAGS, THRESHOLDS)


def test_recordings_of_which_not_all_is_known_are_not_counted() -> None:
    assert not wrong_windows([clip("Speech", one_of=("*",))] * 5, [heard([0, 0, 1, 1])] * 5, TAGS, THRESHOLDS)
