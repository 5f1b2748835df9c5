"""Body -> mono float32 blocks at the model's rate, as a stream: memory does not grow with the length of the audio.

Encoded audio goes packet by packet through torchcodec, the decoder behind torchaudio; raw PCM is unpacked in blocks.
From there both take one way: the mean of the channels, then one running resampler, so one recording gives one answer
in every format, and any division into blocks gives the samples of a single one (tests/unit/test_decoder.py).

Why packets and not torchcodec's time ranges (`AudioDecoder.get_samples_played_in_range`): each range seeks, and in
several containers (variable-rate MP3, WebM, M4A) does not land on the samples of a sequential decode; nor does a range
survive a damaged packet. Why not `torchaudio.functional.resample`: its filter bank for 44,101 -> 16,000 Hz takes
2.8 GB. docs/decoding.md has the measurements.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction

import torch
from torchcodec.decoders import AudioConverter, AudioPacketDecoder, Demuxer, Packet, RawAudioSamples

from handler import container, pcm
from handler.content_type import MAX_SAMPLE_RATE, MIN_SAMPLE_RATE, Media, RawPcm
from handler.errors import BadRequestError

_BLOCK_SECONDS = 1
# Full scale is 1. Float formats can hold anything; from +18 dB on it is a fault, and would overflow what follows.
_MAX_AMPLITUDE = 8.0


@dataclass(frozen=True)
class _Samples:
    """Samples as they come out of the body: any dtype of torchcodec's, shape (channels, frames)."""

    data: torch.Tensor
    sample_rate: int


class AudioStream:
    """The audio in a body, decoded while it is read.

    Args:
        body: The bytes, which must stay as they are while the stream is read.
        media: What they are.
        sample_rate: The rate in Hz at which blocks come out.
        max_seconds: Longer audio is refused.

    Attributes:
        duration_seconds: Exact length of what was decoded so far, in the body's own samples.
    """

    def __init__(self, body: memoryview, media: Media, *, sample_rate: int, max_seconds: int) -> None:
        self.duration_seconds = Fraction(0)
        self._max_seconds = max_seconds
        self._resampler = _Resampler(sample_rate)
        self._samples = _raw_samples(body, media) if isinstance(media, RawPcm) else _encoded_samples(body)

    def __iter__(self) -> Iterator[torch.Tensor]:
        """Yields float32 blocks of shape (samples,), in about [-1, 1], of about one second.

        Raises:
            BadRequestError: The body holds no audio, none that can be decoded, or more than `max_seconds` of it.
        """
        for samples in self._samples:
            self.duration_seconds += Fraction(samples.data.shape[1], samples.sample_rate)
            if self.duration_seconds > self._max_seconds:
                raise BadRequestError(
                    f"the audio is longer than the {self._max_seconds} s that this server takes; send it in parts"
                )
            yield from self._resampler.push(_mono(samples.data), samples.sample_rate)
        yield from self._resampler.finish()
        if self.duration_seconds == 0:
            raise BadRequestError("the body holds no audio samples; send at least one whole frame of audio")


class _Resampler:
    """Mono samples of any rate -> blocks of one rate. Where the source's rate changes, it starts anew there."""

    def __init__(self, sample_rate: int) -> None:
        self._converter = AudioConverter(sample_rate=sample_rate)
        self._source_rate: int | None = None

    def push(self, mono: torch.Tensor, source_rate: int) -> Iterator[torch.Tensor]:
        if source_rate != self._source_rate:
            yield from self.finish()
            self._source_rate = source_rate
        raw = RawAudioSamples(mono[None], source_rate, pts_seconds=0.0, duration_seconds=mono.numel() / source_rate)
        yield self._converter.convert(raw).data[0]

    def finish(self) -> Iterator[torch.Tensor]:
        if self._source_rate is not None:
            yield self._converter.drain().data[0]
            self._converter.reset()
            self._source_rate = None


