"""Content-Type header -> what the body is: an encoded container, or raw PCM of a stated shape."""

from __future__ import annotations

from collections.abc import Sequence

from handler.errors import BadRequestError, UnsupportedTypeError
from handler.media import (
    MAX_CHANNELS,
    MAX_SAMPLE_RATE,
    MIN_CHANNELS,
    MIN_SAMPLE_RATE,
    SAMPLE_FORMATS,
    EncodedAudio,
    Media,
    RawPcm,
    SampleFormat,
)
from handler.text import quoted, whole_number
from handler.wire.parameters import split_header

RAW_PCM_TYPE = "audio/x-raw"
OFFERED_TYPES = ("audio/mp3", "audio/wav", "audio/ogg", "application/octet-stream", RAW_PCM_TYPE)
# What clients really send besides: libraries' guesses from file names, browsers' recorders, older registrations.
ENCODED_TYPES = frozenset(OFFERED_TYPES[:-1]) | {
    "audio/mpeg",
    "audio/x-wav",
    "audio/wave",
    "audio/vnd.wave",
    "application/ogg",
    "audio/opus",
    "audio/flac",
    "audio/x-flac",
    "audio/mp4",
    "audio/m4a",
    "audio/x-m4a",
    "audio/aac",
    "audio/webm",
}
_FORM_TYPES = ("multipart/form-data", "application/x-www-form-urlencoded")


def parse_content_type(header: str | None) -> Media:
    """Parses a Content-Type header, parameters included.

    Args:
        header: The header's value as sent, or None if the caller sent none.

    Raises:
        BadRequestError: The header is missing, or a raw PCM parameter is missing, malformed or out of range.
        UnsupportedTypeError: This server does not serve the media type.
    """
    if header is None or not header.strip():
        raise BadRequestError(
            f"the Content-Type header is missing; send one of {', '.join(OFFERED_TYPES)} "
            f"({RAW_PCM_TYPE} as '{RAW_PCM_TYPE}; rate=16000; format=s16le; channels=1')"
        )
    media_type, parameters = split_header(header)
    if media_type == RAW_PCM_TYPE:
        return _raw_pcm(parameters)
    if media_type in ENCODED_TYPES:
        return EncodedAudio()
    raise UnsupportedTypeError(_unsupported(header, media_type))


def _unsupported(header: str, media_type: str) -> str:
    if media_type in _FORM_TYPES:
        return (
            f"Content-Type {quoted(media_type)} is a form; send the bytes of the sound file themselves as the body "
            "(curl: --data-binary @file) with a type such as audio/mp3 or application/octet-stream"
        )
    return (
        f"Content-Type {quoted(header)} is not supported; send one of {', '.join(OFFERED_TYPES)} "
        "(application/octet-stream lets the server find out)"
    )


def _raw_pcm(parameters: Sequence[tuple[str, str]]) -> RawPcm:
    by_name = dict(parameters)
    if len(by_name) < len(parameters):
        raise BadRequestError(f"{RAW_PCM_TYPE}: a parameter is given twice in {quoted(parameters)}; give each once")
    return RawPcm(
        sample_rate=_integer("rate", by_name.get("rate"), MIN_SAMPLE_RATE, MAX_SAMPLE_RATE, "Hz"),
        sample_format=_sample_format(by_name.get("format")),
        num_channels=_integer("channels", by_name.get("channels", "1"), MIN_CHANNELS, MAX_CHANNELS, "channels"),
    )


def _integer(name: str, text: str | None, lowest: int, highest: int, unit: str) -> int:
    wanted = f"a whole number from {lowest} to {highest} ({unit})"
    if text is None:
        raise BadRequestError(f"{RAW_PCM_TYPE} needs the parameter {name!r}, {wanted}")
    value = whole_number(text)
    if value is None or not lowest <= value <= highest:
        raise BadRequestError(f"{RAW_PCM_TYPE}: {name}={quoted(text)} is not {wanted}")
    return value


def _sample_format(text: str | None) -> SampleFormat:
    if text is not None and text.lower() in SAMPLE_FORMATS:
        return SAMPLE_FORMATS[text.lower()]
    problem = "needs the parameter 'format'" if text is None else f"format={quoted(text)} is unknown"
    raise BadRequestError(f"{RAW_PCM_TYPE}: {problem}; use one of {', '.join(SAMPLE_FORMATS)}")
