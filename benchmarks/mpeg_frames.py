"""Just enough of MP3 (MPEG-1, layer III) to repeat a file's frames; the layout is ISO/IEC 11172-3, 2.4.1.3."""

from __future__ import annotations

from collections.abc import Iterator

KILOBITS = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
SAMPLE_RATES = (44_100, 48_000, 32_000)
FRAME_SAMPLES = 1152
# Of the Xing or Info frame that encoders put first: its name stands after header and side information.
TAG_NAMES = (b"Xing", b"Info")
TAG_NAME_WITHIN_BYTES = 64


def frame_sizes(body: bytes) -> Iterator[int]:
    """The sizes in bytes of a file's frames, from its first byte on; an incomplete one at the end is left out.

    Raises:
        ValueError: There is no such frame where one should begin.
    """
    position = 0
    while position + 4 <= len(body):
        size = _frame_size(int.from_bytes(body[position : position + 4], "big"))
        if size is None:
            raise ValueError(f"no MPEG-1 layer III frame at byte {position}")
        if position + size > len(body):
            return
        yield size
        position += size


def _frame_size(header: int) -> int | None:
    bitrate, rate = header >> 12 & 15, header >> 10 & 3
    if header >> 17 != 0xFFFB >> 1 or not 0 < bitrate < 15 or rate == 3:
        return None
    return 144_000 * KILOBITS[bitrate] // SAMPLE_RATES[rate] + (header >> 9 & 1)


def audio_frames(body: bytes) -> bytes:
    """A file without the tags before its first frame of audio, ID3 version 2 and Xing or Info."""
    start = 0
    if body[:3] == b"ID3":
        # Four bytes of seven bits each, https://id3.org/id3v2.4.0-structure, 3.1; ten more are the tag's header.
        start = 10 + sum(byte << shift for byte, shift in zip(body[6:10], (21, 14, 7, 0), strict=True))
    first = next(frame_sizes(body[start:]))
    if any(name in body[start : start + TAG_NAME_WITHIN_BYTES] for name in TAG_NAMES):
        start += first
    return body[start:]