def _mono(data: torch.Tensor) -> torch.Tensor:
    """The mean of the channels, float32 of shape (frames,). Samples that are no number count as 0."""
    if data.dtype.is_floating_point:
        samples = torch.nan_to_num(data.to(torch.float32), nan=0.0, posinf=0.0, neginf=0.0)
        samples.clamp_(-_MAX_AMPLITUDE, _MAX_AMPLITUDE)
    elif data.dtype == torch.uint8:
        samples = (data.to(torch.float32) - 128) / 128
    else:
        samples = data.to(torch.float32) / -float(torch.iinfo(data.dtype).min)
    return samples[0] if samples.shape[0] == 1 else samples.mean(dim=0)


def _raw_samples(body: memoryview, media: RawPcm) -> Iterator[_Samples]:
    blocks = pcm.unpacked_blocks(
        body,
        media.sample_format,
        num_channels=media.num_channels,
        block_frames=_BLOCK_SECONDS * media.sample_rate,
    )
    for block in blocks:
        yield _Samples(torch.from_numpy(block), media.sample_rate)


def _encoded_samples(body: memoryview) -> Iterator[_Samples]:
    found = container.identify(body)
    # A view on the body: torchcodec reads from it without a copy.
    source = torch.frombuffer(body, dtype=torch.uint8, offset=found.start_bytes)
    try:
        demuxer = Demuxer(source, streams="audio")
        decoder = demuxer.streams[0].make_decoder()
        # Streams and demuxer name each other; in that circle they would keep the body until a garbage collection.
        demuxer.streams = ()
    except (RuntimeError, ValueError):
        raise BadRequestError(
            f"the body ({len(body)} bytes) begins like {found.name} but holds no audio stream that can be decoded"
        ) from None
    yield from _in_blocks(_decoded(demuxer, decoder))


def _decoded(demuxer: Demuxer, decoder: AudioPacketDecoder) -> Iterator[_Samples]:
    """Decodes packet by packet, and skips a packet that is damaged, as players do."""
    for packet in _readable_packets(demuxer):
        try:
            frames = decoder.decode(packet)
        except RuntimeError:
            continue
        yield from map(_checked, frames)
    yield from map(_checked, decoder.drain())


def _checked(frame: RawAudioSamples) -> _Samples:
    """Refuses rates that only a lying header has: a few bytes at 1 Hz would unfold into hours."""
    if not MIN_SAMPLE_RATE <= frame.sample_rate <= MAX_SAMPLE_RATE:
        raise BadRequestError(
            f"the audio claims a sample rate of {frame.sample_rate} Hz; "
            f"{MIN_SAMPLE_RATE} to {MAX_SAMPLE_RATE} Hz can be decoded"
        )
    return _Samples(frame.data, frame.sample_rate)


def _readable_packets(demuxer: Demuxer) -> Iterator[Packet]:
    """The packets up to where the container itself breaks off."""
    try:
        yield from demuxer
    except RuntimeError:
        return


def _in_blocks(pieces: Iterable[_Samples]) -> Iterator[_Samples]:
    """Joins small pieces into blocks of about a second; pieces of unlike rate or channels are never joined."""
    pending: list[_Samples] = []
    num_frames = 0
    for piece in pieces:
        is_alike = not pending or _shape(piece) == _shape(pending[0])
        if not is_alike or num_frames >= _BLOCK_SECONDS * piece.sample_rate:
            yield _joined(pending)
            pending, num_frames = [], 0
        pending.append(piece)
        num_frames += piece.data.shape[1]
    if pending:
        yield _joined(pending)


def _shape(piece: _Samples) -> tuple[int, int]:
    return piece.sample_rate, piece.data.shape[0]


def _joined(pieces: list[_Samples]) -> _Samples:
    return _Samples(torch.cat([piece.data for piece in pieces], dim=1), pieces[0].sample_rate)
