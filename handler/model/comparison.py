"""How far the probabilities of a form are from those of the exported program, on sounds at all levels."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch

from handler.model.file import ModelInfo
from handler.model.program import Inputs, Program

# A hop can last a minute, and then no batch holds hundreds.
_MAX_SAMPLES = 1 << 26
# How far tones reach down from half the sample rate, and levels from full scale.
_OCTAVES = 8
_DECADES = 3
# Probabilities beyond it count as this near to 0 or 1: float32 has no more digits near 1.
_NEAREST = 1e-6


@dataclass(frozen=True)
class Distance:
    """How far probabilities are from the right ones.

    Attributes:
        largest: The largest difference of a probability; nan if any is not a number.
        logit_rms: The root mean square of the differences on the logit scale, where a step of sensitivity is 1; nan
            if any is not a number. On a real network it is nearly the same for tones in noise as for recordings
            (docs/record/half_precision.md), and does not depend on thresholds.
    """

    largest: float
    logit_rms: float

    def __str__(self) -> str:
        return f"{self.largest:.1e} at most, {self.logit_rms:.1e} rms on the logit scale"


def distance(probabilities: torch.Tensor, expected: torch.Tensor) -> Distance:
    """Compares probabilities of any shape.

    Raises:
        ValueError: The shapes differ.
    """
    if probabilities.shape != expected.shape:
        raise ValueError(f"its outputs have the shape {tuple(probabilities.shape)}, not {tuple(expected.shape)}")
    logits = _logits(probabilities) - _logits(expected)
    return Distance(float((probabilities - expected).abs().max()), float(logits.square().mean().sqrt()))


def _logits(probabilities: torch.Tensor) -> torch.Tensor:
    return torch.logit(probabilities.double(), _NEAREST)


class Reference:
    """Sounds, and what the exported program gives for them.

    Args:
        exported: The program, from the host's memory to the host's memory.
        info: What it takes.
        num_windows: How many windows the sounds have, fewer where hops are very long.
        call_windows: Windows in a call of `exported`. A GPU's libraries take long for each new size.
    """

    @torch.inference_mode()
    def __init__(self, exported: Program, info: ModelInfo, num_windows: int, call_windows: int) -> None:
        self.num_windows = min(num_windows, max(1, _MAX_SAMPLES // info.hop_samples))
        self._window_hops = info.grid.window_hops
        self._hops = tones_in_noise(self.num_windows + self._window_hops - 1, info.hop_samples)
        self._expected = torch.cat([exported(*self._inputs(call)) for call in self.calls(call_windows)])

    def calls(self, num_windows: int) -> Sequence[slice]:
        """All windows, in calls of `num_windows` each."""
        return [slice(first, first + num_windows) for first in range(0, self.num_windows, num_windows)]

    @torch.inference_mode()
    def distance(self, program: Program, calls: Iterable[slice]) -> Distance:
        """Runs a form, from the host's memory to the host's memory, on windows of the sounds.

        Args:
            program: The form.
            calls: The windows of each call.

        Returns:
            The distance of all calls' probabilities together.
        """
        pairs = [(program(*self._inputs(call)), self._expected[call]) for call in calls]
        return distance(torch.cat([own for own, _ in pairs]), torch.cat([expected for _, expected in pairs]))

    def _inputs(self, call: slice) -> Inputs:
        last = min(call.stop, self.num_windows)
        hops = self._hops[call.start : last + self._window_hops - 1]
        return hops, torch.arange(last - call.start)


def tones_in_noise(num_hops: int, hop_samples: int) -> torch.Tensor:
    """Makes hops that show how exactly a form calculates: each a tone in noise, both at any level; every eighth silent.

    Returns:
        float32 of shape (num_hops, hop_samples), in [-1, 1]. The same numbers always give the same hops.
    """
    generator = torch.Generator().manual_seed(num_hops)
    levels = 10 ** (-_DECADES * torch.rand(2, num_hops, 1, generator=generator))
    cycles = hop_samples / 2 ** (1 + _OCTAVES * torch.rand(num_hops, 1, generator=generator))
    tones = torch.sin(2 * torch.pi * cycles * torch.linspace(0, 1, hop_samples))
    hops = levels[0] * tones + levels[1] * torch.randn(num_hops, hop_samples, generator=generator)
    hops[7::8] = 0
    return hops.clamp(-1, 1)
