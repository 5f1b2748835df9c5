"""Results as they come, on disk: JSON Lines, a whole line for each recording or none.

A line is written in one piece and forced to disk before the next recording counts as done. What a killed process left
of a line is cut off at the next start.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

from sense_client.outputs.documents import as_line
from sense_client.outputs.tagged import Tagged
from sense_client.results import MalformedResultError, Result

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_LINE_START = b'{"file":'


class JournalError(Exception):
    """A file that cannot serve as this run's journal."""


class Journal:
    """The journal of a run, opened for going on.

    Args:
        path: The file; it need not exist.
        options: What the run asks for. Lines that were written with other options are refused.

    Raises:
        JournalError: The file holds something else, or another process writes it.
        OSError: It cannot be opened.
    """

    def __init__(self, path: Path, options: Mapping[str, Any]) -> None:
        self._path, self._options = path, dict(options)
        self._offsets: dict[str, int] = {}
        self._file: BinaryIO = path.open("a+b", buffering=0)
        try:
            self._lock()
            self._end = self._read()
            os.ftruncate(self._file.fileno(), self._end)
        except BaseException:
            self._file.close()
            raise

    def __contains__(self, file: str) -> bool:
        return file in self._offsets

    def __len__(self) -> int:
        return len(self._offsets)

    def __iter__(self) -> Iterator[Tagged]:
        """Yields the recordings with their results, by the recordings' names."""
        with self._path.open("rb") as file:
            for name in sorted(self._offsets):
                file.seek(self._offsets[name])
                yield Tagged(name, Result.from_dict(json.loads(file.readline())))

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, tagged: Tagged) -> None:
        """Writes a recording's line.

        Raises:
            OSError: It cannot be written; what was written of it is taken back.
        """
        more = {"options": self._options} if self._options else {}
        line = f"{as_line(tagged, **more)}\n".encode()
        try:
            self._write(line)
            os.fsync(self._file.fileno())
        except BaseException as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file.fileno(), self._end)
            if isinstance(error, OSError):
                error.filename = str(self._path)
            raise
        self._offsets[tagged.file] = self._end
        self._end += len(line)

    def _write(self, line: bytes) -> None:
        written = 0
        while written < len(line):
            written += self._file.write(line[written:]) or 0

    def _lock(self) -> None:
        if fcntl is None:
            return
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise JournalError(
                f"another process writes {self._path}; wait for it, or choose another --output"
            ) from None

    def _read(self) -> int:
        """Notes where each recording's line begins; returns where the last whole line ends."""
        end = 0
        self._file.seek(0)
        with self._path.open("rb") as file:
            for number, line in enumerate(file, 1):
                if not (line.startswith(_LINE_START) or _LINE_START.startswith(line)):
                    raise self._foreign(number)
                if not line.endswith(b"\n"):
                    break
                self._note(line, number, end)
                end += len(line)
        return end

    def _note(self, line: bytes, number: int, offset: int) -> None:
        try:
            fields = json.loads(line)
            Result.from_dict(fields)
            name, options = fields["file"], fields.get("options", {})
        except (ValueError, KeyError, MalformedResultError):
            raise self._foreign(number) from None
        if options != self._options:
            raise JournalError(
                f"{self._path} was written with other options ({json.dumps(options)}, and now "
                f"{json.dumps(self._options)}); choose another --output, or remove it"
            )
        self._offsets[name] = offset

    def _foreign(self, number: int) -> JournalError:
        return JournalError(
            f"{self._path}: line {number} is not a result that sense wrote; choose another --output, or remove it"
        )
