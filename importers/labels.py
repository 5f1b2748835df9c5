"""What a network's outputs are called, and which tags they become."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from catalogue.catalogue import Catalogue
from importers.errors import ImporterError
from importers.served import OutputTag

# For outputs with labels of their own. Where classes exclude each other, 0.5 means "more likely than all the others".
EXCLUSIVE_THRESHOLD, INDEPENDENT_THRESHOLD = 0.5, 0.3
# Copies of AudioSet's list spell a few classes otherwise. Networks of other classes share a name here and there.
_NEARLY_ALL = 0.95


def read_labels(file: Path) -> tuple[str, ...]:
    """Reads the names of a network's outputs: a line each, or a CSV file with a column "display_name".

    Raises:
        ImporterError: It cannot be read or holds no names.
    """
    try:
        lines = [line for line in file.read_text("utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise ImporterError(f"{file} cannot be read: {error}") from error
    if lines and "display_name" in next(csv.reader(lines[:1])):
        return tuple(row["display_name"] for row in csv.DictReader(lines))
    if not lines:
        raise ImporterError(f"{file} holds no labels")
    return tuple(line.strip() for line in lines)


def default_labels(classes: int, catalogue: Catalogue) -> tuple[str, ...]:
    """AudioSet's names for a network with as many outputs as AudioSet has classes.

    Raises:
        ImporterError: It has another number of outputs.
    """
    if classes != len(catalogue.classes):
        raise ImporterError(
            f"the network has {classes} outputs, AudioSet {len(catalogue.classes)} classes: "
            "name them with --labels FILE (a line each)"
        )
    return tuple(each.name for each in catalogue.classes)


def is_audioset(labels: Sequence[str], catalogue: Catalogue) -> bool:
    """Whether nearly all of AudioSet's classes are among the labels, by display name or MID."""
    classes = _classes_by_label(catalogue)
    named = {classes[_key(label)] for label in labels if _key(label) in classes}
    return len(named) >= _NEARLY_ALL * len(catalogue.classes)


def catalogue_tags(
    labels: Sequence[str], catalogue: Catalogue, thresholds: Mapping[str, float]
) -> tuple[OutputTag, ...]:
    """The catalogue's tags that these AudioSet classes can give, with their thresholds.

    Raises:
        ImporterError: None of them stands for a tag.
    """
    names = _classes_by_label(catalogue)
    output_of = {names[_key(label)]: output for output, label in enumerate(labels) if _key(label) in names}
    tags = []
    for tag in catalogue.audioset_tags:
        outputs = [output_of[each.index] for each in catalogue.classes_of[tag.name] if each.index in output_of]
        if outputs:
            tags.append(OutputTag(tag.name, tag.category, thresholds[tag.name], tuple(outputs)))
    if not tags:
        raise ImporterError(f"no label is a class of AudioSet with a tag ({', '.join(labels[:3])}, ...): --tags labels")
    return tuple(tags)


def label_tags(labels: Sequence[str], threshold: float) -> tuple[OutputTag, ...]:
    """A tag for every output, called as the output is.

    Raises:
        ImporterError: Two outputs have one name.
    """
    if len(set(labels)) < len(labels):
        raise ImporterError("two outputs have the same label; every tag needs a name of its own")
    return tuple(OutputTag(label, "", threshold, (output,)) for output, label in enumerate(labels))


def with_thresholds(tags: tuple[OutputTag, ...], file: Path) -> tuple[OutputTag, ...]:
    """The tags with the thresholds of a JSON object {tag: threshold}; tags that it does not name keep theirs.

    Raises:
        ImporterError: The file is something else, names an unknown tag, or a threshold is not between 0 and 1.
    """
    try:
        thresholds = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ImporterError(f"{file} cannot be read as JSON: {error}") from error
    if not isinstance(thresholds, Mapping):
        raise ImporterError(f'{file} should hold an object such as {{"Siren": 0.4}}')
    unknown = sorted(set(thresholds) - {tag.name for tag in tags})
    if unknown:
        raise ImporterError(f"{file} names tags that this model does not have: {', '.join(unknown[:5])}")
    for name, value in thresholds.items():
        if not isinstance(value, float) or not 0 < value < 1:
            raise ImporterError(f"{file}: the threshold of {name} must lie between 0 and 1, not be {value!r}")
    return tuple(replace(tag, threshold=thresholds.get(tag.name, tag.threshold)) for tag in tags)


def _classes_by_label(catalogue: Catalogue) -> dict[str, int]:
    return {_key(label): each.index for each in catalogue.classes for label in (each.name, each.mid)}


def _key(label: str) -> str:
    return " ".join(label.casefold().split())
