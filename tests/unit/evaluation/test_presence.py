from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from catalogue.catalogue import load_catalogue
from evaluation.presence import ABSENT, ANYTHING, MAY_HOLD, UNKNOWN, presence
from evaluation.recordings import Recording


def known(tag: str, **fields: Any) -> int:  # noqa: ANN401
    recording = Recording(Path("clip.wav"), **{"tags": (), **fields})
    return int(presence([recording], [tag])[0, 0])


@pytest.mark.parametrize(
    ("tag", "fields", "expected"),
    [
        ("Siren", {}, 0),
        ("Siren", {"tags": ("Siren",)}, 1),
        ("Siren", {"tags": ("Emergency_vehicle_siren",)}, 1),  # a tag is there where one under it is
        ("Music", {"tags": ("Piano",)}, 1),
        ("Piano", {"tags": ("Music",)}, -1),  # nobody said which instrument
        ("Piano", {"tags": ("Instrument", "Music")}, -1),
        ("Piano", {"tags": ("Guitar", "Instrument", "Music")}, 0),  # a guitar is what was named
        ("Siren", {"tags_one_of": ("Siren", "Alarm")}, -1),
        ("Civil_defense_siren", {"tags_one_of": ("Siren", "Alarm")}, -1),
        ("Speech", {"tags_one_of": ("Siren", "Alarm")}, 0),
        ("Whistle", {"tags": ("Applause",)}, -1),  # crowds whistle
        ("Whistle", {"tags": ("Applause",), "tags_absent": ("Whistle",)}, 0),
        ("Male_speech", {"tags": ("Music",)}, -1),
        ("Male_speech", {"tags": ("Female_speech",)}, 0),
        ("Laughter", {"label": "children_playing"}, -1),
        ("Gunshot", {"label": "casual", "tags_absent": ("Gunshot",)}, 0),
        ("Cough", {"label": "casual", "tags_absent": ("Gunshot",)}, -1),
        ("Water_run", {"label": "Rain"}, -1),
        ("Hum of my fridge", {"tags": ("Hum of my fridge",)}, 1),
        ("Hum of my fridge", {"tags": ("Siren",)}, 0),
    ],
)
def test_what_a_label_says_of_a_tag(tag: str, fields: dict[str, Any], expected: int) -> None:
    assert known(tag, **fields) == expected


def test_names_of_the_rule_are_tags_of_the_catalogue() -> None:
    named = {name for names in MAY_HOLD.values() for name in names} - {ANYTHING}
    assert named <= set(load_catalogue().by_name)


def test_gives_a_row_for_each_clip_and_a_column_for_each_tag() -> None:
    clips = [Recording(Path("a"), ("Siren",)), Recording(Path("b"), ("Speech",))]
    assert presence(clips, ["Siren", "Speech", "Male_speech"]).tolist() == [[1, 0, 0], [0, 1, -1]]
    assert presence([], ["Siren"]).shape == (0, 1)


def test_of_a_recording_without_labels_nothing_is_known() -> None:
    unlabelled = Recording(Path("any.wav"), (), tags_one_of=(ANYTHING,), tags_absent=("Siren",))
    assert presence([unlabelled], ["Knock", "Siren", "Music"]).tolist() == [[UNKNOWN, ABSENT, UNKNOWN]]
