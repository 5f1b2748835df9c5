"""MP3: pieces on frame boundaries, decoded in parallel, with the samples of a sequential decode.

::

    frames     |0|1|2|3|4|5|6|7|8|9|...
    pieces     [---------]
                   ..[---------]        early frames, whose samples are dropped, fill the decoder's memory:
                             ..[---...  the bit reservoir, and what transforms and filter bank overlap

A piece is decoded in one call, which leaves Python's global lock alone and takes half as long as going packet by
packet. What such a call cannot do goes packet by packet: a piece with damage in it, and from where the chain of frames
breaks, whatever follows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain, pairwise
from math import ceil

import torch
from torchcodec.decoders import AudioDecoder, RawAudioSamples

from handler.audio import pieces, sequential
from handler.audio.headers import container
from handler.audio.headers.mpeg_frames import HEADER_BYTES, FrameChain, FrameHeader, StreamTag, read_tag
from handler.audio.mono import STRETCH_FRAMES, Mono, block_frames, mix_down

# ISO/IEC 11172-3, main_data_begin has 9 bits: so many bytes of earlier frames' main data a frame may need.
_RESERVOIR_BYTES = 511
# Behind the reservoir: two frames for transforms and filter bank, the rest to be sure.
_SETTLING_FRAMES = 4
# Around damage a frame that lacks bits goes on with what some frame before has left in the decoder.
_DAMAGED_SETTLING_FRAMES = 400
# Each piece costs a millisecond for a decoder and early frames, so they grow from one block to so many. But what is
# before a longer one is so many times as long: all cores shall have some of a short recording.
_PIECE_BLOCKS = 3
_BEFORE_RATIO = 3
# Decoded and mixed down at once: so few samples that they stay in a core's own cache.
_STEP_SECONDS = 2
# From fewer at its start, libavformat may not know a body for MP3.
_MIN_FIRST_FRAMES = 20
# Enough for the reservoir in frames of the smallest size.
_MAX_EARLY_FRAMES = 1_000
_CRC_BYTES = 2
# libavformat takes two headers that are alike in these bits for the start of a stream (MP3_MASK).
_START_MASK = 0xFFFE0CCF
_ID3V1_BYTES = 128
# FFmpeg's names for layer III. In another codec the number of channels may change, which AudioDecoder does not survive.
_CODECS = ("mp3", "mp3float")


@dataclass(frozen=True)
class _Piece:
    """Frames that are decoded in one go.

    Attributes:
        offsets: Where frames stand in the body, its own and some before, and last where its last frame ends.
        first: Index of its first own frame.
        position: Of its first own sample.
        is_last: Whether the chain of frames ends with it.
    """

    offsets: list[int]
    first: int
    position: int
    is_last: bool

    @property
    def num_frames(self) -> int:
        return len(self.offsets) - 1 - self.first


class Mp3:
    """A body of MPEG layer III frames. Positions in it are in samples from the first frame that is no tag.

    Args:
        body: The bytes.
        start_bytes: Where the first frame stands, as `container.identify` has found it.
        first: That frame's header.
    """

    def __init__(self, body: memoryview, start_bytes: int, first: FrameHeader) -> None:
        self._body = body
        self._start_bytes = start_bytes
        self._first = first
        self._tag = read_tag(body[start_bytes:], first)

    def decoded(self) -> Iterator[Mono]:
        """Yields the samples."""
        found = self._pieces()
        first = next(found, None)
        if first is None or not self._can_begin_with(first):
            yield from self._whole_by_packets()
        else:
            yield from self._in_pieces(first, found)

    def _pieces(self) -> Iterator[_Piece]:
        """Walks the chain of frames. Only the first piece is shorter than half a block."""
        frames, num_samples = FrameChain(self._body, self._first), self._first.num_samples
        offsets, first, is_last, position = [self._start_bytes], 0, False, 0
        while not is_last:
            tag_frames = int(position == 0 and self._tag.fills_frame)
            usual_frames = self._usual_samples(position) // num_samples
            wanted_frames = tag_frames + usual_frames * 3 // 2 - (len(offsets) - 1 - first)
            found = frames.offsets(offsets[-1], wanted_frames)
            offsets += found[1:]
            is_last = len(found) - 1 < wanted_frames
            end = len(offsets) - 1 if is_last else first + tag_frames + usual_frames
            if end > first:
                yield _Piece(offsets[: end + 1], first, position, is_last)
            position += (end - first - tag_frames) * num_samples
            dropped = max(0, end - _MAX_EARLY_FRAMES)
            offsets, first = offsets[dropped:], end - dropped

    def _usual_samples(self, position: int) -> int:
        """Samples of a piece at a position: whole stretches."""
        block = block_frames(self._first.sample_rate, self._first.num_channels)
        block = max(block, ceil(_MIN_FIRST_FRAMES * self._first.num_samples / STRETCH_FRAMES) * STRETCH_FRAMES)
        longest = max(block, min(position // _BEFORE_RATIO, _PIECE_BLOCKS * block))
        return longest // STRETCH_FRAMES * STRETCH_FRAMES

    def _can_begin_with(self, first: _Piece) -> bool:
        """Whether libavformat drops the same from the first piece alone as from the whole body, and as we do later."""
        if first.num_frames < _MIN_FIRST_FRAMES and (not first.is_last or self._has_rest(first)):
            return False
        if self._tag.padding and self._tag.padding.start < self._tag.start_samples + self._first.num_samples:
            return False  # a tag that lies: FFmpeg's libraries do not drop both ends of one frame
        alone = read_tag(self._body[self._start_bytes : first.offsets[-1]], self._first)
        num_samples = first.num_frames * self._first.num_samples
        return alone.num_kept(num_samples) == self._tag.num_kept(num_samples)

    def _has_rest(self, last: _Piece) -> bool:
        """Whether anything follows the chain of frames but a tag of ID3v1, which libavcodec's parser drops."""
        rest = self._body[last.offsets[-1] :]
        return len(rest) > 0 and not (len(rest) == _ID3V1_BYTES and bytes(rest[:3]) == b"TAG")

    def _whole_by_packets(self) -> Iterator[Mono]:
        source = self._source(self._start_bytes, len(self._body))
        yield from pieces.here(sequential.in_blocks(sequential.decoded(source), start=self._tag.start_samples))

    def _in_pieces(self, first: _Piece, others: Iterable[_Piece]) -> Iterator[Mono]:
        is_single = first.is_last and not self._has_rest(first)
        for piece, mono in pieces.decoded(chain([first], others), self._decode, is_single=is_single):
            if mono is None and is_single:
                yield from self._whole_by_packets()
            elif mono is None:
                yield from self._by_packets(piece.offsets, piece.first, piece.offsets[-1], piece.position)
            else:
                yield mono
        if self._has_rest(piece):
            end = piece.position + self._num_samples(piece)
            yield from self._by_packets(piece.offsets, len(piece.offsets) - 1, len(self._body), end)

    def _num_samples(self, piece: _Piece) -> int:
        is_tag = piece.first == 0 and self._tag.fills_frame
        return (piece.num_frames - is_tag) * self._first.num_samples

    def _decode(self, piece: _Piece) -> Mono | None:
        """Decodes a piece; None where that does not give exactly the samples that its frames hold."""
        start = self._early(piece.offsets, piece.first, _SETTLING_FRAMES)
        source = self._source(piece.offsets[start], piece.offsets[-1])
        early_samples = (piece.first - start) * self._first.num_samples
        data = self._decode_in_steps(AudioDecoder(source), piece, early_samples)
        return None if data is None else Mono(data, self._first.sample_rate)

    def _decode_in_steps(self, decoder: AudioDecoder, piece: _Piece, early_samples: int) -> torch.Tensor | None:
        """Decodes a piece, drops the early samples, and mixes each step down; None where it holds other samples."""
        header, num_samples = self._first, early_samples + self._num_samples(piece)
        tag = StreamTag() if piece.first else self._tag  # what libavformat sees of it, and drops
        if decoder.metadata.codec not in _CODECS:
            return None
        data, num_mixed = torch.empty(tag.num_kept(num_samples) - early_samples), 0
        for start, stop in pairwise(self._steps(early_samples, num_samples, tag)):
            stop_seconds = stop / header.sample_rate if stop < num_samples else None
            samples = decoder.get_samples_played_in_range(start / header.sample_rate, stop_seconds)
            num_kept = tag.num_kept(stop) - tag.num_kept(start)
            if samples.sample_rate != header.sample_rate or samples.data.shape != (header.num_channels, num_kept):
                return None
            position = piece.position - early_samples + max(start, tag.start_samples, early_samples)
            own = samples.data[:, max(0, early_samples - start) :]
            own = self._tag.without_padding(own, position) if piece.first else own
            mix_down(own, start=position, out=data[num_mixed : num_mixed + own.shape[1]])
            num_mixed += own.shape[1]
        return data[:num_mixed]

    def _steps(self, early_samples: int, num_samples: int, tag: StreamTag) -> list[int]:
        """Positions behind the first early sample to decode from and to: between stretches, and so between frames.

        The decoder goes on where it stands.
        """
        usual = max(1, round(_STEP_SECONDS * self._first.sample_rate / STRETCH_FRAMES)) * STRETCH_FRAMES
        # The last one takes what is less than half of another.
        edges = [0, *range(early_samples + usual, num_samples - usual // 2, usual), num_samples]
        # Frames that the decoder drops are no place to stop at.
        drops_across = tag.start_samples >= edges[1] or (tag.padding and tag.padding.start < edges[-2])
        return [0, num_samples] if drops_across else edges

    def _by_packets(self, offsets: list[int], first: int, stop_bytes: int, position: int) -> Iterator[Mono]:
        """Decodes from one frame to `stop_bytes`, and skips what is damaged.

        Args:
            offsets: Where frames stand.
            first: Index of the frame to begin with.
            stop_bytes: Where to end.
            position: The first frame's position.
        """
        start = self._early(offsets, first, _DAMAGED_SETTLING_FRAMES)
        source = self._source(offsets[start], stop_bytes)
        is_whole = offsets[start] == self._start_bytes
        start_position = 0 if is_whole else position - (first - start) * self._first.num_samples
        frames = self._from(position, sequential.decoded(source), start_position)
        with suppress(sequential.NoAudioError):  # too little is left for a stream
            yield from pieces.here(sequential.in_blocks(frames, start=position))

    def _from(self, position: int, frames: Iterable[RawAudioSamples], start_position: int) -> Iterator[RawAudioSamples]:
        """Drops the frames before a position, and the padding at the end, by the frames' own time stamps."""
        for frame in frames:
            frame_position = start_position + round(frame.pts_seconds * self._first.sample_rate)
            if frame_position >= position:
                yield replace(frame, data=self._tag.without_padding(frame.data, frame_position))

    def _early(self, offsets: list[int], first: int, settling_frames: int) -> int:
        """Index of the frame to begin with, so that from the frame `first` on all samples are right."""
        start, main_data_bytes = first, 0
        overhead_bytes = HEADER_BYTES + _CRC_BYTES + self._first.side_info_bytes
        while start > 0 and main_data_bytes < _RESERVOIR_BYTES:
            start -= 1
            main_data_bytes += offsets[start + 1] - offsets[start] - overhead_bytes
        start = max(0, start - settling_frames)
        while start > 0 and not self._can_start(offsets[start], offsets[start + 1]):
            start -= 1
        return start

    def _can_start(self, frame_bytes: int, next_bytes: int) -> bool:
        """Whether libavformat takes a frame for the start of a stream, and for sound."""
        frame, following = (self._body[position : position + HEADER_BYTES] for position in (frame_bytes, next_bytes))
        is_alike = not (int.from_bytes(frame, "big") ^ int.from_bytes(following, "big")) & _START_MASK
        return is_alike and not read_tag(self._body[frame_bytes:next_bytes], self._first).fills_frame

    def _source(self, start_bytes: int, stop_bytes: int) -> torch.Tensor:
        """A view on the body for torchcodec, in which no playlist hides."""
        if stop_bytes > self._start_bytes + container.PROBED_BYTES:  # identify() has looked at what is before that
            container.refuse_playlist(self._body[start_bytes:stop_bytes], "MP3")
        return torch.frombuffer(self._body, dtype=torch.uint8, offset=start_bytes, count=stop_bytes - start_bytes)
