"""Labelled recordings: a list of JSON lines, or a folder whose sub-folders are named after tags.

A list has one object a line. `path` (beside the list) and `tags` are needed, the rest may be absent::

    {"path": "dogs/rex.opus", "tags": ["Dog_bark"], "tags_absent": ["Speech"], "group": "rex", "split": "train"}
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluation.errors import EvaluationError

MANIFEST_FILE = "manifest.jsonl"


@dataclass(frozen=True)
class Recording:
    """A clip and what is known of it.

    Attributes:
        path: The sound file.
        tags: Surely present. Other sounds may be there, too.
        tags_one_of: At least one of these is present; ("*",) if nothing is known.
        tags_absent: Surely absent.
        label: What its data set calls it, or "".
        group: The recording, speaker or source that it is from. Clips of one group are no independent evidence.
        split: Which part of the list it belongs to, or "".
        seconds: Its length, or 0 where the list does not say.
        licence: Its licence, or "".
        origin: Where it is public, or "".
    """

    path: Path
    tags: tuple[str, ...]
    tags_one_of: tuple[str, ...] = ()
    tags_absent: tuple[str, ...] = ()
    label: str = ""
    group: str = ""
    split: str = ""
    seconds: float = 0.0
    licence: str = ""
    origin: str = ""


def read_recordings(place: Path, split: str = "") -> list[Recording]:
    """Reads a list, a folder with a list named manifest.jsonl, or a folder of folders named after tags.

    Args:
        place: The list or the folder.
        split: Which part of a list; "" for all of it.

    Raises:
        EvaluationError: There are no recordings, or the list has an error.
    """
    manifest = place / MANIFEST_FILE if place.is_dir() else place
    found = read_manifest(manifest) if manifest.is_file() or not place.is_dir() else list(_in_folders(place))
    chosen = [recording for recording in found if split in ("", recording.split)]
    if not chosen:
        raise EvaluationError(
            f"{place} has no recordings{f' of split {split!r}' if split else ''}: it should be a list of JSON lines, "
            "or a folder with one sub-folder of sound files for each tag"
        )
    return chosen


def read_manifest(file: Path) -> list[Recording]:
    """Reads a list of recordings.

    Raises:
        EvaluationError: It cannot be read, or a line is not as above.
    """
    try:
        lines = file.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise EvaluationError(f"{file} cannot be read: {error}") from None
    return [_parsed(line, file, number) for number, line in enumerate(lines, 1) if line.strip()]


def _parsed(line: str, file: Path, number: int) -> Recording:
    try:
        fields = json.loads(line)
        return _recording(fields, file.parent)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise EvaluationError(
            f'{file}, line {number}: {error!r}; a line is an object such as {{"path": "rex.wav", "tags": ["Dog_bark"]}}'
        ) from None


def _recording(fields: Mapping[str, Any], folder: Path) -> Recording:
    return Recording(
        path=folder / fields["path"],
        tags=_names(fields["tags"]),
        tags_one_of=_names(fields.get("tags_one_of", [])),
        tags_absent=_names(fields.get("tags_absent", [])),
        label=str(fields.get("label", "")),
        group=str(fields.get("group", fields["path"])),
        split=str(fields.get("split", "")),
        seconds=float(fields.get("duration_seconds", 0.0)),
        licence=str(fields.get("licence", "")),
        origin=str(fields.get("origin", "")),
    )


def _names(value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise TypeError(f"{value!r} is not a list of tags")
    return tuple(value)


def _in_folders(folder: Path) -> Iterator[Recording]:
    for path in sorted(folder.glob("*/*")):
        if path.is_file() and not path.name.startswith("."):
            yield Recording(path, (path.parent.name,), group=str(path.relative_to(folder)))
