"""The state of a training run: weights, their average and the optimiser, kept in a checkpoint; and its pace."""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from training.errors import TrainingError
from training.fitting.network import Tagger
from training.mixes.placing import CLASS_NAMES
from training.tags import NUM_TAGS

_PEAK_RATE = 3e-3
_WARM_UPDATES = 300
_EMA_DECAY = 0.9985


def learning_rate(update: int, updates: int) -> float:
    """Linear warm-up, then a cosine down to a hundredth of the peak at the last update."""
    if update < _WARM_UPDATES:
        return _PEAK_RATE * (update + 1) / _WARM_UPDATES
    progress = min(1.0, (update - _WARM_UPDATES) / max(1, updates - _WARM_UPDATES))
    return _PEAK_RATE * (0.01 + 0.99 * (0.5 + 0.5 * math.cos(math.pi * progress)))


def read_checkpoint(path: Path) -> dict[str, Any]:
    """What `State.save` wrote: its parts by their names.

    Raises:
        TrainingError: the file is something else.
    """
    try:
        parts = torch.load(path, weights_only=True, map_location="cpu")
    except OSError:
        raise
    except Exception:  # torch raises various types for files that it did not write
        parts = None
    if not isinstance(parts, dict):
        raise TrainingError(f"{path} is not a checkpoint of the step fit")
    return parts


@dataclass
class State:
    """Everything that a run needs to continue."""

    tagger: Tagger
    average: Tagger
    optimiser: torch.optim.Optimizer
    update: int = 0

    @classmethod
    def fresh(cls, device: torch.device | None = None) -> State:
        """An untrained network, on a device."""
        torch.manual_seed(0)
        tagger = Tagger(NUM_TAGS, len(CLASS_NAMES)).to(device=device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        decayed = [each for each in tagger.parameters() if each.ndim > 1]
        plain = [each for each in tagger.parameters() if each.ndim <= 1]
        groups = [{"params": decayed, "weight_decay": 0.02}, {"params": plain, "weight_decay": 0.0}]
        return cls(tagger, copy.deepcopy(tagger).eval(), torch.optim.AdamW(groups, betas=(0.9, 0.98)))

    def save(self, path: Path) -> None:
        """Write the checkpoint under another name, then rename it: a killed run leaves the last one whole."""
        parts = {"tagger": self.tagger.state_dict(), "average": self.average.state_dict()}
        partial = path.with_suffix(".partial")
        torch.save(parts | {"update": self.update, "optimiser": self.optimiser.state_dict()}, partial)
        partial.rename(path)

    def load(self, path: Path, written_by: str = "fit") -> None:
        """Continue from a checkpoint that the step `written_by` writes.

        Raises:
            TrainingError: it is missing, or of another network or version. Do not use this state then.
        """
        if not path.exists():
            raise TrainingError(f"{path} is missing; run the step: {written_by}")
        parts = read_checkpoint(path)
        try:
            self.tagger.load_state_dict(parts["tagger"])
            self.average.load_state_dict(parts["average"])
            self.optimiser.load_state_dict(parts["optimiser"])
            self.update = parts["update"]
        except (KeyError, RuntimeError, TypeError, ValueError) as error:
            raise TrainingError(
                f"{path} is of another version of the training: move it away and start again"
            ) from error

    @torch.no_grad()
    def follow(self) -> None:
        """Move the average a little towards the network (faster at the start)."""
        decay = min(_EMA_DECAY, (1 + self.update) / (10 + self.update))
        for mean, each in zip(self.average.state_dict().values(), self.tagger.state_dict().values(), strict=True):
            if mean.is_floating_point():
                mean.lerp_(each, 1 - decay)
            else:
                mean.copy_(each)
