"""The readers of our own that guided fuzzing throws bytes at. Each target takes any bytes; what it raises is a finding.

A text target reads its bytes as Latin-1, as TorchServe reads headers. Those that need headers and a body take them as
HTTP writes them: lines, an empty line, the body.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise

from handler.audio.headers import container, mp4, wav
from handler.audio.headers.mpeg_frames import HEADER_BYTES, FrameChain, parse_header, read_tag
from handler.audio.stream import AudioStream
from handler.errors import CallerError
from handler.media import Media, RawPcm
from handler.sensitivity import parse_by_tag, parse_default
from handler.settings import Settings
from handler.wire import content_encoding
from handler.wire.content_type import parse_content_type
from handler.wire.custom_attributes import parse_custom_attributes
from handler.wire.form import read_form
from handler.wire.request import read_request
from handler.wire.response import MAX_ERROR_BYTES, encode_error
from tests.support.attempt import attempt

_MODEL_RATE = 16_000
_MAX_SECONDS = 60
_MAX_UNFOLDED_BYTES = 1 << 22


def request(data: bytes) -> None:
    """A whole request: it is read, or refused with an answer that SageMaker passes on whole."""
    head, _, body = data.partition(b"\n\n")
    pairs = (line.partition(":") for line in head.decode("latin-1").split("\n"))
    headers = {name.strip(): value.strip() for name, _, value in pairs}
    result = attempt(lambda: read_request({"body": bytearray(body)}, headers, Settings()))
    if isinstance(result, CallerError):
        answer = encode_error(result.status, str(result))
        assert len(answer) <= MAX_ERROR_BYTES
        assert json.loads(answer)["status_code"] == result.status


def content_type(data: bytes) -> None:
    """A Content-Type: a media type, or a caller's error."""
    with suppress(CallerError):
        parse_content_type(data.decode("latin-1"))


def custom_attributes(data: bytes) -> None:
    """Custom attributes, and the sensitivities in them: in range, or a caller's error."""
    with suppress(CallerError):
        fields = parse_custom_attributes(data.decode("latin-1")).fields
        by_tag = parse_by_tag(fields.get("tags_sensitivity", {}), source="tags")
        default = parse_default(fields.get("default_sensitivity", 0), source="default")
        assert all(-2 <= value <= 2 for value in [default, *by_tag.values()])


def form(data: bytes) -> None:
    """A form behind a line with its Content-Type: its parts, which do not hold the boundary, or a caller's error."""
    kind, _, body = data.partition(b"\n")
    with suppress(CallerError):
        parts = read_form(memoryview(body), kind.decode("latin-1"))
        assert sum(len(part.content) for part in parts.values()) < len(body)
        assert all(body.find(bytes(part.content)) >= 0 for part in parts.values())


def compressed(data: bytes) -> None:
    """A gzip or deflate body: the contents of its members, never more than allowed, or a caller's error."""
    with suppress(CallerError):
        unfolded = bytes(content_encoding.undone(memoryview(data), "gzip", max_bytes=_MAX_UNFOLDED_BYTES))
        if unfolded != data:
            assert unfolded == _members(data)


def raw_pcm(data: bytes) -> None:
    """Raw samples behind a line with their Content-Type: every whole frame counts, and every sample is finite."""
    kind, _, body = data.partition(b"\n")
    with suppress(CallerError):
        media = parse_content_type(kind.decode("latin-1"))
        if isinstance(media, RawPcm):
            stream = _decoded(body, media)
            num_frames = len(body) // (media.num_channels * media.sample_format.size_bytes)
            assert stream.duration_seconds * media.sample_rate == num_frames


def headers(data: bytes) -> None:
    """The start of a sound file: what our readers find lies within it, or is a caller's error."""
    body = memoryview(bytearray(data or b"\0"))
    wav.is_sound(body)
    misread = wav.read_misread_samples(body)
    assert misread is None or len(misread[0]) <= len(body)
    with suppress(CallerError):
        mp4.check(body)
    with suppress(CallerError):
        found = container.identify(body)
        assert 0 <= found.start_bytes < len(body)
        _walk_frames(body, found.start_bytes)


def media(data: bytes) -> None:
    """A sound file through the whole decoder: finite samples, or a caller's error."""
    with suppress(CallerError):
        _decoded(data or b"\0", parse_content_type("application/octet-stream"))


TARGETS: dict[str, Callable[[bytes], None]] = {
    target.__name__: target
    for target in (request, content_type, custom_attributes, form, compressed, raw_pcm, headers, media)
}


def _members(data: bytes) -> bytes:
    """What all gzip members unfold into, each taken in one go."""
    member = zlib.decompressobj(32 + zlib.MAX_WBITS)
    contents = member.decompress(data)
    while (rest := member.unused_data).startswith(b"\x1f\x8b"):
        member = zlib.decompressobj(32 + zlib.MAX_WBITS)
        contents += member.decompress(rest)
    return contents


def _walk_frames(body: memoryview, start_bytes: int) -> None:
    first = parse_header(bytes(body[start_bytes : start_bytes + HEADER_BYTES]))
    if first is not None:
        offsets = FrameChain(body, first).offsets(start_bytes, len(body))
        assert all(frame < following <= len(body) for frame, following in pairwise(offsets))
        read_tag(body[start_bytes:], first)


def _decoded(body: bytes, media: Media) -> AudioStream:
    stream = AudioStream(memoryview(bytearray(body)), media, sample_rate=_MODEL_RATE, max_seconds=_MAX_SECONDS)
    for block in stream:
        assert block.isfinite().all()
    return stream
