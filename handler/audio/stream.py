"""Body -> mono float32 blocks at the model's rate, as a stream: memory does not grow with the length of the audio.

Encoded audio goes through torchcodec, the decoder behind torchaudio: MP3 and WAV in pieces, which several
threads decode, the rest packet by packet; raw PCM is unpacked in blocks. From there all take one way: the mean of the
channels, then one running resampler, so one recording gives one answer in every format, and any division into pieces
and blocks gives the samples of a single one.

Why not `torchaudio.functional.resample`: its filter bank for 44,101 -> 16,000 Hz takes 2.8 GB.
docs/record/decoding.md has the measurements.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from fractions import Fraction

import torch
from torchcodec.decoders import AudioConverter, RawAudioSamples

from handler.audio import pcm, pieces, sequential, time_ranges
from handler.audio.headers import container, wav
from handler.audio.headers.mpeg_frames import HEADER_BYTES, parse_header
from handler.audio.mono import BLOCK_SECONDS, Mono, block_frames, mix_down
from handler.audio.mp3 import Mp3
from handler.errors import BadRequestError
from handler.media import Media, RawPcm, check_sample_rate
from handler.memory import forget_pages

_BLOCKS_UNTIL_FORGOTTEN = 8


class AudioStream:
    """The audio in a body, decoded while it is read.

    Args:
        body: The bytes, which must stay as they are while the stream is read.
        media: What they are.
        sample_rate: The rate in Hz at which blocks come out.
        max_seconds: Longer audio is refused.
        check: Called before each block. What it raises ends the stream.

    Attributes:
        duration_seconds: Exact length of what was decoded so far, in the body's own samples.
        decode_seconds: Core time that decoding and resampling took so far, in all threads together.
    """

    def __init__(
        self,
        body: memoryview,
        media: Media,
        *,
        sample_rate: int,
        max_seconds: int,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self.duration_seconds = Fraction(0)
        self.decode_seconds = 0.0
        self._max_seconds = max_seconds
        self._check = check
        self._resampler = _Resampler(sample_rate)
        self._recording = _forgetting(body, _recording(body, media))

    def __iter__(self) -> Iterator[torch.Tensor]:
        """Yields float32 blocks of shape (samples,), in about [-1, 1], of about `BLOCK_SECONDS`.

        Raises:
            BadRequestError: The body holds no audio, none that can be decoded, or more than `max_seconds` of it.
        """
        for mono in self._recording:
            self._check()
            self.decode_seconds += mono.decode_seconds
            self.duration_seconds += Fraction(len(mono.data), mono.sample_rate)
            if self.duration_seconds > self._max_seconds:
                raise BadRequestError(
                    f"the audio is longer than the {self._max_seconds} s that this server takes; send it in parts"
                )
            yield from self._resampled(mono)
        yield from self._resampler.finish()
        if self.duration_seconds == 0:
            raise BadRequestError("the body holds no audio samples; send at least one whole frame of audio")

    def _resampled(self, mono: Mono) -> Iterator[torch.Tensor]:
        num_blocks = max(1, round(len(mono.data) / (BLOCK_SECONDS * mono.sample_rate)))
        for data in mono.data.chunk(num_blocks):
            start_seconds = time.thread_time()
            blocks = list(self._resampler.push(data, mono.sample_rate))
            self.decode_seconds += time.thread_time() - start_seconds
            yield from blocks


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


def _recording(body: memoryview, media: Media) -> Iterator[Mono]:
    if not body:
        raise BadRequestError("the body is empty (0 bytes); send the bytes of a sound file")
    yield from pieces.here(_raw(body, media)) if isinstance(media, RawPcm) else decoded(body)


def _forgetting(body: memoryview, recording: Iterator[Mono]) -> Iterator[Mono]:
    """Gives the memory of a spooled body back now and then, while it is read."""
    for index, mono in enumerate(recording, start=1):
        yield mono
        if index % _BLOCKS_UNTIL_FORGOTTEN == 0:
            forget_pages(body)


def _raw(body: memoryview, media: RawPcm) -> Iterator[Mono]:
    check_sample_rate(media.sample_rate)
    blocks = pcm.unpacked_blocks(
        body,
        media.sample_format,
        num_channels=media.num_channels,
        block_frames=block_frames(media.sample_rate, media.num_channels),
    )
    for block in blocks:
        yield Mono(mix_down(torch.from_numpy(block)), media.sample_rate)


def decoded(body: memoryview) -> Iterator[Mono]:
    """Decodes a container at the recording's own sample rate.

    Args:
        body: The bytes, which must stay as they are until the iterator ends or is closed.

    Raises:
        BadRequestError: The body holds no audio, or none that can be decoded.
    """
    found = container.identify(body)
    try:
        yield from _fastest(body, found)
    except sequential.NoAudioError:
        raise BadRequestError(
            f"the body ({len(body)} bytes) begins like {found.name} but holds no audio stream that can be decoded"
        ) from None


def _fastest(body: memoryview, found: container.Container) -> Iterator[Mono]:
    """Chooses the fastest way that gives the samples of a sequential decode."""
    first = parse_header(bytes(body[found.start_bytes : found.start_bytes + HEADER_BYTES]))
    if found.name == "MP3" and first is not None and first.layer == 3:
        return Mp3(body, found.start_bytes, first).decoded()
    body = body[found.start_bytes :]
    if found.name in ("WAV", "Wave64") and (misread := wav.read_misread_samples(body)) is not None:
        return pieces.here(_raw(*misread))
    if found.name in ("WAV", "Wave64"):
        return time_ranges.decoded(body)
    # A view on the body: torchcodec reads from it without a copy.
    source = torch.frombuffer(body, dtype=torch.uint8)
    frames = sequential.decoded(source, has_time_stamps=found.has_time_stamps)
    return pieces.here(sequential.in_blocks(frames))
