"""Which windows a recording has, and the hops they are made of. Lengths are exact: fractions and whole samples.

::

    hops      |  0  |  1  |  2  |  3  | (incomplete)
    windows   [-----0-----]
                    [-----1-----]
                          [-----2-----]
    tail                        [----------]

The tail window is there only if a caller or an operator asks for it. It ends where the recording ends, so that a sound
in the incomplete hop is heard, too.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import torch

# A shorter rest makes no tail window: the window before it has heard almost the same.
MIN_TAIL_SECONDS = Fraction(1, 4)


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
        """Counts the windows of a recording, at least one. An incomplete window at the end is left out."""
        return max(1, (duration_seconds - self.window_seconds) // self.hop_seconds + 1)

    def num_hops(self, duration_seconds: Fraction) -> int:
        """Counts the hops that the windows of a recording cover."""
        return self.num_windows(duration_seconds) + self.window_hops - 1

    def tail_start_seconds(self, duration_seconds: Fraction) -> Fraction | None:
        """Returns where the tail window begins: 0.95 in a recording of 2.95 s with windows of 2 s.

        None if the other windows leave less than 0.25 s over, and for a recording shorter than a window.
        """
        end_seconds = (self.num_windows(duration_seconds) - 1) * self.hop_seconds + self.window_seconds
        has_tail = duration_seconds - end_seconds >= MIN_TAIL_SECONDS
        return duration_seconds - self.window_seconds if has_tail else None


class HopCutter:
    """Cuts a stream of blocks into hops.

    Args:
        hop_samples: Samples in a hop.
        tail_hops: How many hops `tail` returns.

    Attributes:
        num_hops: Hops given out so far.
    """

    def __init__(self, hop_samples: int, tail_hops: int = 0) -> None:
        self.num_hops = 0
        self._tail_samples = tail_hops * hop_samples
        self._tail = torch.empty(0)
        self._hop_samples = hop_samples
        self._rest = torch.empty(0)

    def push(self, block: torch.Tensor) -> torch.Tensor:
        """Takes the next block, float32 (samples,), and returns the hops that it completes, (n, hop_samples)."""
        if self._tail_samples:
            self._tail = torch.cat((self._tail, block))[-self._tail_samples :]
        samples = torch.cat((self._rest, block)) if len(self._rest) else block
        num_hops = len(samples) // self._hop_samples
        self._rest = samples[num_hops * self._hop_samples :]
        return self._given(samples[: num_hops * self._hop_samples])

    def finish(self, num_hops: int) -> torch.Tensor:
        """Returns the hops still missing from `num_hops` in all: the rest of the stream, padded with silence."""
        missing_samples = max(0, num_hops - self.num_hops) * self._hop_samples
        rest = self._rest[:missing_samples]
        return self._given(torch.nn.functional.pad(rest, (0, missing_samples - len(rest))))

    def tail(self) -> torch.Tensor:
        """Returns the last samples of the stream, `tail_hops` hops wherever hops begin, (tail_hops, hop_samples)."""
        return self._tail.view(-1, self._hop_samples)

    def _given(self, samples: torch.Tensor) -> torch.Tensor:
        hops = samples.view(-1, self._hop_samples)
        self.num_hops += len(hops)
        return hops
