"""Which windows a recording has, and the hops that they are made of. Lengths are exact: fractions and whole samples.

::

    hops      |  0  |  1  |  2  |  3  | (incomplete)
    windows   [-----0-----]
                    [-----1-----]
                          [-----2-----]
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import torch


@dataclass(frozen=True)
class WindowGrid:
    """Where windows stand.

    Attributes:
        hop_seconds: From one window's start to the next one's.
        window_hops: Hops in a window.
    """

    hop_seconds: Fraction
    window_hops: int

    @property
    def window_seconds(self) -> Fraction:
        """Length of a window."""
        return self.hop_seconds * self.window_hops

    def num_windows(self, duration_seconds: Fraction) -> int:
        """Counts the windows of a recording; an incomplete tail makes none, but every recording has one."""
        return max(1, (duration_seconds - self.window_seconds) // self.hop_seconds + 1)

    def num_hops(self, duration_seconds: Fraction) -> int:
        """Counts the hops that the windows of a recording cover."""
        return self.num_windows(duration_seconds) + self.window_hops - 1


class HopCutter:
    """Cuts a stream of blocks into hops.

    Args:
        hop_samples: Samples in a hop.

    Attributes:
        num_hops: Hops given out so far.
    """

    def __init__(self, hop_samples: int) -> None:
        self.num_hops = 0
        self._hop_samples = hop_samples
        self._rest = torch.empty(0)

    def push(self, block: torch.Tensor) -> torch.Tensor:
        """Takes the next block, float32 (samples,), and returns the hops that it completes, (n, hop_samples)."""
        samples = torch.cat((self._rest, block)) if len(self._rest) else block
        num_hops = len(samples) // self._hop_samples
        self._rest = samples[num_hops * self._hop_samples :]
        return self._given(samples[: num_hops * self._hop_samples])

    def finish(self, num_hops: int) -> torch.Tensor:
        """Returns what is missing to `num_hops` hops in all: the rest of the stream, filled up with silence."""
        missing_samples = max(0, num_hops - self.num_hops) * self._hop_samples
        rest = self._rest[:missing_samples]
        return self._given(torch.nn.functional.pad(rest, (0, missing_samples - len(rest))))

    def _given(self, samples: torch.Tensor) -> torch.Tensor:
        hops = samples.view(-1, self._hop_samples)
        self.num_hops += len(hops)
        return hops
