"""The boxes of MP4 and QuickTime: whether they are a movie, and whether they claim more than the file can hold.

FFmpeg allocates memory for as many samples as a box claims, before it has seen one of them: 996 bytes can take 2 GB.
ISO/IEC 14496-12 describes the boxes, in section 8 those that count.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from handler.errors import BadRequestError

_BOX, _LARGE_SIZE = struct.Struct(">I4s"), struct.Struct(">Q")
_FULL_BOX_BYTES = 4  # version and flags
_PARENTS = (b"moov", b"trak", b"mdia", b"minf", b"stbl", b"moof", b"traf")
# Tables with the size of an entry. The count stands behind version and flags.
_TABLES = {b"stts": 8, b"ctts": 8, b"stsc": 12, b"stss": 4, b"stco": 4, b"co64": 8}
_MAX_BOXES = 100_000
_MAX_DEPTH = 8
# What a movie's file begins with. In other files the same letters are chance.
_FIRST_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"moof", b"styp", b"sidx")


@dataclass(frozen=True)
class _Box:
    name: bytes
    content: memoryview


def begins_movie(body: memoryview) -> bool:
    """Returns whether the first box is one of a movie and ends within the body, or begins with the file's type."""
    if bytes(body[4:8]) == b"ftyp":
        return True
    if bytes(body[4:8]) not in _FIRST_BOXES:
        return False
    size_bytes = int.from_bytes(body[:4], "big")
    return size_bytes in (0, 1) or _BOX.size <= size_bytes <= len(body)


def check(body: memoryview) -> None:
    """Makes sure that the boxes can be handed to FFmpeg.

    Raises:
        BadRequestError: They are a fragment without its beginning, or claim more samples than the body has bytes.
    """
    num_samples = 0
    names = set()
    for box in _boxes(body, 0):
        names.add(box.name)
        num_samples += _claimed_samples(box)
        if num_samples > len(body):
            raise BadRequestError(
                f"the MP4 file claims at least {num_samples} samples in {len(body)} bytes, which cannot hold them; "
                "it is damaged"
            )
    if names & {b"moof", b"styp", b"sidx"} and b"moov" not in names:
        raise BadRequestError(
            "the body is a fragment of an MP4 stream without its beginning (no moov box); send the initialization "
            "segment and the fragments behind it as one body"
        )


def _boxes(data: memoryview, depth: int) -> Iterator[_Box]:
    position = 0
    for _ in range(_MAX_BOXES):
        if position + _BOX.size > len(data):
            return
        size_bytes, name = _BOX.unpack_from(data, position)
        start = position + _BOX.size
        if size_bytes == 1 and start + _LARGE_SIZE.size <= len(data):
            (size_bytes,) = _LARGE_SIZE.unpack_from(data, start)
            start += _LARGE_SIZE.size
        end = position + size_bytes if size_bytes else len(data)
        if end < start:
            return
        box = _Box(name, data[start:end])
        yield box
        if name in _PARENTS and depth < _MAX_DEPTH:
            yield from _boxes(box.content, depth + 1)
        position = end


def _claimed_samples(box: _Box) -> int:
    """How many samples or entries a box claims without having them."""
    if box.name == b"trun":
        flags = int.from_bytes(box.content[:_FULL_BOX_BYTES], "big")
        return _beyond(box.content, count_at=4, entry_bytes=4 * (flags >> 8 & 0xF).bit_count())
    if box.name == b"stbl":
        return _claimed_by_tables([(each.name, each.content) for each in _boxes(box.content, _MAX_DEPTH)])
    return 0


def _claimed_by_tables(tables: Sequence[tuple[bytes, memoryview]]) -> int:
    # Of such a track FFmpeg lists chunks and not samples, of which compressed QuickTime audio has many in each byte.
    is_listed_by_chunks = any(name == b"stts" and _is_one_tick(content) for name, content in tables)
    num_samples = 0
    for name, content in tables:
        if name in _TABLES:
            num_samples += _beyond(content, count_at=4, entry_bytes=_TABLES[name])
        elif name == b"stsz":
            has_one_size = any(content[4:8])
            claimed = _beyond(content, count_at=8, entry_bytes=0 if has_one_size else 4)
            num_samples += 0 if has_one_size and is_listed_by_chunks else claimed
    return num_samples


def _is_one_tick(stts: memoryview) -> bool:
    """Whether all samples last one tick of the clock each: one entry, and 1 as its duration."""
    return int.from_bytes(stts[4:8], "big") == 1 and int.from_bytes(stts[12:16], "big") == 1


def _beyond(content: memoryview, *, count_at: int, entry_bytes: int) -> int:
    count = int.from_bytes(content[count_at : count_at + 4], "big")
    return max(0, count - len(content) // entry_bytes) if entry_bytes else count
