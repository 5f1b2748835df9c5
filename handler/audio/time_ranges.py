"""WAV: time ranges, decoded in parallel, with the samples of a sequential decode.

Their samples do not depend on what was decoded before, and seeks land exactly: so each range can be held against the
number of samples that it must have. Where one has not, or where the header tells no length, the recording is decoded
packet by packet, from its beginning, less what is given already.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from itertools import chain

import torch
from torchcodec.decoders import AudioDecoder, WavDecoder

from handler.audio import pieces, sequential
from handler.audio.headers import wav
from handler.audio.mono import Mono, block_frames, mix_down
from handler.media import MAX_SAMPLE_RATE, MIN_SAMPLE_RATE

_Opener = type[AudioDecoder] | type[WavDecoder]
# Asked for beyond the end that a header claims, to see whether there is more.
_BEYOND_SECONDS = 1


def decoded(body: memoryview) -> Iterator[Mono]:
    """Decodes a WAV file.

    Args:
        body: The file; it is read without a copy, until the iterator ends or is closed.

    Raises:
        BadRequestError: The container claims a sample rate that no audio has, or texts that it cannot hold.
        NoAudioError: There is no audio stream that can be decoded.
    """
    num_given = 0
    source = torch.frombuffer(body, dtype=torch.uint8)
    ranges = _opened(body, source)
    if ranges is not None:
        for mono in ranges.decoded():
            num_given += len(mono.data)
            yield mono
        if num_given == ranges.num_samples:
            return
    wav.check(body)
    rest = sequential.without_first(num_given, sequential.decoded(source))
    yield from pieces.here(sequential.in_blocks(rest, start=num_given))


def _opened(body: memoryview, source: torch.Tensor) -> _Ranges | None:
    """The ranges of a recording whose header can be relied on, or None."""
    if not wav.is_sound(body):
        return None
    is_plain = wav.is_plain(body, source)
    if not is_plain:
        wav.check(body)
    try:
        ranges = _Ranges(source, WavDecoder if is_plain else AudioDecoder)
    except (RuntimeError, ValueError, ArithmeticError):
        return None
    return ranges if ranges.num_samples else None


class _Ranges:
    """Ranges of a usual block each.

    Args:
        source: The container.
        open_decoder: What decodes it.

    Attributes:
        num_samples: How many samples the header claims; 0 where it claims nothing that can be relied on.
    """

    def __init__(self, source: torch.Tensor, open_decoder: _Opener) -> None:
        self._source, self._open_decoder = source, open_decoder
        decoder = open_decoder(source)
        # Decoders that no range is using: to open a file anew costs as much as to decode some seconds of it.
        self._idle = deque([decoder])
        claimed = decoder.metadata
        self._rate, self._num_channels = claimed.sample_rate or 0, claimed.num_channels or 0
        is_exact = str(claimed.codec).startswith("pcm_")
        is_sound = self._num_channels > 0 and MIN_SAMPLE_RATE <= self._rate <= MAX_SAMPLE_RATE
        self.num_samples = (
            round((claimed.duration_seconds_from_header or 0) * self._rate) if is_exact and is_sound else 0
        )

    def decoded(self) -> Iterator[Mono]:
        """Yields the samples of the ranges up to the first that is not as it must be."""
        usual = block_frames(self._rate, self._num_channels)
        # The last one takes what is less than half of another.
        starts = range(0, max(1, self.num_samples - usual // 2), usual)
        stops = chain(starts[1:], [self.num_samples])
        ranges = zip(starts, stops, strict=True)
        for _, mono in pieces.decoded(ranges, self._range, is_single=len(starts) == 1):
            if mono is None:
                return
            yield mono

    def _range(self, edges: tuple[int, int]) -> Mono | None:
        """Decodes one range; None where it has not the samples that it must have."""
        start, stop = edges
        try:
            decoder = self._idle.pop()
        except IndexError:
            decoder = self._open_decoder(self._source)
        beyond_seconds = _BEYOND_SECONDS if stop == self.num_samples else 0
        samples = decoder.get_samples_played_in_range(start / self._rate, stop / self._rate + beyond_seconds)
        self._idle.append(decoder)
        if samples.sample_rate != self._rate or samples.data.shape != (self._num_channels, stop - start):
            return None
        return Mono(mix_down(samples.data, start=start), self._rate)
