"""Writes a network as a model file, and reads it back as the handler does."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn
from torch.export import Dim

from handler.model.file import METADATA_FILE, ModelFileError
from handler.model.loading import Model, load_model
from importers.errors import ImporterError
from importers.served import HOP_SECONDS, WINDOW_HOPS, OutputTag, Served

# What folding, other shapes and torch.export may change; probabilities.
_TOLERANCE = 1e-5
_MOST = 1 << 16


@dataclass(frozen=True)
class Imported:
    """A network that is ready to be written.

    Attributes:
        name: Of the model.
        version: Of the model.
        sample_rate: In Hz.
        network: float32 (M, samples of a window) to probabilities (M, classes).
        tags: What its outputs mean.
        origin: Where the weights come from.
        thresholds: Where the thresholds come from.
    """

    name: str
    version: str
    sample_rate: int
    network: nn.Module
    tags: tuple[OutputTag, ...]
    origin: str
    thresholds: str

    @property
    def description(self) -> str:
        """The metadata file's content."""
        fields = {
            "name": self.name,
            "version": self.version,
            "sample_rate": self.sample_rate,
            "hop_seconds": HOP_SECONDS,
            "window_hops": WINDOW_HOPS,
            "tags": [{"name": tag.name, "category": tag.category, "threshold": tag.threshold} for tag in self.tags],
            "training": self.origin,
            "thresholds": self.thresholds,
        }
        return json.dumps(fields, indent=1)


def write_model_file(imported: Imported, output: Path) -> Model:
    """Exports, writes and tries a model file, some seconds to minutes; returns what the handler loads.

    Raises:
        ImporterError: The file could not be written, or does not do what the network does.
    """
    partial = output.with_name(f"{output.stem}.partial.pt2")  # torch wants this ending
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        model = _write(imported, partial)
        partial.replace(output)
    except (OSError, ModelFileError) as error:
        raise ImporterError(f"{output} could not be written: {error}") from error
    finally:
        if output.parent.is_dir():
            partial.unlink(missing_ok=True)
    return model


def windows_per_core_second(model: Model) -> float:
    """Windows that one core scores in a second, by processor time: the best of three batches of four."""
    hops, starts = torch.zeros(5, model.info.hop_samples).uniform_(-0.1, 0.1), torch.arange(4)
    seconds = []
    for _ in range(3):
        before = time.process_time()
        model.score(hops, starts)
        seconds.append(time.process_time() - before)
    return len(starts) / min(seconds)


def _write(imported: Imported, file: Path) -> Model:
    served = Served(imported.network, imported.tags).eval()
    _say("1 of 3: exporting the network")
    program = _export(served, imported.sample_rate)
    _say("2 of 3: writing the model file")
    torch.export.save(program, file, extra_files={METADATA_FILE: imported.description})
    _say("3 of 3: comparing the file with the network")
    model = load_model(file, torch.device("cpu"))
    _compare(model, served, imported.sample_rate)
    return model


def _say(step: str) -> None:
    print(f"importers: {step}", file=sys.stderr, flush=True)


def _export(served: Served, sample_rate: int) -> torch.export.ExportedProgram:
    hops, windows = Dim("hops", min=2, max=_MOST), Dim("windows", min=1, max=_MOST)
    try:
        with torch.no_grad():
            program = torch.export.export(
                served,
                (torch.zeros(5, HOP_SECONDS * sample_rate), torch.arange(3)),
                dynamic_shapes={"hops": {0: hops}, "starts": {0: windows}},
            )
    except Exception as error:  # of any kind: it is the network's code that is being run
        raise ImporterError(f"PyTorch cannot export this network: {str(error).strip().splitlines()[0]}") from error
    forget_source_lines(program)
    return program


def forget_source_lines(program: torch.export.ExportedProgram) -> None:
    """Drops the lines of source behind each operation, which name this machine's paths."""
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)


def _compare(model: Model, served: Served, sample_rate: int) -> None:
    generator = torch.Generator().manual_seed(0)
    for num_hops, starts in ((2, [0]), (5, [3, 0, 2])):
        hops = 0.1 * torch.randn(num_hops, HOP_SECONDS * sample_rate, generator=generator)
        _compare_one(model, served, hops, starts)


def _compare_one(model: Model, served: Served, hops: torch.Tensor, starts: Sequence[int]) -> None:
    with torch.inference_mode():
        expected = served(hops, torch.tensor(starts))
    difference = float((torch.from_numpy(model.score(hops, torch.tensor(starts))) - expected).abs().max())
    if not difference <= _TOLERANCE:  # nan, too
        raise ImporterError(f"the exported program differs from the network by {difference:.1e}")
