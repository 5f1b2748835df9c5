"""Ogg with Vorbis or Opus: pieces of whole pages, decoded in parallel, with the samples of a sequential decode.

::

    pages      |head|0|1|2|3|4|5|6|7|...
    pieces     [head-------]
               [head]   [1][2-----]      early pages are decoded twice, alone and with the piece's own: the difference
               [head]             ...    in length tells which samples are its own, whatever the time stamps say

Where a piece cannot be decoded, or the chain of pages breaks, the recording is decoded packet by packet, from its
beginning, less what is given already.
"""

from __future__ import annotations

import struct
import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import NamedTuple

import torch
from torchcodec import AudioSamples
from torchcodec.decoders import AudioDecoder

from handler.audio import container, sequential
from handler.audio.mono import BLOCK_SECONDS, Mono, mean_of_channels
from handler.audio.pieces import ahead, here, in_turn

# RFC 3533, section 6: capture pattern and version, flags, granule position, serial number, sequence number, number of
# segments.
_PAGE = struct.Struct("<5sBqII4xB")
_CAPTURE = b"OggS\0"
_FIRST_PAGE, _LAST_PAGE = 0x02, 0x04
_FULL_SEGMENT = 255
_NO_GRANULE = -1
# Transforms of two blocks overlap; Opus predicts from some 80 ms (RFC 7845, section 4.6).
_EARLY_SECONDS = 0.5
# Longer pieces than elsewhere, since early pages cost twice, and encoders often make pages of a second.
_PIECE_BLOCKS = 2
_MAX_EARLY_PAGES = 64
# So much at most unfolds from a piece whose time stamps lie: an Opus packet holds 120 ms, one of Vorbis less.
_MAX_PIECE_PACKETS = 3_000
_MAX_CHANNELS = 8


@dataclass(frozen=True)
class _Stream:
    """What the first page tells.

    Attributes:
        forgets: Whether samples depend on a bounded stretch of what was decoded before. Opus may never forget.
        num_headers: Packets in front of the audio.
        rate: Of granule positions, in Hz.
        num_channels: Of the audio.
    """

    forgets: bool
    num_headers: int
    rate: int
    num_channels: int


@dataclass(frozen=True)
class _Page:
    """Where a page ends, at which granule position, and how many packets end on it."""

    stop_bytes: int
    granule: int
    num_packets: int
    is_last: bool


@dataclass(frozen=True)
class _Piece:
    """Pages in the body: early ones from `early_bytes` on, its own from `start_bytes` to `stop_bytes`."""

    early_bytes: int
    start_bytes: int
    stop_bytes: int


class _Cut(NamedTuple):
    """A place between two pages, and the granule position there."""

    position_bytes: int
    granule: int


def decoded(body: memoryview) -> Iterator[Mono]:
    """Decodes an Ogg file.

    Args:
        body: The file; it is read until the iterator ends or is closed.

    Raises:
        NoAudioError: There is no audio stream that can be decoded.
    """
    num_given = num_given_bytes = 0
    for piece, mono in _in_pieces(body):
        num_given, num_given_bytes = num_given + len(mono.data), piece.stop_bytes
        yield mono
    if num_given_bytes < len(body):
        frames = sequential.decoded(torch.frombuffer(body, dtype=torch.uint8))
        yield from here(sequential.in_blocks(sequential.without_first(num_given, frames)))


def _in_pieces(body: memoryview) -> Iterator[tuple[_Piece, Mono]]:
    """Yields pieces with their samples, up to the first that cannot be decoded."""
    head = _read_head(body)
    if head is None:
        return
    stream, head_bytes, pages = head
    pieces = _pieces(stream, head_bytes, pages)
    first = next(pieces, None)
    if first is None or (not stream.forgets and first.stop_bytes < len(body)):
        return
    jobs = (partial(_decode, body, head_bytes, piece) for piece in chain([first], pieces))
    # A short clip is not worth the way through another thread.
    run = in_turn if first.stop_bytes == len(body) else ahead
    for piece, mono in run(jobs):
        if mono is None:
            return
        yield piece, mono


