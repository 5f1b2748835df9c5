"""Which recordings a command line names: files, folders, patterns."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from pathlib import Path

# What the server decodes (docs/formats.md). A file that is named itself is sent whatever it is called.
SUFFIXES = frozenset(
    ".3gp .aac .ac3 .aif .aiff .amr .au .caf .eac3 .flac .flv .m4a .m4b .mka .mkv .mov .mp2 .mp3 .mp4 .oga .ogg .ogv "
    ".opus .rf64 .snd .ts .w64 .wav .wave .weba .webm .wma".split()
)


class NothingFoundError(ValueError):
    """A folder without recordings, or a pattern that matches nothing."""


def find_recordings(arguments: Sequence[str]) -> list[str]:
    """Returns the paths of all recordings, each once: those of a folder sorted, hidden ones left out.

    Raises:
        NothingFoundError: A folder holds no recordings, or a pattern matches nothing.
    """
    return list(dict.fromkeys(path for argument in arguments for path in _found(argument)))


def _found(argument: str) -> list[str]:
    path = Path(argument)
    if path.is_dir():
        paths = list(_in_folder(path))
        if not paths:
            raise NothingFoundError(f"the folder {argument} holds no sound files")
        return paths
    if path.exists() or not glob.has_magic(argument):
        return [argument]
    matches = sorted(glob.glob(argument, recursive=True))
    paths = [found for match in matches for found in (_in_folder(Path(match)) if Path(match).is_dir() else [match])]
    if not paths:
        raise NothingFoundError(f"nothing matches {argument}")
    return paths


def _in_folder(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        is_hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
        if path.suffix.lower() in SUFFIXES and not is_hidden and path.is_file():
            yield str(path)
