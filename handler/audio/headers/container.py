"""First bytes of a body -> which container it is. What is on no allow-list never reaches FFmpeg.

torchcodec lets FFmpeg probe the container itself, and FFmpeg knows formats that open other files and addresses (HLS,
DASH, SDP, concat scripts). So a body must look like one of ours at its first byte, must not look like one of those
anywhere that FFmpeg's probe reads, and is handed over from its first audio byte on: tags in front of an MP3 stream, in
which anything can be hidden, stay behind.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from handler.audio.headers import mp4, refused
from handler.audio.headers.mpeg_frames import parse_header
from handler.errors import BadRequestError

_HEAD_BYTES = 4096
# Names of containers -> what they begin with, and whether they have time stamps. FFmpeg's demuxers of these take no
# references to other files. (AVI's does worse: it looks for a format in nested subtitles.)
_MAGICS: dict[str, tuple[re.Pattern[bytes], bool]] = {
    name: (re.compile(pattern, re.DOTALL), has_time_stamps)
    for name, pattern, has_time_stamps in (
        ("WAV", rb"(RIFF|RIFX|RF64|BW64).{4}WAVE", False),
        ("Wave64", rb"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00", False),
        ("FLAC", rb"fLaC", False),
        ("Ogg", rb"OggS", True),
        ("WebM", rb"\x1a\x45\xdf\xa3.*(webm|matroska)", True),
        ("AIFF", rb"FORM.{4}AIF[FC]", False),
        ("AU", rb"\.snd", False),
        ("CAF", rb"caff\0", False),
        ("AMR", rb"#!AMR(-WB)?\n", False),
        ("WMA", rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c", True),
        ("FLV", rb"FLV\x01", True),
        ("AC-3", rb"\x0b\x77|\x77\x0b", False),
        ("MPEG transport stream", rb"(.{4})?G.{187}(.{4})?G.{187}(.{4})?G", True),
    )
}
_SERVED = (
    "MP3, WAV, Ogg (Vorbis, Opus), FLAC, AAC, M4A, WebM, AIFF, AU, CAF, AMR, WMA, AC-3, FLV or an MPEG transport stream"
)
# FFmpeg probes at most 1 MiB (PROBE_BUF_MAX in libavformat/format.c).
PROBED_BYTES = 1 << 20
# libavformat's probes for hls, dash, imf, sdp and concat look for these, some at certain places only.
_PLAYLISTS = (b"#extm3u", b"<mpd", b"<compositionplaylist", b"c=in ip", b"ffconcat version")
_PLAYLIST_MARK_NEEDED = {b"<mpd": b"dash:profile:"}
# How far junk, damage or padding in front of the first frame of an MPEG audio stream may reach.
_SYNC_SEARCH_BYTES = 1 << 20
_MAX_ID3_TAGS = 1_000
_CHAINED_FRAMES = 3
# 11 sync bits, and not the forbidden bit rate (nor AAC-LTP at 7,350 Hz, which has the same four bits in ADTS).
_FRAME_SYNC = re.compile(rb"\xff[\xe0-\xff](?![\xf0-\xff])")


@dataclass(frozen=True)
class Container:
    """A container that may be decoded.

    Attributes:
        name: What a caller calls it, such as "MP3".
        start_bytes: Where in the body it begins.
        has_time_stamps: Whether it says when each packet is played. Others are played without a gap.
    """

    name: str
    start_bytes: int = 0
    has_time_stamps: bool = False


def identify(body: memoryview) -> Container:
    """Finds out which container a body is.

    Args:
        body: The bytes as received, at least one.

    Raises:
        BadRequestError: It is no container that is served, a playlist hides in it, or it claims what it cannot hold.
    """
    found = _identify(body)
    if found is None:
        reason = refused.describe(body[_end_of_id3v2(body) :]) or (
            f"it begins with {bytes(body[:8]).hex(' ')}; send {_SERVED}, or raw samples as "
            "'audio/x-raw; rate=16000; format=s16le; channels=1'"
        )
        raise BadRequestError(f"the body ({len(body)} bytes) is no audio that can be decoded: {reason}")
    refuse_playlist(body[found.start_bytes :], found.name)
    if found.name == "MP4":
        mp4.check(body[found.start_bytes :])
    return found


def refuse_playlist(source: memoryview, name: str) -> None:
    """Makes sure that FFmpeg, given `source`, cannot take it for something that names other files or addresses.

    FFmpeg's probes for playlists search a C string, which ends at the first zero byte.

    Args:
        source: A body from its first audio byte on, or a part of one.
        name: What the body looks like.

    Raises:
        BadRequestError: It holds the mark of a playlist where FFmpeg's probe looks.
    """
    text = _c_string(source[:_HEAD_BYTES]) or _c_string(source[:PROBED_BYTES]) or bytes(source[:PROBED_BYTES])
    text = text.lower()
    if any(mark in text and _PLAYLIST_MARK_NEEDED.get(mark, mark) in text for mark in _PLAYLISTS):
        raise BadRequestError(f"the body looks like {name} but holds a playlist; send the audio itself")


def _c_string(data: memoryview) -> bytes:
    """What stands before the first zero byte, with it; empty where there is none."""
    text, end, _ = bytes(data).partition(b"\0")
    return text + end if end else b""


def _identify(body: memoryview) -> Container | None:
    """Looks behind ID3v2 tags, which some programs put in front of anything, too."""
    start = _end_of_id3v2(body)
    head = bytes(body[start : start + _HEAD_BYTES])
    for name, (pattern, has_time_stamps) in _MAGICS.items():
        if pattern.match(head):
            return Container(name, start, has_time_stamps)
    if mp4.begins_movie(body[start:]):
        return Container("MP4", start, has_time_stamps=True)
    return _identify_frames(body, start)


def _identify_frames(body: memoryview, start: int) -> Container | None:
    """MPEG audio or ADTS AAC, whose frames may stand behind junk."""
    window = bytes(body[start : start + _SYNC_SEARCH_BYTES])
    for match in _FRAME_SYNC.finditer(window):
        name = _chained_frames(window, match.start())
        if name is not None:
            return Container(name, start + match.start())
    return None


def _end_of_id3v2(body: memoryview) -> int:
    """Where the ID3v2 tags at the start of the body end (ID3v2.4 structure, section 3.1: 28-bit synchsafe size)."""
    position = 0
    for _ in range(_MAX_ID3_TAGS):
        if bytes(body[position : position + 3]) != b"ID3" or len(body) < position + 10:
            break
        size = 0
        for byte in body[position + 6 : position + 10]:
            size = size << 7 | byte & 0x7F
        has_footer = body[position + 5] & 0x10
        position += 10 + size + (10 if has_footer else 0)
    # A tag that claims more than there is lies: look for frames right behind its header.
    return position if position < len(body) else 10 if len(body) > 10 else 0


def _chained_frames(data: bytes, position: int) -> str | None:
    """The name of the stream of which frames follow each other from `position` on, or None.

    One header can be chance, and so can two; three in a row of one kind are a stream. A shorter stream counts only
    where its frames are all there is.
    """
    fills_data = position == 0
    first_kind: tuple[str, int] | None = None
    for _ in range(_CHAINED_FRAMES):
        frame = _frame(data[position : position + _FRAME_HEADER_BYTES])
        if frame is None or (first_kind is not None and frame[0] != first_kind):
            has_ended = position > len(data) - _FRAME_HEADER_BYTES
            return first_kind[0] if first_kind is not None and fills_data and has_ended else None
        first_kind, size_bytes = frame
        position += size_bytes
    return first_kind[0] if first_kind is not None else None


_ADTS_MIN_FRAME_BYTES = 7
_FRAME_HEADER_BYTES = 6


def _frame(header: bytes) -> tuple[tuple[str, int], int] | None:
    """Reads an MPEG audio or ADTS frame header.

    Args:
        header: The first 6 bytes of a frame.

    Returns:
        ((name, what does not change within a stream), the frame's size in bytes), or None where this is no header.
    """
    if len(header) < _FRAME_HEADER_BYTES or header[0] != 0xFF or header[1] & 0xE0 != 0xE0:
        return None
    if header[1] & 0x06 == 0:  # layer 0, which MPEG audio does not have
        return _adts_frame(header)
    frame = parse_header(header)
    return None if frame is None else (("MP3", frame.kind), frame.size_bytes)


def _adts_frame(header: bytes) -> tuple[tuple[str, int], int] | None:
    """Reads an ADTS header (ISO/IEC 13818-7, 6.2): 12 sync bits, 13 bits of frame length that include the header."""
    size_bytes = (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5
    sample_rate_index = header[2] >> 2 & 15
    if header[1] & 0xF0 != 0xF0 or sample_rate_index > 12 or size_bytes < _ADTS_MIN_FRAME_BYTES:
        return None
    return (("AAC", header[2] & 0xFC), size_bytes)
