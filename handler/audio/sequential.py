"""Sequential decoding, packet by packet: exact for every container, and it survives damage.

A packet that cannot be decoded is skipped, as players do; where the container itself breaks off, the audio ends.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import torch
from torchcodec.decoders import AudioPacketDecoder, Demuxer, Packet, RawAudioSamples

from handler.audio.mono import BLOCK_SAMPLES, BLOCK_SECONDS, Mono, mean_of_channels
from handler.errors import BadRequestError
from handler.media import MAX_SAMPLE_RATE, MIN_SAMPLE_RATE


class NoAudioError(Exception):
    """There is no audio stream that can be decoded."""


def decoded(source: torch.Tensor) -> Iterator[RawAudioSamples]:
    """Decodes the best audio stream of a container.

    Args:
        source: The container, uint8; it is read without a copy, until the iterator ends or is closed.

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
    # Streams and demuxer name each other; in that circle they would keep the body until a garbage collection.
    demuxer.streams = ()
    for frame in _undamaged(demuxer, decoder):
        _check_sample_rate(frame.sample_rate)
        yield frame


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


def _check_sample_rate(sample_rate: int) -> None:
    """Refuses rates that only a lying header has: a few bytes at 1 Hz would unfold into hours."""
    if not MIN_SAMPLE_RATE <= sample_rate <= MAX_SAMPLE_RATE:
        raise BadRequestError(
            f"the audio claims a sample rate of {sample_rate} Hz; "
            f"{MIN_SAMPLE_RATE} to {MAX_SAMPLE_RATE} Hz can be decoded"
        )


def in_blocks(frames: Iterable[RawAudioSamples]) -> Iterator[Mono]:
    """Joins frames into blocks of about `BLOCK_SECONDS`; frames of unlike rate or channels are never joined."""
    pending: list[torch.Tensor] = []
    num_samples, shape = 0, (1, 1)
    for frame in frames:
        frame_shape = (frame.sample_rate, frame.data.shape[0])
        is_full = num_samples >= min(BLOCK_SECONDS * shape[0], BLOCK_SAMPLES // shape[1])
        if pending and (is_full or frame_shape != shape):
            yield _joined(pending, shape[0])
            pending, num_samples = [], 0
        shape = frame_shape
        pending.append(frame.data)
        num_samples += frame.data.shape[1]
    if pending:
        yield _joined(pending, shape[0])


def _joined(data: list[torch.Tensor], sample_rate: int) -> Mono:
    return Mono(mean_of_channels(torch.cat(data, dim=1)), sample_rate)


def without_first(num_samples: int, frames: Iterable[RawAudioSamples]) -> Iterator[RawAudioSamples]:
    """Drops so many samples from the start of a recording."""
    for frame in frames:
        if num_samples < frame.data.shape[1]:
            yield replace(frame, data=frame.data[:, num_samples:])
        num_samples = max(0, num_samples - frame.data.shape[1])
