"""How what is known of a recording as a whole is placed in time with a teacher's help."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.arrays import Floats
from training.mixes.placing import CLASS_NAMES, UNKNOWN, Clip, classes, deaf_to, place, spread, teacher_thresholds
from training.tags import PARENTS, TAG_INDEX, TAG_NAMES

KNOCK, SPEECH, ALARM, CLICK = (TAG_INDEX[name] for name in ("Knock", "Speech", "Alarm", "Single_click"))
THRESHOLDS = np.full(len(TAG_NAMES), 0.2, np.float32)
HEARS_ALL = np.zeros(len(TAG_NAMES), np.bool_)


def taught(knock: list[float]) -> Floats:
    """What a teacher says that knows Knock and nothing else."""
    return spread(("Knock", "Vuvuzela"), np.array([knock, knock], np.float32).T)


def test_a_teacher_is_believed_from_its_threshold_on() -> None:
    track = place(Clip(()), taught([0.0, 0.2, 0.9]), THRESHOLDS, HEARS_ALL)
    assert track[1, KNOCK] == pytest.approx(0.5)
    assert track[0, KNOCK] < 0.01
    assert track[2, KNOCK] > 0.95
    assert (track[:, SPEECH] == 0).all()


def test_a_label_is_placed_where_the_teacher_hears_it_most() -> None:
    track = place(Clip(("Knock",)), taught([0.001, 0.02, 0.05, 0.1]), THRESHOLDS, HEARS_ALL)
    assert track[2:, KNOCK].tolist() == [1, 1]
    assert track[1, KNOCK] == UNKNOWN
    assert 0 <= track[0, KNOCK] <= 0.5


@pytest.mark.parametrize("heard", [[0.001, 0.01], [0.5]])
def test_a_label_is_everywhere_if_the_teacher_recognises_nothing_or_there_is_one_window(heard: list[float]) -> None:
    assert (place(Clip(("Knock",)), taught(heard), THRESHOLDS, HEARS_ALL)[:, KNOCK] == 1).all()


def test_a_label_that_the_teacher_does_not_know_is_everywhere() -> None:
    assert (place(Clip(("Single_click",)), taught([0.1, 0.9]), THRESHOLDS, HEARS_ALL)[:, CLICK] == 1).all()


def test_what_may_be_there_stays_open_unless_the_teacher_is_sure_and_what_is_absent_is_absent() -> None:
    open_ = place(Clip((), one_of=("Knock", "Speech")), taught([0.01, 0.9]), THRESHOLDS, HEARS_ALL)
    assert open_[0, KNOCK] == open_[0, SPEECH] == UNKNOWN
    assert open_[1, KNOCK] > 0.9
    assert (place(Clip((), absent=("Knock",)), taught([0.9, 0.9]), THRESHOLDS, HEARS_ALL)[:, KNOCK] == 0).all()


def test_a_kind_of_a_label_that_the_teacher_does_not_know_stays_open() -> None:
    track = place(Clip(("Alarm",)), taught([0.1, 0.1]), THRESHOLDS, HEARS_ALL)
    assert (track[:, ALARM] == 1).all()
    assert all((track[:, TAG_INDEX[kind]] == UNKNOWN).all() for kind, above in PARENTS.items() if "Alarm" in above)


def test_few_recordings_without_a_tag_reach_the_teachers_threshold() -> None:
    most = np.linspace(0, 1, 1000, dtype=np.float32)[:, None] * np.array([1, 0.01], np.float32)
    absent = np.ones((1000, 2), np.bool_)
    absent[990:, 0] = False
    assert teacher_thresholds(most, absent) == pytest.approx([0.5, 0.05])
    scaled = teacher_thresholds(most * np.array([0.3, 1], np.float32), absent)
    assert scaled[0] == pytest.approx(0.3 * 989 / 999 * 0.99, abs=0.003)


def test_a_teacher_is_deaf_to_a_tag_that_it_misses_in_most_recordings_with_it() -> None:
    most = np.array([[0.9, 0.9, 0.0], [0.1, 0.3, 0.0], [0.1, 0.9, 0.9]], np.float32)
    there = np.array([[1, 1, 0], [1, 0, 0], [1, 1, 0]], np.bool_)
    assert deaf_to(most, there, np.full(3, 0.5, np.float32)).tolist() == [True, False, False]


def test_a_deaf_teachers_silence_says_nothing_without_labels_unless_it_hears_something_else() -> None:
    deaf = HEARS_ALL.copy()
    deaf[[KNOCK, SPEECH]] = True
    heard = spread(("Knock", "Speech", "Music"), np.array([[0, 0.1, 0], [0, 0.9, 0], [0, 0.1, 0.9]], np.float32))
    track = place(Clip((), one_of=("*",)), heard, THRESHOLDS, deaf)
    assert track[0, KNOCK] == track[0, SPEECH] == UNKNOWN
    assert track[1, KNOCK] < 0.01 < 0.9 < track[1, SPEECH]
    assert (track[2, [KNOCK, SPEECH]] < 0.5).all()
    assert (place(Clip(()), heard, THRESHOLDS, deaf)[0, [KNOCK, SPEECH]] >= 0).all()


def test_a_teacher_of_audiosets_classes_gives_tags_and_classes() -> None:
    heard = np.linspace(0, 0.5, 2 * len(CLASS_NAMES), dtype=np.float32).reshape(2, -1)
    backwards = CLASS_NAMES[::-1]
    assert np.array_equal(classes(backwards, heard), heard[:, ::-1])
    tags = spread(backwards, heard)
    barks = [heard[:, backwards.index(name)] for name in ("Bark", "Yip", "Bow-wow")]
    assert (tags[:, TAG_INDEX["Dog_bark"]] >= np.max(barks, 0)).all()
    assert (tags[:, CLICK] == UNKNOWN).all()


def test_a_teacher_of_tags_says_nothing_of_classes() -> None:
    assert (classes(("Knock",), np.ones((3, 1), np.float32)) == UNKNOWN).all()


@given(
    st.lists(st.floats(0, 1, width=32), min_size=1, max_size=20), st.sampled_from([(), ("Knock",), ("Speech", "Alarm")])
)
def test_a_track_has_shares_or_unknowns_and_a_window_with_every_label(
    heard: list[float], present: tuple[str, ...]
) -> None:
    track = place(Clip(present), taught(heard), THRESHOLDS, HEARS_ALL)
    assert track.shape == (len(heard), len(TAG_NAMES))
    assert (((track >= 0) & (track <= 1)) | (track == UNKNOWN)).all()
    assert all(track[:, TAG_INDEX[name]].max() == 1 for name in present)
