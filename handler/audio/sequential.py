"""Sequential decoding, packet by packet: exact for every container, and it survives damage.

A packet that cannot be decoded is skipped, as players do. Where the container itself breaks off, the audio ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import torch
from torchcodec.decoders import AudioPacketDecoder, Demuxer, Packet, RawAudioSamples, get_container_metadata

from handler.audio.mono import STRETCH_FRAMES, Mono, block_frames, mix_down
from handler.audio.timeline import with_silence
from handler.media import check_sample_rate


class NoAudioError(Exception):
    """There is no audio stream that can be decoded."""


def decoded(source: torch.Tensor, *, has_time_stamps: bool = False) -> Iterator[RawAudioSamples]:
    """Decodes the best audio stream of a container.

    Args:
        source: The container, uint8; it is read without a copy, until the iterator ends or is closed.
        has_time_stamps: Whether the container has time stamps of its own. Gaps between them become silence.

    Yields:
        The frames of packets that are not damaged, at a sample rate that can be resampled.

    Raises:
        BadRequestError: The container claims a sample rate that no audio has.
        NoAudioError: There is no audio stream that can be decoded.
    """
    try:
        demuxer = Demuxer(source, streams="audio")
        decoder = demuxer.streams[0].make_decoder()
    except (RuntimeError, ValueError) as error:
        raise NoAudioError(str(error)) from None
    start_seconds = _container_start_seconds(source, demuxer) if has_time_stamps else None
    # Streams and demuxer name each other; in that circle they would keep the body until a garbage collection.
    demuxer.streams = ()
    frames = _undamaged(demuxer, decoder)
    for frame in with_silence(frames, start_seconds) if has_time_stamps else frames:
        check_sample_rate(frame.sample_rate)
        yield frame


def _container_start_seconds(source: torch.Tensor, demuxer: Demuxer) -> float | None:
    """The first time stamp of all streams; None where the audio is alone."""
    if demuxer.streams[0].index == 0 and demuxer.metadata.best_video_stream_index is None:
        return None
    starts = [stream.begin_stream_seconds_from_header for stream in get_container_metadata(source).streams]
    return min((start for start in starts if start is not None), default=None)


def _undamaged(demuxer: Demuxer, decoder: AudioPacketDecoder) -> Iterator[RawAudioSamples]:
    for packet in _readable(demuxer):
        try:
            frames = decoder.decode(packet)
        except RuntimeError:
            continue
        yield from frames
    yield from decoder.drain()


def _readable(demuxer: Demuxer) -> Iterator[Packet]:
    """The packets up to where the container itself breaks off."""
    try:
        yield from demuxer
    except RuntimeError:
        return


def in_blocks(frames: Iterable[RawAudioSamples], *, start: int = 0) -> Iterator[Mono]:
    """Joins frames into blocks of whole stretches; frames of unlike rate or channels are never joined.

    Args:
        frames: In the order of the recording.
        start: Position of the first sample in the recording.
    """
    joined: _Joined | None = None
    for frame in frames:
        if joined is not None and not joined.takes(frame):
            yield from joined.rest()
            joined = None
        joined = joined or _Joined(frame, start)
        start = 0
        yield from joined.add(frame)
    if joined is not None:
        yield from joined.rest()


class _Joined:
    """Frames of one rate and one number of channels that wait to be a block."""

    def __init__(self, first: RawAudioSamples, start: int) -> None:
        self._rate, self._num_channels = first.sample_rate, first.data.shape[0]
        self._start = start
        self._frames: list[torch.Tensor] = []
        self._num_waiting = 0

    def takes(self, frame: RawAudioSamples) -> bool:
        return (frame.sample_rate, frame.data.shape[0]) == (self._rate, self._num_channels)

    def add(self, frame: RawAudioSamples) -> Iterator[Mono]:
        self._frames.append(frame.data)
        self._num_waiting += frame.data.shape[1]
        if self._num_waiting >= block_frames(self._rate, self._num_channels) + STRETCH_FRAMES:
            yield self._block(self._num_waiting - (self._start + self._num_waiting) % STRETCH_FRAMES)

    def rest(self) -> Iterator[Mono]:
        if self._num_waiting:
            yield self._block(self._num_waiting)

    def _block(self, num_frames: int) -> Mono:
        data = torch.cat(self._frames, dim=1)
        mono = Mono(mix_down(data[:, :num_frames], start=self._start), self._rate)
        self._frames = [data[:, num_frames:]]
        self._start, self._num_waiting = self._start + num_frames, self._num_waiting - num_frames
        return mono


def without_first(num_samples: int, frames: Iterable[RawAudioSamples]) -> Iterator[RawAudioSamples]:
    """Drops so many samples from the start of a recording."""
    for frame in frames:
        if num_samples < frame.data.shape[1]:
            yield replace(frame, data=frame.data[:, num_samples:])
        num_samples = max(0, num_samples - frame.data.shape[1])