def _read_head(body: memoryview) -> tuple[_Stream, int, Iterator[_Page]] | None:
    """Reads up to the first page of audio: the stream, where that page begins, and the pages from it on."""
    stream = _read_stream(bytes(body[:64]))
    if stream is None:
        return None
    pages = _pages(body)
    num_headers, page = 0, None
    while num_headers < stream.num_headers:
        page = next(pages, None)
        if page is None or page.is_last:
            return None
        num_headers += page.num_packets
    return (stream, page.stop_bytes, pages) if page is not None and num_headers == stream.num_headers else None


def _read_stream(first_page: bytes) -> _Stream | None:
    packet = first_page[28:]  # behind the header of a page with one segment
    if packet[:8] == b"OpusHead" and len(packet) > 9:
        stream = _Stream(False, 2, 48_000, packet[9])
    elif packet[:7] == b"\x01vorbis" and len(packet) > 16:
        stream = _Stream(True, 3, int.from_bytes(packet[12:16], "little"), packet[11])
    else:
        return None
    return stream if 0 < stream.num_channels <= _MAX_CHANNELS and stream.rate > 0 else None


def _pages(body: memoryview) -> Iterator[_Page]:
    """The pages of one logical stream that follow each other without a gap."""
    position, expected = 0, 0
    serial: int | None = None
    while position + _PAGE.size <= len(body):
        capture, flags, granule, page_serial, sequence, num_segments = _PAGE.unpack_from(body, position)
        segments = bytes(body[position + _PAGE.size : position + _PAGE.size + num_segments])
        position += _PAGE.size + num_segments + sum(segments)
        is_first = bool(flags & _FIRST_PAGE)
        if capture != _CAPTURE or position > len(body) or is_first != (serial is None) or sequence != expected:
            return
        if serial not in (None, page_serial):
            return
        serial, expected = page_serial, sequence + 1
        num_packets = num_segments - segments.count(_FULL_SEGMENT)
        yield _Page(position, granule, num_packets, bool(flags & _LAST_PAGE))


def _pieces(stream: _Stream, head_bytes: int, pages: Iterator[_Page]) -> Iterator[_Piece]:
    """Divides the pages of audio; a piece ends with a page that has a granule position, as a packet ends there."""
    early = start = _Cut(head_bytes, 0)
    cuts = deque([start], _MAX_EARLY_PAGES)
    num_packets = 0
    for page in pages:
        if page.granule == _NO_GRANULE and not page.is_last:
            num_packets += page.num_packets
            continue
        cuts.append(_Cut(page.stop_bytes, page.granule))
        num_packets += page.num_packets
        seconds = (page.granule - start.granule) / stream.rate
        if page.is_last or seconds >= _PIECE_BLOCKS * BLOCK_SECONDS or num_packets >= _MAX_PIECE_PACKETS:
            yield _Piece(early.position_bytes, start.position_bytes, page.stop_bytes)
            early, start, num_packets = _early(cuts, stream.rate), cuts[-1], 0
        if page.is_last:
            return
    if cuts[-1] != start:
        yield _Piece(early.position_bytes, start.position_bytes, cuts[-1].position_bytes)


def _early(cuts: Sequence[_Cut], rate: int) -> _Cut:
    """Where to begin, so that from the last cut on all samples are right."""
    early = [cut for cut in cuts if cut.granule <= cuts[-1].granule - _EARLY_SECONDS * rate]
    return early[-1] if early else cuts[0]


def _decode(body: memoryview, head_bytes: int, piece: _Piece) -> tuple[_Piece, Mono | None]:
    start_seconds = time.thread_time()
    try:
        samples = _samples(body, head_bytes, piece.early_bytes, piece.stop_bytes)
        num_early = 0
        if piece.early_bytes < piece.start_bytes:
            num_early = _samples(body, head_bytes, piece.early_bytes, piece.start_bytes).data.shape[1]
    except (RuntimeError, ValueError):
        return piece, None
    data = mean_of_channels(samples.data[:, num_early:])
    return piece, Mono(data, samples.sample_rate, time.thread_time() - start_seconds)


def _samples(body: memoryview, head_bytes: int, start_bytes: int, stop_bytes: int) -> AudioSamples:
    """Decodes some pages behind the head of their stream, in one call."""
    if start_bytes == head_bytes:
        pages = body[:stop_bytes]
    else:
        pages = memoryview(bytearray(body[:head_bytes]) + body[start_bytes:stop_bytes])
    container.refuse_playlist(pages, "Ogg")
    return AudioDecoder(torch.frombuffer(pages, dtype=torch.uint8)).get_all_samples()
