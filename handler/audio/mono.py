"""Decoded samples of any number of channels -> one channel.

One channel is the mean of all. Where the channels cancel in it, as in stereo of opposite phase, it is one of them. That
is decided for stretches that stand at fixed positions in the recording, so any division into blocks gives the same
samples::

    recording   |--stretch--|--stretch--|--stretch--|--str
    blocks      |-----------------------|-----------------
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

# Long enough that what a block costs on its way does not count, short enough that memory stays flat.
BLOCK_SECONDS = 10
# Of all channels together: 16 MB as float32.
_MAX_BLOCK_SAMPLES = 1 << 22
# Frames of a stretch, 0.4 s at 44.1 kHz: a multiple of the 384, 576 and 1,152 that an MPEG audio frame holds.
STRETCH_FRAMES = 18_432
# Full scale is 1. Float formats can hold anything; from +18 dB on it is a fault, and would overflow what follows.
_MAX_AMPLITUDE = 8.0
# The mean of unlike channels has the energy of one of them, divided by their number. Channels cancel where it has less
# than a fiftieth of that of the loudest.
_CANCELLED_SHARE = 0.02
# A channel counts as loud from this share of the loudest one's energy on.
_LOUD_SHARE = 0.5
# Places in a stretch that are looked at first, and frames of each: they have to be read from a slower cache.
_NUM_LOOKS, _LOOK_FRAMES = 8, 32


@dataclass(frozen=True)
class Mono:
    """A part of a recording.

    Attributes:
        data: float32 of shape (frames,), finite.
        sample_rate: In Hz.
        decode_seconds: Core time that decoding it took.
    """

    data: torch.Tensor
    sample_rate: int
    decode_seconds: float = 0.0


def block_frames(sample_rate: int, num_channels: int) -> int:
    """Returns the frames of a usual block: whole stretches, about `BLOCK_SECONDS`, fewer if there are many channels."""
    frames = int(min(BLOCK_SECONDS * sample_rate, _MAX_BLOCK_SAMPLES // num_channels))
    return max(1, frames // STRETCH_FRAMES) * STRETCH_FRAMES


def mix_down(data: torch.Tensor, *, start: int = 0, out: torch.Tensor | None = None) -> torch.Tensor:
    """Mixes channels down to one.

    Args:
        data: Any dtype of torchcodec's, shape (channels, frames). Samples that are no number count as 0.
        start: Position of the first frame in the recording. A block starts and ends between two stretches, or where the
            recording starts and ends.
        out: float32 of shape (frames,), to write to.

    Returns:
        float32 of shape (frames,).
    """
    channels = _float32(data)
    mixed = _mean(channels, out)
    if len(channels) > 1:
        _unmix_cancelled(mixed, channels, start)
    return mixed


def _mean(channels: torch.Tensor, out: torch.Tensor | None) -> torch.Tensor:
    if len(channels) == 1:
        return channels[0] if out is None else out.copy_(channels[0])
    # One after the other: mean() sums in an order that depends on where in a block a sample stands.
    total = torch.add(channels[0], channels[1], out=out)
    for channel in channels[2:]:
        total += channel
    return total.div_(len(channels))


def _unmix_cancelled(mixed: torch.Tensor, channels: torch.Tensor, start: int) -> None:
    """Writes a loud channel over the stretches of `mixed` in which the channels cancel."""
    head = min(-start % STRETCH_FRAMES, len(mixed))
    tail = len(mixed) - (len(mixed) - head) % STRETCH_FRAMES
    may_cancel = head < tail and _may_cancel(channels.numpy()[:, head:tail])
    firsts = [0, *(range(head, tail, STRETCH_FRAMES) if may_cancel else ()), tail]
    lasts = [head, *(first + STRETCH_FRAMES for first in firsts[1:-1]), len(mixed)]
    for first, last in zip(firsts, lasts, strict=True):
        if first < last:
            _unmix_stretch(mixed[first:last], channels[:, first:last])


def _may_cancel(channels: np.ndarray) -> bool:
    """Whether the channels cancel at a few places of a stretch. To look at all of it would cost much more."""
    looks = channels.reshape(len(channels), -1, _NUM_LOOKS, STRETCH_FRAMES // _NUM_LOOKS)[..., :_LOOK_FRAMES]
    total = looks.sum(axis=0)
    energies, limits = np.einsum("slf,slf->s", total, total), np.einsum("cslf,cslf->s", looks, looks)
    return bool((energies <= _CANCELLED_SHARE * len(channels) * limits).any())


def _unmix_stretch(mixed: torch.Tensor, channels: torch.Tensor) -> None:
    energies = [float(torch.dot(channel, channel)) for channel in channels]
    loudest = max(energies)
    if float(torch.dot(mixed, mixed)) < _CANCELLED_SHARE / len(channels) * loudest:
        index = next(index for index, energy in enumerate(energies) if energy >= _LOUD_SHARE * loudest)
        mixed.copy_(channels[index])


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
