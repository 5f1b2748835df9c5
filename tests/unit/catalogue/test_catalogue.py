"""The catalogue is whole: every class is accounted for, every name that it uses exists."""

from __future__ import annotations

import hashlib

import pytest

from catalogue.catalogue import SUPERSEDED, Catalogue, load_catalogue, load_thresholds
from evaluation.thresholds import HIGHEST, LOWEST
from training.tags import TAGS as TRAINED_TAGS

CATEGORIES = {
    "Emergency",
    "Human action",
    "Human status",
    "Human speech",
    "Home context",
    "Outdoor context",
    "Animal",
    "Music",
}
# Of "index,mid,name" lines, from class_labels_indices.csv of the three repositories that the catalogue names.
PUBLISHED_CLASSES_SHA256 = "98c41c77e6d3aaff007854af1824c892329d78c1b4d87065a530e2a8f28a27bb"


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


def test_has_audiosets_classes_in_their_published_order(catalogue: Catalogue) -> None:
    assert [each.index for each in catalogue.classes] == list(range(527))
    lines = "".join(f"{each.index},{each.mid},{each.name}\n" for each in catalogue.classes)
    assert hashlib.sha256(lines.encode()).hexdigest() == PUBLISHED_CLASSES_SHA256


def test_every_class_has_tags_or_a_reason_for_having_none(catalogue: Catalogue) -> None:
    for each in catalogue.classes:
        assert bool(each.tags) != bool(each.unmapped), each
        assert set(each.tags) <= set(catalogue.by_name), each
        assert not each.unmapped or each.unmapped in catalogue.unmapped_reasons, each


def test_tags_are_unique_and_say_where_they_come_from(catalogue: Catalogue) -> None:
    assert len(catalogue.by_name) == len(catalogue.tags)
    for tag in catalogue.tags:
        assert tag.sources, tag
        assert set(tag.sources) <= set(catalogue.sources), tag
        assert tag.status in catalogue.statuses, tag
        assert tag.category in CATEGORIES or tag.name == "Others", tag
        assert set(tag.parents) <= set(catalogue.by_name), tag


def test_superseded_spellings_lead_to_a_tag_and_have_no_classes(catalogue: Catalogue) -> None:
    for tag in catalogue.tags:
        assert (tag.status == SUPERSEDED) == bool(tag.superseded_by), tag
        if tag.superseded_by:
            assert catalogue.by_name[tag.superseded_by].status != SUPERSEDED
            assert tag.name not in catalogue.classes_of


def test_tags_that_a_model_can_give_have_thresholds(catalogue: Catalogue) -> None:
    assert len(catalogue.audioset_tags) == 63
    measured = load_thresholds("efficientat")
    assert list(measured.by_tag) == [tag.name for tag in catalogue.audioset_tags]
    assert all(LOWEST <= threshold <= HIGHEST for threshold in measured.by_tag.values())
    assert measured.note == "measured with mn04_as_mAP_432.pt on 2976 recordings"


@pytest.mark.parametrize("family", ["panns", "huggingface"])
def test_a_family_that_was_not_measured_says_whose_thresholds_it_has(family: str) -> None:
    borrowed = load_thresholds(family)
    assert borrowed.by_tag == load_thresholds("efficientat").by_tag
    assert borrowed.note.endswith("; not with this network")


def test_a_tag_stands_for_its_descendants_classes_too(catalogue: Catalogue) -> None:
    names = {tag: {each.name for each in classes} for tag, classes in catalogue.classes_of.items()}
    assert names["Piano"] == {"Piano", "Electric piano"}
    assert names["Piano"] < names["Instrument"] < names["Music"]
    assert names["Siren"] == {
        "Siren",
        "Civil defense siren",
        "Emergency vehicle",
        "Police car (siren)",
        "Ambulance (siren)",
        "Fire engine, fire truck (siren)",
    }
    assert {"Speech", "Male speech, man speaking", "Female speech, woman speaking"} < names["Speech"]


def test_knows_every_tag_of_the_bundled_model(catalogue: Catalogue) -> None:
    for trained in TRAINED_TAGS:
        assert catalogue.by_name[trained.name].category == trained.category
