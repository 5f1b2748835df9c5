"""All formats, by name and by the ending of a file's name."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from sense_client.outputs import documents, labels, tables, text
from sense_client.outputs.tagged import Layout, Tagged

# Takes the recordings, which can be gone through more than once, and yields pieces of text.
Write = Callable[[Iterable[Tagged], Layout], Iterator[str]]


@dataclass(frozen=True)
class Format:
    """A format.

    Attributes:
        name: For --format.
        suffixes: Endings of file names that mean it; the first is that of files that are written into a folder.
        write: Writes it.
        holds_many: Whether it has a place for the recording's name, so that one file can hold several.
        is_streamed: Whether each recording's text stands alone, so that it can be shown as soon as it is there.
    """

    name: str
    suffixes: tuple[str, ...]
    write: Write
    holds_many: bool = True
    is_streamed: bool = False


FORMATS = {
    each.name: each
    for each in (
        Format("text", (".txt",), text.write, is_streamed=True),
        Format("json", (".json",), documents.write_json),
        Format("jsonl", (".jsonl", ".ndjson"), documents.write_json_lines, is_streamed=True),
        Format("csv", (".csv",), tables.write_csv),
        Format("csv-wide", (".wide.csv",), tables.write_wide_csv),
        Format("audacity", (".labels.txt",), labels.write_audacity, holds_many=False),
        Format("raven", (".selections.txt",), labels.write_raven, holds_many=False),
        Format("webvtt", (".vtt",), labels.write_webvtt, holds_many=False),
    )
}


def format_of(file_name: str) -> Format | None:
    """Returns the format that a file's name ends in; of two endings the longer one counts."""
    fitting = [(len(suffix), each) for each in FORMATS.values() for suffix in each.suffixes if _ends(file_name, suffix)]
    return max(fitting, key=lambda pair: pair[0])[1] if fitting else None


def known_suffixes() -> list[str]:
    """Returns all endings."""
    return [suffix for each in FORMATS.values() for suffix in each.suffixes]


def _ends(file_name: str, suffix: str) -> bool:
    return file_name.lower().endswith(suffix)
