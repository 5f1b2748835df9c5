"""Where results go as they come: standard output, one file, or a file for each recording in a folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import Any, Protocol

from sense_client.journal import Journal
from sense_client.outputs import Format, Layout, Tagged

JOURNAL_SUFFIX = ".journal.jsonl"
_PART_SUFFIX = ".part"


class Sink(Protocol):
    """Takes results. `add` and `finish` raise OSError if they cannot be written."""

    def is_done(self, file: str) -> bool:
        """Whether an earlier run has this recording's result."""

    def add(self, tagged: Tagged) -> None:
        """Takes a result; it is safe when this returns."""

    def finish(self, *, is_complete: bool) -> None:
        """Ends the run; `is_complete` says that every recording has its result."""


class Terminal:
    """Standard output. Nothing is done before, and what does not stand alone is shown at the end."""

    def __init__(self, output_format: Format, layout: Layout, show: Callable[[str], None]) -> None:
        self._format, self._layout, self._show = output_format, layout, show
        self._kept: list[Tagged] = []

    def is_done(self, file: str) -> bool:
        """Returns False."""
        return False

    def add(self, tagged: Tagged) -> None:
        """Shows a result, or keeps it."""
        if self._format.is_streamed:
            self._show("".join(self._format.write([tagged], self._layout)))
        else:
            self._kept.append(tagged)

    def finish(self, *, is_complete: bool) -> None:
        """Shows what was kept, by the recordings' names."""
        if not self._format.is_streamed:
            kept = sorted(self._kept, key=lambda tagged: tagged.file)
            self._show("".join(self._format.write(kept, self._layout)))


class Lines:
    """A file of JSON Lines, which is its own journal."""

    def __init__(self, path: Path, options: Mapping[str, Any]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._journal = Journal(path, options)

    def is_done(self, file: str) -> bool:
        """Whether the file has a line for the recording."""
        return file in self._journal

    def add(self, tagged: Tagged) -> None:
        """Writes a line."""
        self._journal.add(tagged)

    def finish(self, *, is_complete: bool) -> None:
        """Has nothing left to do."""


class OneFile:
    """A file in any format. A journal beside it holds what is there until every recording is done."""

    def __init__(self, path: Path, output_format: Format, layout: Layout, options: Mapping[str, Any]) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path, self._format, self._layout = path, output_format, layout
        self.journal_path = path.with_name(path.name + JOURNAL_SUFFIX)
        self._journal = Journal(self.journal_path, options)

    def is_done(self, file: str) -> bool:
        """Whether the journal has the recording."""
        return file in self._journal

    def add(self, tagged: Tagged) -> None:
        """Writes to the journal."""
        self._journal.add(tagged)

    def finish(self, *, is_complete: bool) -> None:
        """Writes the file, and removes the journal if it is no longer needed."""
        write_whole(self._path, self._format.write(self._journal, self._layout))
        if is_complete:
            self.journal_path.unlink()


class Folder:
    """A folder with a file for each recording, at the recording's own relative path."""

    def __init__(self, folder: Path, output_format: Format, layout: Layout) -> None:
        self._folder, self._format, self._layout = folder, output_format, layout

    def is_done(self, file: str) -> bool:
        """Whether the recording's file is there."""
        return self._path(file).exists()

    def add(self, tagged: Tagged) -> None:
        """Writes the recording's file."""
        path = self._path(tagged.file)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, self._format.write([tagged], self._layout))

    def finish(self, *, is_complete: bool) -> None:
        """Has nothing left to do."""

    def _path(self, file: str) -> Path:
        parts = [part for part in PurePath(file).parts if part not in ("..", PurePath(file).anchor)]
        return self._folder.joinpath(*parts[:-1], parts[-1] + self._format.suffixes[0])


def write_whole(path: Path, pieces: Iterable[str]) -> None:
    """Writes a file such that it is there as a whole or not at all.

    Raises:
        OSError: It cannot be written.
    """
    with replacing(path) as part, part.open("w", encoding="utf-8", errors="replace", newline="") as file:
        file.writelines(pieces)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields a file to write, which then takes the place of `path` as a whole.

    Raises:
        OSError: It cannot be written.
    """
    part = path.with_name(path.name + _PART_SUFFIX)
    try:
        yield part
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException as error:
        part.unlink(missing_ok=True)
        if isinstance(error, OSError):
            error.filename = str(path)
        raise
