"""From a network's labels to tags."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest
import torch
from torch import nn

from catalogue.catalogue import Catalogue, load_catalogue, load_thresholds
from importers.errors import ImporterError
from importers.labels import catalogue_tags, default_labels, is_audioset, label_tags, read_labels, with_thresholds
from importers.served import OutputTag, Served

THRESHOLDS = load_thresholds("efficientat").by_tag


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    return load_catalogue()


def test_audiosets_names_become_the_catalogues_tags(catalogue: Catalogue) -> None:
    labels = default_labels(527, catalogue)
    tags = {tag.name: tag for tag in catalogue_tags(labels, catalogue, THRESHOLDS)}
    assert len(tags) == 63
    assert [labels[output] for output in tags["Siren"].outputs] == [
        "Emergency vehicle",
        "Police car (siren)",
        "Ambulance (siren)",
        "Fire engine, fire truck (siren)",
        "Siren",
        "Civil defense siren",
    ]
    assert (tags["Siren"].category, tags["Siren"].threshold) == ("Emergency", THRESHOLDS["Siren"])


def test_order_and_spelling_of_labels_do_not_matter(catalogue: Catalogue) -> None:
    labels = list(default_labels(527, catalogue))
    random.Random(0).shuffle(labels)
    mids = {each.name: each.mid for each in catalogue.classes}
    spelt = [mids[label] if number % 2 else label.upper() for number, label in enumerate(labels)]
    assert is_audioset(spelt, catalogue)
    for tag in catalogue_tags(spelt, catalogue, THRESHOLDS):
        expected = {each.name for each in catalogue.classes_of[tag.name]}
        assert {labels[output] for output in tag.outputs} == expected


def test_part_of_audioset_gives_part_of_the_tags(catalogue: Catalogue) -> None:
    tags = catalogue_tags(("unknown", "Cough", "Piano"), catalogue, THRESHOLDS)
    assert [(tag.name, tag.outputs) for tag in tags] == [
        ("Cough", (1,)),
        ("Music", (2,)),
        ("Instrument", (2,)),
        ("Piano", (2,)),
    ]
    assert not is_audioset(("unknown", "Cough"), catalogue)
    with pytest.raises(ImporterError, match=r"no label is a class of AudioSet.*--tags labels"):
        catalogue_tags(("yes", "no"), catalogue, THRESHOLDS)


@pytest.mark.parametrize(
    ("labels", "expected"),
    [
        (("Cat", "Dog", "Rain"), False),
        (("Speech", "Music", "Silence"), False),
        (default_labels(527, load_catalogue())[:490], False),
        (default_labels(527, load_catalogue())[:505], True),
        ((*default_labels(527, load_catalogue())[:-3], "Field rec.", "Telly", "Radio set"), True),
    ],
)
def test_nearly_all_of_audiosets_classes_make_a_network_one_of_audioset(
    labels: tuple[str, ...], expected: bool, catalogue: Catalogue
) -> None:
    assert is_audioset(labels, catalogue) is expected


def test_a_tags_probability_is_the_largest_of_its_classes() -> None:
    tags = (OutputTag("A", "", 0.5, (2,)), OutputTag("B", "", 0.5, (0, 1, 3)))
    scores = torch.tensor([[0.1, 0.7, 0.9, 0.2], [0.4, 0.3, 0.0, 0.5]])

    class Fixed(nn.Module):
        def forward(self, samples: torch.Tensor) -> torch.Tensor:
            return scores[samples[:, 0].long()]

    # A hop's first sample says which row of scores its windows get.
    hops = torch.tensor([[1.0, 0.0], [0.0, 0.0], [float("nan"), 0.0]])
    probabilities = Served(Fixed(), tags)(hops, torch.tensor([1, 0]))
    torch.testing.assert_close(probabilities, torch.tensor([[0.9, 0.7], [0.0, 0.5]]))


def test_other_labels_stay_as_they_are() -> None:
    assert label_tags(("yes", "no"), 0.4) == (OutputTag("yes", "", 0.4, (0,)), OutputTag("no", "", 0.4, (1,)))
    with pytest.raises(ImporterError, match="two outputs have the same label"):
        label_tags(("yes", "yes"), 0.4)


def test_reads_labels_from_lines_and_from_audiosets_csv(tmp_path: Path) -> None:
    file = tmp_path / "labels"
    file.write_text("Speech\n\nMale speech, man speaking\n")
    assert read_labels(file) == ("Speech", "Male speech, man speaking")
    file.write_text('index,mid,display_name\n0,/m/09x0r,"Speech"\n1,/m/05zppz,"Male speech, man speaking"\n')
    assert read_labels(file) == ("Speech", "Male speech, man speaking")
    file.write_text("\n")
    with pytest.raises(ImporterError, match="holds no labels"):
        read_labels(file)


def test_other_sizes_need_labels(catalogue: Catalogue) -> None:
    with pytest.raises(ImporterError, match="the network has 50 outputs, AudioSet 527 classes: .*--labels"):
        default_labels(50, catalogue)


def test_thresholds_can_be_changed(tmp_path: Path) -> None:
    tags, file = label_tags(("yes", "no"), 0.4), tmp_path / "thresholds.json"
    file.write_text(json.dumps({"no": 0.7}))
    assert [tag.threshold for tag in with_thresholds(tags, file)] == [0.4, 0.7]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"maybe": 0.5}', "names tags that this model does not have: maybe"),
        ('{"no": 1.5}', "the threshold of no must lie between 0 and 1, not be 1.5"),
        ('{"no": "high"}', "the threshold of no must lie between 0 and 1, not be 'high'"),
        ("[0.5]", "should hold an object"),
        ("{", "cannot be read as JSON"),
    ],
)
def test_refuses_wrong_thresholds(tmp_path: Path, content: str, message: str) -> None:
    file = tmp_path / "thresholds.json"
    file.write_text(content)
    with pytest.raises(ImporterError, match=message):
        with_thresholds(label_tags(("yes", "no"), 0.4), file)
