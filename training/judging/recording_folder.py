"""A folder of real recordings to judge a model on.

A folder of recordings looks like this::

    FOLDER/Speech/talk.wav          every file of a sub-folder has the tag that the sub-folder is named after
    FOLDER/Speech/talk.rttm         optional, NIST's Rich Transcription Time Marked: only where it says that the tag is
    FOLDER/Music/song.mp3
    FOLDER/noise/street.flac        neither speech nor music
    FOLDER/sources.txt              a line for each file: Speech/talk.wav, a tab, and where it is public
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from training.errors import TrainingError

SOURCES_FILE = "sources.txt"
NOTHING_FOLDER = "noise"


@dataclass(frozen=True)
class Recording:
    """A file of the folder: its sub-folder, where it is public, and the spans that have the tag (None: all of it)."""

    path: Path
    folder: str
    origin: str
    marks: tuple[tuple[float, float], ...] | None

    @property
    def name(self) -> str:
        """Sub-folder and file name."""
        return f"{self.folder}/{self.path.name}"


def list_recordings(folder: Path) -> list[Recording]:
    """The recordings of a folder, sorted by name.

    Raises:
        TrainingError: the folder has no recordings, or the list of sources lacks one of them.
    """
    listing = folder / SOURCES_FILE
    if not listing.is_file():
        raise TrainingError(f"{listing} is missing; it says for each file, after a tab, where it is public")
    lines = [line.split("\t", 1) for line in listing.read_text(encoding="utf-8").splitlines() if "\t" in line]
    origins = {name: origin.strip() for name, origin in lines}
    paths = [path for path in sorted(folder.glob("*/*")) if path.is_file() and path.suffix != ".rttm"]
    if not paths:
        raise TrainingError(f"{folder} has no recordings in sub-folders such as Speech, Music and {NOTHING_FOLDER}")
    unknown = [str(path.relative_to(folder)) for path in paths if str(path.relative_to(folder)) not in origins]
    if unknown:
        raise TrainingError(f"{listing} does not say where {', '.join(unknown)} is from; add a line with a tab for it")
    return [
        Recording(path, path.parent.name, origins[str(path.relative_to(folder))], _marks(path.with_suffix(".rttm")))
        for path in paths
    ]


def _marks(path: Path) -> tuple[tuple[float, float], ...] | None:
    """Spans in seconds from an RTTM file (fields 4 and 5: onset, duration); overlapping spans are joined."""
    if not path.exists():
        return None
    rows = [line.split() for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("SPEAKER")]
    joined: list[tuple[float, float]] = []
    for begin, end in sorted((float(row[3]), float(row[3]) + float(row[4])) for row in rows):
        if joined and begin <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((begin, end))
    return tuple(joined)
