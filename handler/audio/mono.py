"""Decoded samples of one channel, on their way from a decoder to the resampler."""

from __future__ import annotations

from dataclasses import dataclass

import torch

# Long enough that what a block costs on its way does not count, short enough that memory stays flat.
BLOCK_SECONDS = 10
# Of all channels together: 16 MB as float32.
BLOCK_SAMPLES = 1 << 22
# Full scale is 1. Float formats can hold anything; from +18 dB on it is a fault, and would overflow what follows.
_MAX_AMPLITUDE = 8.0


@dataclass(frozen=True)
class Mono:
    """A stretch of a recording.

    Attributes:
        data: float32 of shape (frames,), finite.
        sample_rate: In Hz.
        decode_seconds: Core time that decoding it took.
    """

    data: torch.Tensor
    sample_rate: int
    decode_seconds: float = 0.0


def mean_of_channels(data: torch.Tensor, out: torch.Tensor | None = None) -> torch.Tensor:
    """Mixes down any dtype of torchcodec's, shape (channels, frames), to float32 of shape (frames,).

    Samples that are no number count as 0. The result is written to `out`, if that is given.
    """
    channels = _float32(data).unbind()
    if len(channels) == 1:
        return channels[0] if out is None else out.copy_(channels[0])
    # One after the other: mean() sums in an order that depends on where in a block a sample stands.
    total = torch.add(channels[0], channels[1], out=out)
    for channel in channels[2:]:
        total += channel
    return total.div_(len(channels))


def _float32(data: torch.Tensor) -> torch.Tensor:
    if data.dtype.is_floating_point:
        return _tamed(data.to(torch.float32))
    if data.dtype == torch.uint8:
        return (data.to(torch.float32) - 128) / 128
    return data.to(torch.float32) / -float(torch.iinfo(data.dtype).min)


def _tamed(samples: torch.Tensor) -> torch.Tensor:
    """Zeros for what is no number, limits for what is too large; nearly always there is nothing to do."""
    if samples.numel() == 0:
        return samples
    lowest, highest = torch.aminmax(samples)  # both are no number where one sample is
    if lowest >= -_MAX_AMPLITUDE and highest <= _MAX_AMPLITUDE:
        return samples
    samples = torch.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
    return samples.clamp_(-_MAX_AMPLITUDE, _MAX_AMPLITUDE)
