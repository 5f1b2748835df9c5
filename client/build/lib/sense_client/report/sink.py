"""Where `sense report` puts results: a folder with one HTML file each, and an index over them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sense_client.outputs import Tagged
from sense_client.report.document import IndexEntry, index_html, report_html
from sense_client.report.spectrogram import spectrogram_of_file
from sense_client.sinks import write_whole

INDEX = "index.html"
# Browsers keep the whole text of a file in memory.
MAX_AUDIO_BYTES = 100_000_000


class Reports:
    """A folder of reports.

    Args:
        folder: Made where it is not there.
        description: The server's description of its model, or None.
        with_audio: Whether a report holds the recording itself, up to MAX_AUDIO_BYTES.

    Attributes:
        paths: The reports written so far.
    """

    def __init__(self, folder: Path, description: Mapping[str, Any] | None, *, with_audio: bool) -> None:
        self.paths: list[Path] = []
        self._folder = folder
        self._description = description
        self._with_audio = with_audio
        self._entries: dict[str, IndexEntry] = {}

    def is_done(self, file: str) -> bool:
        """Says no: an older report may be of another model."""
        return False

    def add(self, tagged: Tagged) -> None:
        """Writes the report of a recording.

        Raises:
            OSError: It cannot be written, or the recording cannot be read.
        """
        file, result = Path(tagged.file), tagged.result
        path = self._folder / self._unused_name(file.name)
        self._folder.mkdir(parents=True, exist_ok=True)
        html = report_html(
            result,
            description=self._description,
            spectrogram=spectrogram_of_file(file, result.metadata.duration_seconds),
            audio=file.read_bytes() if self._with_audio and file.stat().st_size <= MAX_AUDIO_BYTES else None,
        )
        write_whole(path, [html])
        self.paths.append(path)
        self._entries[tagged.file] = IndexEntry(quote(path.name), result)

    def finish(self, *, is_complete: bool) -> None:
        """Writes the index where there are several reports."""
        if len(self._entries) > 1:
            entries = [self._entries[file] for file in sorted(self._entries)]
            write_whole(self._folder / INDEX, [index_html(entries)])
            self.paths.insert(0, self._folder / INDEX)

    def _unused_name(self, name: str) -> str:
        """Two recordings of one name, from two folders, have two reports."""
        taken = {path.name for path in self.paths}
        number = 1
        while (unused := f"{name}.html" if number == 1 else f"{name} ({number}).html") in taken:
            number += 1
        return unused
