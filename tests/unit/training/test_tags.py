"""The tags that can be trained."""

from __future__ import annotations

import json

from training.settings import ROOT
from training.tags import IMPULSIVE_TAGS, MOMENTARY_TAGS, TAG_INDEX, TAG_NAMES, TAGS


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


def test_every_tag_has_a_meaning() -> None:
    assert all(tag.meaning for tag in TAGS)
