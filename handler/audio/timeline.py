"""Where a container's time stamps leave a gap, silence: times of windows are then the times that a player shows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import torch
from torchcodec.decoders import RawAudioSamples

# Encoders round time stamps, WebM's to milliseconds, and drop a packet of some 20 ms now and then.
_SHORTEST_GAP_SECONDS = 0.05
# More is a clock that was set, or damage: the audio goes on without a gap.
_LONGEST_GAP_SECONDS = 3600.0
_SILENCE_SECONDS = 10.0


def with_silence(frames: Iterable[RawAudioSamples], start_seconds: float | None) -> Iterator[RawAudioSamples]:
    """Fills the gaps between frames with silence.

    Overlapping or backward time stamps are no gaps: those frames follow each other, and time goes on from there.

    Args:
        frames: Decoded frames with their time stamps.
        start_seconds: The time stamp at which the recording starts; None: the first frame's.

    Yields:
        The frames, and silence of the same rate, channels and dtype as the frame behind it.
    """
    end_seconds = start_seconds
    for frame in frames:
        gap_seconds = 0.0 if end_seconds is None else frame.pts_seconds - end_seconds
        if _SHORTEST_GAP_SECONDS < gap_seconds <= _LONGEST_GAP_SECONDS:
            yield from _silence_like(frame, gap_seconds)
        # Short gaps add up until they are one that counts. Else the clock goes on from this frame.
        if end_seconds is None or abs(gap_seconds) > _SHORTEST_GAP_SECONDS:
            end_seconds = frame.pts_seconds
        yield frame
        end_seconds += frame.data.shape[1] / frame.sample_rate


def _silence_like(frame: RawAudioSamples, seconds: float) -> Iterator[RawAudioSamples]:
    num_frames, most = round(seconds * frame.sample_rate), int(_SILENCE_SECONDS * frame.sample_rate)
    middle = 128 if frame.data.dtype == torch.uint8 else 0
    for start in range(0, num_frames, most):
        shape = (frame.data.shape[0], min(most, num_frames - start))
        yield replace(frame, data=torch.full(shape, middle, dtype=frame.data.dtype))
