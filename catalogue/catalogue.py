"""Reads the catalogue: sound tags, where they are attested, the AudioSet classes that each stands for, thresholds."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

CATALOGUE_FILE = Path(__file__).with_name("tags.json")
THRESHOLDS_FILE = Path(__file__).with_name("thresholds.json")
SUPERSEDED = "superseded"


@dataclass(frozen=True)
class Tag:
    """A sound tag of Cochl.Sense.

    Attributes:
        name: Its spelling.
        category: One of the vendor's eight, or "" where it has none.
        category_attested: False where no source says the category.
        parents: Tags that are present wherever this one is.
        status: How well it is attested; a key of `Catalogue.statuses`.
        sources: Where it was seen; keys of `Catalogue.sources`.
        superseded_by: The tag that has replaced this spelling, or "".
        note: What else should be known.
    """

    name: str
    category: str
    category_attested: bool
    parents: tuple[str, ...]
    status: str
    sources: tuple[str, ...]
    superseded_by: str = ""
    note: str = ""


@dataclass(frozen=True)
class AudioSetClass:
    """A class of AudioSet.

    Attributes:
        index: Its place among the 527 outputs of a model of AudioSet.
        mid: Its machine identifier, such as "/m/09x0r".
        name: Its display name.
        tags: Tags that it stands for, the most specific ones.
        unmapped: Why it stands for none, a key of `Catalogue.unmapped_reasons`; "" where it has tags.
    """

    index: int
    mid: str
    name: str
    tags: tuple[str, ...] = ()
    unmapped: str = ""


@dataclass(frozen=True)
class Thresholds:
    """Thresholds for the tags of a model of AudioSet.

    Attributes:
        by_tag: Tag to threshold in (0, 1), for every tag that a model of AudioSet can give.
        note: With which network they were measured, and on what.
    """

    by_tag: Mapping[str, float]
    note: str


@dataclass(frozen=True)
class Catalogue:
    """Tags and classes, in the order of the file."""

    tags: tuple[Tag, ...]
    classes: tuple[AudioSetClass, ...]
    sources: Mapping[str, str]
    statuses: Mapping[str, str]
    unmapped_reasons: Mapping[str, str]

    @cached_property
    def by_name(self) -> Mapping[str, Tag]:
        """Every tag under its name."""
        return {tag.name: tag for tag in self.tags}

    @cached_property
    def classes_of(self) -> Mapping[str, tuple[AudioSetClass, ...]]:
        """The classes of each tag that has any: its own and those of the tags under it."""
        found: dict[str, list[AudioSetClass]] = {tag.name: [] for tag in self.tags}
        for audioset_class in self.classes:
            for name in self.with_ancestors(audioset_class.tags):
                found[name].append(audioset_class)
        return {name: tuple(classes) for name, classes in found.items() if classes}

    @property
    def audioset_tags(self) -> tuple[Tag, ...]:
        """The tags that a model of AudioSet can give."""
        return tuple(tag for tag in self.tags if tag.name in self.classes_of)

    def with_ancestors(self, names: Sequence[str]) -> tuple[str, ...]:
        """The tags of these names and all tags above them, each once."""
        reached = dict.fromkeys(names)
        for name in names:
            reached |= dict.fromkeys(self.with_ancestors(self.by_name[name].parents))
        return tuple(reached)


def load_catalogue(file: Path = CATALOGUE_FILE) -> Catalogue:
    """Reads the data file."""
    fields = json.loads(file.read_text("utf-8"))
    return Catalogue(
        tags=tuple(
            Tag(**{**tag, "parents": tuple(tag["parents"]), "sources": tuple(tag["sources"])}) for tag in fields["tags"]
        ),
        classes=tuple(
            AudioSetClass(**{**each, "tags": tuple(each.get("tags", ()))}) for each in fields["audioset_classes"]
        ),
        sources=fields["sources"],
        statuses=fields["statuses"],
        unmapped_reasons=fields["unmapped_reasons"],
    )


def load_thresholds(family: str, file: Path = THRESHOLDS_FILE) -> Thresholds:
    """Reads the thresholds for a family of architectures, by the importer's name.

    A family that was not measured gets those of the one that was, and the note says so.
    """
    families = json.loads(file.read_text("utf-8"))["families"]
    measured = families.get(family) or next(iter(families.values()))
    note = f"measured with {measured['network']} on {measured['recordings']}"
    return Thresholds(measured["thresholds"], note if family in families else f"{note}; not with this network")
