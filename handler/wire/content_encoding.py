"""Content-Encoding: gzip and deflate undone, on disk, so that memory does not grow with what unfolds."""

from __future__ import annotations

import mmap
import zlib
from collections.abc import Generator, Iterator
from pathlib import Path
from tempfile import TemporaryFile

from handler.errors import BadRequestError, BodyTooLargeError

HEADER = "Content-Encoding"
_GZIP_MAGIC = b"\x1f\x8b"
# RFC 1950, section 2.2: the method in the lower half of the first byte; both bytes are a multiple of 31.
_DEFLATE_METHOD = 8
# zlib finds out whether it is gzip or deflate.
_ANY_WINDOW_BITS = 32 + zlib.MAX_WBITS
_READ_BYTES, _CHUNK_BYTES = 1 << 16, 1 << 20
# bgzip writes one for 64 KB. Empty ones cost time without end.
_MAX_MEMBERS = 50_000


def undone(body: memoryview, encoding: str | None, *, max_bytes: int, folder: Path | None = None) -> memoryview:
    """Undoes the encoding of a body.

    Args:
        body: The bytes as received.
        encoding: The header's value. Bytes that are not compressed are taken as they are, whatever it says.
        max_bytes: How large the body may become.
        folder: Where a temporary file may be; None: the system's folder for them.

    Returns:
        The bytes without the encoding.

    Raises:
        BodyTooLargeError: It becomes larger than `max_bytes`.
        BadRequestError: The compressed data are damaged.
    """
    if (encoding or "").strip().lower() not in ("gzip", "x-gzip", "deflate") or not _is_compressed(bytes(body[:2])):
        return body
    with TemporaryFile(dir=folder) as file:
        for chunk in _unfolded(body):
            if file.tell() + len(chunk) > max_bytes:
                raise BodyTooLargeError(
                    f"the body unfolds into more than the {max_bytes} bytes that this server takes; send it in parts"
                )
            file.write(chunk)
        file.flush()
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)) if file.tell() else memoryview(b"")


def _is_compressed(start: bytes) -> bool:
    if start == _GZIP_MAGIC:
        return True
    return len(start) == 2 and start[0] & 0xF == _DEFLATE_METHOD and int.from_bytes(start, "big") % 31 == 0


def _unfolded(body: memoryview) -> Iterator[bytes]:
    """The contents of all gzip members, or of the deflate stream. What follows them is left out."""
    end = 0
    try:
        for _ in range(_MAX_MEMBERS):
            end = yield from _member(body, end)
            if bytes(body[end : end + len(_GZIP_MAGIC)]) != _GZIP_MAGIC:
                return
        raise zlib.error(f"it has more than {_MAX_MEMBERS} members")
    except zlib.error as error:
        raise BadRequestError(f"{HEADER}: the compressed body cannot be unpacked ({error}); send it again") from None


def _member(body: memoryview, position: int) -> Generator[bytes, None, int]:
    """The contents of the member at a position. Returns where it ends."""
    unpack = zlib.decompressobj(_ANY_WINDOW_BITS)
    while not unpack.eof:
        rest = unpack.unconsumed_tail
        if not rest:
            rest = bytes(body[position : position + _READ_BYTES])
            position += len(rest)
        if not rest:
            raise zlib.error("it ends too early")
        yield unpack.decompress(rest, _CHUNK_BYTES)
    return position - len(unpack.unused_data)
