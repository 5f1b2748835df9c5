"""The model file: a torch.export program, with what the handler must know about it inside.

``forward(hops: float32[N, hop_samples], starts: int64[M]) -> float32[M, tags]`` gives probabilities: window m is made
of the `window_hops` rows of `hops` that begin at ``starts[m]``. The extra file ``sense.json`` says the rest.
"""

from __future__ import annotations

import json
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from operator import index
from pathlib import Path
from typing import Any

import numpy as np
import torch

from handler.arrays import Floats
from handler.media import MAX_SAMPLE_RATE
from handler.text import quoted
from handler.windows import WindowGrid

METADATA_FILE = "sense.json"
_MAX_WINDOW_SECONDS = 60


class ModelFileError(ValueError):
    """The handler cannot serve this file; the message says why."""


@dataclass(frozen=True)
class ModelInfo:
    """What a model file says about itself.

    Attributes:
        name: The model's name.
        version: Its version.
        sample_rate: In Hz; the hops' rate.
        grid: Where its windows stand.
        tags: Names of the tags, in the order of its outputs.
        thresholds: float32 of shape (tags,), in (0, 1): the probability from which a tag counts at sensitivity 0.
        categories: What kind of sound each tag is, "" where the file does not say.
    """

    name: str
    version: str
    sample_rate: int
    grid: WindowGrid
    tags: tuple[str, ...]
    thresholds: Floats
    categories: tuple[str, ...] = ()

    @property
    def hop_samples(self) -> int:
        """Samples in a hop."""
        return int(self.grid.hop_seconds * self.sample_rate)


def read_program(path: Path) -> tuple[torch.export.ExportedProgram, ModelInfo]:
    """Reads a model file: the program as it was exported, and what it says about itself.

    Raises:
        ModelFileError: It is not a torch.export program, or its metadata are missing or wrong.
    """
    if not path.exists():
        raise ModelFileError(f"the model file {path.name} is not there")
    if not zipfile.is_zipfile(path):
        # torch would log a page about it first.
        raise ModelFileError(f"{path.name} is not a torch.export program: those are zip archives")
    extra_files = {METADATA_FILE: ""}
    try:
        with warnings.catch_warnings():
            # torch warns of a read-only buffer that it made.
            warnings.filterwarnings("ignore", message="The given buffer is not writable")
            program = torch.export.load(path, extra_files=extra_files)
    except Exception as error:  # torch names no exception type for a broken archive
        raise ModelFileError(f"{path.name} is not a torch.export program: {quoted(str(error))}") from error
    if not extra_files[METADATA_FILE]:
        raise ModelFileError(f"{path.name} holds no {METADATA_FILE} with its sample rate, hop and tags")
    return program, parse_info(extra_files[METADATA_FILE])


def parse_info(text: str) -> ModelInfo:
    """Reads the metadata of a model file.

    Args:
        text: The content of its ``sense.json``.

    Raises:
        ModelFileError: A field is missing or out of range.
    """
    try:
        fields = json.loads(text)
        info = ModelInfo(
            name=str(fields["name"]),
            version=str(fields["version"]),
            sample_rate=index(fields["sample_rate"]),
            grid=WindowGrid(Fraction(str(fields["hop_seconds"])), index(fields["window_hops"])),
            tags=tuple(str(tag["name"]) for tag in fields["tags"]),
            thresholds=np.array([tag["threshold"] for tag in fields["tags"]], np.float32),
            categories=tuple(str(tag.get("category", "")) for tag in fields["tags"]),
        )
    except (ValueError, TypeError, KeyError, ArithmeticError) as error:
        raise ModelFileError(f"{METADATA_FILE} of the model file cannot be read: {error!r}") from error
    _check(info, fields)
    return info


def _check(info: ModelInfo, fields: Mapping[str, Any]) -> None:
    grid = info.grid
    problems = {
        "it names no tag, or a blank one": not info.tags or not all(map(str.strip, info.tags)),
        "a tag is named twice": len(set(info.tags)) < len(info.tags),
        "a threshold is not one number between 0 and 1": info.thresholds.ndim != 1
        or not np.all((info.thresholds > 0) & (info.thresholds < 1)),
        f"sample_rate is not from 1 to {MAX_SAMPLE_RATE}": not 1 <= info.sample_rate <= MAX_SAMPLE_RATE,
        f"a window is not longer than 0 s and at most {_MAX_WINDOW_SECONDS} s long": grid.window_hops < 1
        or not 0 < grid.window_seconds <= _MAX_WINDOW_SECONDS,
        "a hop is not a whole number of samples": (grid.hop_seconds * info.sample_rate).denominator != 1,
    }
    for problem, is_there in problems.items():
        if is_there:
            raise ModelFileError(f"{METADATA_FILE} of the model file is wrong: {problem} ({quoted(fields)})")
