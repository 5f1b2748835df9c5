"""Tags, General MIDI programs, and the sources of the splits."""

from __future__ import annotations

import json

import pytest

from training.catalogue import (
    GS_EFFECTS,
    IMPULSIVE_TAGS,
    MOMENTARY_TAGS,
    TAG_INDEX,
    TAG_NAMES,
    TAGS,
    Labels,
    labels_of_program,
)
from training.recipes import all_shards
from training.settings import ROOT
from training.signals.lessons import TRAIN_SIGNALS
from training.unseen_signals import UNSEEN_SIGNALS
from training.voices import TRAIN_VOICES, UNSEEN_VOICES


@pytest.mark.parametrize("program", range(128))
def test_a_program_never_both_has_a_tag_and_may_have_it(program: int) -> None:
    labels = labels_of_program(program)
    assert not set(labels.present) & set(labels.unsure)
    assert set(labels.present) | set(labels.unsure) <= set(TAG_NAMES)


@pytest.mark.parametrize(
    ("program", "present"),
    [
        (0, {"Music", "Instrument", "Piano"}),
        (25, {"Music", "Instrument", "Guitar"}),
        (42, {"Music", "Instrument", "Bowed_string_instrument"}),
        (73, {"Music", "Instrument"}),
        (52, {"Music"}),
        (122, set()),
        (123, {"Bird_chirp"}),
        (125, {"Aircraft_noise"}),
        (126, {"Applause"}),
    ],
)
def test_programs_teach_what_they_are(program: int, present: set[str]) -> None:
    assert set(labels_of_program(program).present) == present


@pytest.mark.parametrize(
    "labels",
    [labels for labels, _ in GS_EFFECTS.values()] + [labels for _, labels, *_ in TRAIN_SIGNALS],
)
def test_no_effect_or_signal_both_has_a_tag_and_may_have_it(labels: Labels) -> None:
    assert not set(labels.present) & set(labels.unsure)
    assert set(labels.present) | set(labels.unsure) <= set(TAG_NAMES)


def test_every_tag_has_the_category_of_the_catalogue() -> None:
    listed = json.loads(ROOT.joinpath("catalogue", "tags.json").read_text())["tags"]
    categories = {each["name"]: each["category"] for each in listed}
    assert {tag.name: tag.category for tag in TAGS}.items() <= categories.items()


def test_brief_tags_are_tags_and_of_one_sort() -> None:
    assert set(TAG_NAMES) >= IMPULSIVE_TAGS | MOMENTARY_TAGS
    assert not IMPULSIVE_TAGS & MOMENTARY_TAGS


def test_tags_are_spelt_by_the_rule_and_listed_once() -> None:
    assert len(set(TAG_NAMES)) == len(TAGS) == len(TAG_INDEX)
    for name in TAG_NAMES:
        assert name == name.lower().capitalize()


def test_every_tag_of_a_signal_has_training_and_unseen_generators() -> None:
    trained = {name for _, labels, *_ in TRAIN_SIGNALS for name in labels.present}
    judged = {name for _, labels, _ in UNSEEN_SIGNALS for name in labels.present}
    assert trained == judged - {"Whisper"}  # which is taught by voices, not by signals


def test_no_voice_or_font_of_training_judges() -> None:
    speakers = [
        {voice.name.removeprefix("cmu_us_").split("_")[0] for voice in voices}
        for voices in (TRAIN_VOICES, UNSEEN_VOICES)
    ]
    assert not speakers[0] & speakers[1]
    names = [
        {shard.name.rsplit("-", 1)[0] for shard in all_shards() if shard.split == split}
        for split in ("train", "unseen")
    ]
    assert not names[0] & names[1]


def test_shards_have_names_of_their_own_and_seeds_that_stay() -> None:
    shards = all_shards()
    assert len({(shard.split, shard.name) for shard in shards}) == len(shards)
    assert len({shard.seed for shard in shards}) == len(shards)
    assert (
        next(shard for shard in shards if shard.name == "signal-knock-00" and shard.split == "train").seed == 2364349616
    )
