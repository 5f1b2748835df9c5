"""The boxes of MP4 and QuickTime: whether they are a movie, and whether they claim more than the file can hold.

FFmpeg allocates memory for as many samples as a box claims, before it has seen one of them: 996 bytes can take 2 GB.
ISO/IEC 14496-12 describes the boxes, in section 8 those that count.
"""

from __future__ import annotations

import re
import struct
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from handler.errors import BadRequestError

_BOX, _LARGE_SIZE = struct.Struct(">I4s"), struct.Struct(">Q")
_FULL_BOX_BYTES = 4  # version and flags
# FFmpeg takes a table for one wherever it finds it, and looks for boxes in more of them than the standard has. All but
# this one are looked into.
_OPAQUE = b"mdat"
# Tables with the size of an entry. The count stands behind version and flags.
_TABLES = {b"stts": 8, b"ctts": 8, b"stsc": 12, b"stss": 4, b"stco": 4, b"co64": 8}
_SIZES = (b"stsz", b"stz2")
_COUNTING = re.compile(b"|".join((*_TABLES, *_SIZES, b"trun")))
_HANDLER = re.compile(b"hdlr")
_MAX_DESCRIPTION_BYTES = 1 << 16
# Two for each fragment, and some in it: 50,000 fragments.
_MAX_BOXES = 400_000
_MAX_DEPTH = 10  # as FFmpeg's
# What a movie's file begins with. In other files the same letters are chance.
_FIRST_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot", b"moof", b"styp", b"sidx")


@dataclass(frozen=True)
class _Box:
    """A box, and the number of the track that it belongs to; -1 for none."""

    name: bytes
    content: memoryview
    track: int


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
        BadRequestError: They are a fragment without its beginning, claim more samples than the body has bytes, or hide
            what they claim.
    """
    num_samples, names = 0, set()
    tables: defaultdict[int, list[_Box]] = defaultdict(list)
    for number, box in enumerate(_boxes(body)):
        if number == _MAX_BOXES or _may_hide_tables(box):
            raise BadRequestError(
                f"the MP4 file has more than {_MAX_BOXES} boxes, or tables where they can hide; write it anew "
                "(ffmpeg -i FILE -vn -c copy out.m4a)"
            )
        names.add(box.name)
        if box.name in _TABLES or box.name in _SIZES:
            tables[box.track].append(box)
        num_samples += _claimed_by_run(box)
    num_samples += sum(_claimed_by_tables(track, boxes) for track, boxes in tables.items())
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


def _may_hide_tables(box: _Box) -> bool:
    """Whether it is compressed, or the description of samples, in which boxes begin at places of each format's own."""
    if box.name != b"stsd":
        return box.name == b"cmov"
    return len(box.content) > _MAX_DESCRIPTION_BYTES or _COUNTING.search(box.content) is not None


def _boxes(data: memoryview, depth: int = 0, track: int = -1) -> Iterator[_Box]:
    """The boxes in the order of the file, those inside of one behind it. One that is too large ends with the data."""
    position, num_tracks = 0, 0
    while position + _BOX.size <= len(data):
        size_bytes, name = _BOX.unpack_from(data, position)
        start = position + _BOX.size
        if size_bytes == 1 and start + _LARGE_SIZE.size <= len(data):
            (size_bytes,) = _LARGE_SIZE.unpack_from(data, start)
            start += _LARGE_SIZE.size
        end = position + size_bytes if size_bytes else len(data)
        if end < start:
            return
        num_tracks += name == b"trak"
        box = _Box(name, data[start:end], num_tracks if name == b"trak" else track)
        yield box
        if name != _OPAQUE and depth < _MAX_DEPTH:
            yield from _boxes(_inside(box), depth + 1, box.track)
        position = end


def _inside(box: _Box) -> memoryview:
    """Where the boxes inside of a box begin. In `meta` that is where FFmpeg finds the handler's name."""
    if box.name != b"meta":
        return box.content
    words = (match.start() for match in _HANDLER.finditer(box.content) if match.start() > 0 and match.start() % 4 == 0)
    return box.content[next(words, len(box.content) + 4) - 4 :]


def _claimed_by_run(box: _Box) -> int:
    """How many samples a fragment's run claims without having their entries."""
    if box.name != b"trun":
        return 0
    flags = int.from_bytes(box.content[:_FULL_BOX_BYTES], "big")
    return _beyond(box.content, count_at=4, entry_bytes=4 * (flags >> 8 & 0xF).bit_count())


def _claimed_by_tables(track: int, tables: Sequence[_Box]) -> int:
    """How many samples or entries the tables of a track claim without having them."""
    # Of such a track FFmpeg lists chunks and not samples, of which compressed QuickTime audio has many in each byte.
    ticks = [_is_one_tick(table.content) for table in tables if table.name == b"stts"]
    is_listed_by_chunks = track >= 0 and bool(ticks) and all(ticks)
    num_samples = 0
    for table in tables:
        if table.name in _TABLES:
            num_samples += _beyond(table.content, count_at=4, entry_bytes=_TABLES[table.name])
        elif not any(table.content[4:8]) or table.name == b"stz2":
            # In stz2 an entry has half a byte or more.
            num_samples += _beyond(table.content, count_at=8, entry_bytes=4 if table.name == b"stsz" else 1)
        elif not is_listed_by_chunks:
            num_samples += _beyond(table.content, count_at=8, entry_bytes=0)
    return num_samples


def _is_one_tick(stts: memoryview) -> bool:
    """Whether all samples last one tick of the clock each: one entry, and 1 as its duration."""
    return int.from_bytes(stts[4:8], "big") == 1 and int.from_bytes(stts[12:16], "big") == 1


def _beyond(content: memoryview, *, count_at: int, entry_bytes: int) -> int:
    count = int.from_bytes(content[count_at : count_at + 4], "big")
    return max(0, count - len(content) // entry_bytes) if entry_bytes else count
