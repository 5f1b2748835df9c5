"""The tags that can be trained."""

from __future__ import annotations

import json

from training.settings import ROOT
from training.tags import IMPULSIVE_TAGS, LIKE_NOISE, MOMENTARY_TAGS, PARENTS, TAG_INDEX, TAG_NAMES, TAGS


def test_every_tag_has_the_category_of_the_catalogue() -> None:
    listed = json.loads(ROOT.joinpath("catalogue", "tags.json").read_text())["tags"]
    categories = {each["name"]: each["category"] for each in listed}
    assert {tag.name: tag.category for tag in TAGS}.items() <= categories.items()


def test_brief_tags_are_tags_and_of_one_sort() -> None:
    assert set(TAG_NAMES) >= IMPULSIVE_TAGS | MOMENTARY_TAGS
    assert not IMPULSIVE_TAGS & MOMENTARY_TAGS


def test_what_is_like_noise_are_tags() -> None:
    assert set(TAG_NAMES) >= LIKE_NOISE


def test_tags_are_spelt_by_the_rule_and_listed_once() -> None:
    assert len(set(TAG_NAMES)) == len(TAGS) == len(TAG_INDEX)
    for name in TAG_NAMES:
        assert name == name.lower().capitalize()


def test_the_tags_above_a_tag_are_those_of_the_catalogue_that_can_be_trained() -> None:
    listed = {each["name"]: each for each in json.loads(ROOT.joinpath("catalogue", "tags.json").read_text())["tags"]}
    for name in TAG_NAMES:
        above = [parent for parent in listed[name]["parents"] if parent in TAG_INDEX]
        assert set(above) <= set(PARENTS.get(name, ())), name


def test_every_tag_has_a_meaning() -> None:
    assert all(tag.meaning for tag in TAGS)
