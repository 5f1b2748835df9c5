"""The model file: a torch.export program with everything that must be known about it inside.

``forward(hops: float32[N, hop_samples], starts: int64[M]) -> float32[M, tags]`` gives probabilities: window m is made
of the `window_hops` rows of `hops` that begin at ``starts[m]``. The extra file ``sense.json`` says the rest.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.export.passes import move_to_device_pass

from handler.pcm import Floats
from handler.text import quoted
from handler.windows import WindowGrid

METADATA_FILE = "sense.json"


class ModelFileError(ValueError):
    """The file is no model that this handler can serve; the message says why."""


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
    """

    name: str
    version: str
    sample_rate: int
    grid: WindowGrid
    tags: tuple[str, ...]
    thresholds: Floats

    @property
    def hop_samples(self) -> int:
        """Samples in a hop."""
        return int(self.grid.hop_seconds * self.sample_rate)


class Model:
    """A loaded model on its device.

    Args:
        info: What the file says about it.
        program: The callable of the contract above, on `device`.
        device: Where it runs.
    """

    def __init__(self, info: ModelInfo, program: torch.nn.Module, device: torch.device) -> None:
        self.info = info
        self._program = program
        self._device = device

    @torch.inference_mode()
    def score(self, hops: torch.Tensor, starts: torch.Tensor) -> Floats:
        """Scores windows.

        Args:
            hops: float32 of shape (N, hop_samples).
            starts: int64 of shape (M,), in [0, N - window_hops]; M >= 1.

        Returns:
            float32 probabilities of shape (M, tags).
        """
        probabilities: torch.Tensor = self._program(hops.to(self._device), starts.to(self._device))
        return probabilities.cpu().numpy()


def load_model(path: Path, device: torch.device) -> Model:
    """Loads a model file, moves it to the device and tries it once.

    Raises:
        ModelFileError: It is no torch.export program, its metadata are missing or wrong, or it does not give one
            finite probability per window and tag.
    """
    extra_files = {METADATA_FILE: ""}
    try:
        with warnings.catch_warnings():
            # torch warns of a read-only buffer of its own making.
            warnings.filterwarnings("ignore", message="The given buffer is not writable")
            program = torch.export.load(path, extra_files=extra_files)
    except Exception as error:  # torch names no exception type for a broken archive
        raise ModelFileError(f"{path.name} is no torch.export program: {quoted(str(error))}") from error
    info = parse_info(extra_files[METADATA_FILE])
    model = Model(info, move_to_device_pass(program, device).module(), device)
    _try_out(model)
    return model


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
            sample_rate=int(fields["sample_rate"]),
            grid=WindowGrid(Fraction(str(fields["hop_seconds"])), int(fields["window_hops"])),
            tags=tuple(str(tag["name"]) for tag in fields["tags"]),
            thresholds=np.array([tag["threshold"] for tag in fields["tags"]], np.float32),
        )
    except (ValueError, TypeError, KeyError) as error:
        raise ModelFileError(f"{METADATA_FILE} of the model file cannot be read: {error!r}") from error
    _check(info, fields)
    return info


def _check(info: ModelInfo, fields: Mapping[str, Any]) -> None:
    problems = {
        "it names no tag": not info.tags,
        "a tag is named twice": len(set(info.tags)) < len(info.tags),
        "a threshold is not between 0 and 1": not np.all((info.thresholds > 0) & (info.thresholds < 1)),
        "sample_rate, hop_seconds and window_hops must be above 0": not (
            info.sample_rate > 0 and info.grid.hop_seconds > 0 and info.grid.window_hops > 0
        ),
        "a hop is not a whole number of samples": (info.grid.hop_seconds * info.sample_rate).denominator != 1,
    }
    for problem, is_there in problems.items():
        if is_there:
            raise ModelFileError(f"{METADATA_FILE} of the model file is wrong: {problem} ({quoted(fields)})")


def _try_out(model: Model) -> None:
    """Scores windows of silence and of noise, which also warms the device up."""
    info = model.info
    silence = torch.zeros(info.grid.window_hops, info.hop_samples)
    noise = torch.rand(1, info.hop_samples, generator=torch.Generator().manual_seed(0)) - 0.5
    try:
        probabilities = model.score(torch.cat((silence, noise)), torch.tensor([0, 1]))
    except Exception as error:  # whatever the program raises on hops of the length that it claims
        raise ModelFileError(
            f"the model fails on {info.grid.window_hops + 1} hops of {info.hop_samples} samples, which is what "
            f"{METADATA_FILE} says it takes: {quoted(str(error))}"
        ) from error
    if probabilities.shape != (2, len(info.tags)):
        raise ModelFileError(
            f"the model gives outputs of shape {probabilities.shape} for 2 windows and names {len(info.tags)} tags"
        )
    if not np.all((probabilities >= 0) & (probabilities <= 1)):
        raise ModelFileError("the model's outputs for silence and noise are no probabilities between 0 and 1")
