"""JSON as served, and JSON Lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from sense_client.outputs.tagged import Layout, Tagged


def write_json(recordings: Iterable[Tagged], layout: Layout) -> Iterator[str]:
    """Writes one recording's answer as served, and several as an array of such objects with the field "file"."""
    if not layout.has_several:
        yield from (f"{_compact(tagged.result.to_dict())}\n" for tagged in recordings)
        return
    separator = "["
    for tagged in recordings:
        yield f"{separator}{as_line(tagged)}"
        separator = ",\n"
    yield "[]\n" if separator == "[" else "]\n"


def write_json_lines(recordings: Iterable[Tagged], _: Layout) -> Iterator[str]:
    """Writes a line for each recording: its answer as served, with the field "file" first."""
    for tagged in recordings:
        yield f"{as_line(tagged)}\n"


def as_line(tagged: Tagged, **more: object) -> str:
    """Returns a recording's line without its end, with more fields after "file"."""
    return _compact({"file": tagged.file, **more, **tagged.result.to_dict()})


def _compact(value: object) -> str:
    # ASCII, so that a name with a line separator or a lone surrogate stays within its line.
    return json.dumps(value, separators=(",", ":"))
