"""What a model file holds: hops to windows, windows to class probabilities, classes to tags."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

HOP_SECONDS, WINDOW_HOPS = 1, 2


@dataclass(frozen=True)
class OutputTag:
    """A tag of the model file.

    Attributes:
        name: Its spelling in answers.
        category: Its category, or "".
        threshold: In (0, 1), the default threshold.
        outputs: Which of the network's outputs it stands for.
    """

    name: str
    category: str
    threshold: float
    outputs: tuple[int, ...]


class Served(nn.Module):
    """The program of a model file.

    Args:
        network: float32 (M, window samples) to probabilities (M, classes).
        tags: What its outputs mean.
    """

    outputs: Tensor

    def __init__(self, network: nn.Module, tags: tuple[OutputTag, ...]) -> None:
        super().__init__()
        self.network = network
        most = max(len(tag.outputs) for tag in tags)
        # A row per tag; shorter rows repeat their first output, which changes no maximum.
        rows = [tag.outputs + tag.outputs[:1] * (most - len(tag.outputs)) for tag in tags]
        self.register_buffer("outputs", torch.tensor(rows))

    def forward(self, hops: Tensor, starts: Tensor) -> Tensor:
        """float32 (N, hop_samples) and int64 (M,) to probabilities (M, tags); window m begins at hop starts[m]."""
        members = torch.stack([starts + number for number in range(WINDOW_HOPS)], 1)
        windows = torch.nan_to_num(hops, nan=0.0, posinf=0.0, neginf=0.0)[members].flatten(1)
        probabilities: Tensor = self.network(windows)
        return probabilities[:, self.outputs].amax(2)
