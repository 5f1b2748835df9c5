"""Content-Type header -> what the body is: a container, which its bytes tell, or raw PCM of a stated shape."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from handler.errors import BadRequestError, UnsupportedTypeError
from handler.media import (
    MAX_CHANNELS,
    MAX_SAMPLE_RATE,
    MIN_CHANNELS,
    MIN_SAMPLE_RATE,
    MU_LAW,
    SAMPLE_FORMATS,
    EncodedAudio,
    Media,
    RawPcm,
    SampleFormat,
)
from handler.text import quoted, whole_number
from handler.wire.parameters import split_header

RAW_PCM_TYPE = "audio/x-raw"
ANY_BYTES_TYPE = "application/octet-stream"
OFFERED_TYPES = ("audio/mp3", "audio/wav", "audio/ogg", ANY_BYTES_TYPE, RAW_PCM_TYPE)
# What S3, the SageMaker SDK and browsers say when they do not know, and Ogg's registration of 2003 (RFC 3534).
_BYTES_DECIDE = (ANY_BYTES_TYPE, "binary/octet-stream", "file-path/raw-bytes", "*/*", "application/ogg")
_AUDIO_OR_VIDEO = re.compile(r"(audio|video)/[^\s/]+")
# RFC 2586 and RFC 3190: signed, big-endian.
_LINEAR_FORMATS = {"audio/l16": SAMPLE_FORMATS["s16be"], "audio/l24": SAMPLE_FORMATS["s24be"]}
# RFC 2046, section 4.3.
_BASIC_TYPE, _BASIC = "audio/basic", RawPcm(sample_rate=8_000, sample_format=MU_LAW, num_channels=1)
# GStreamer writes the type of a value in front of it, as in rate=(int)16000.
_GSTREAMER_VALUE_TYPE = re.compile(r"\(\w+\)\s*")
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
    # GStreamer separates parameters by commas.
    media_type, parameters = split_header(header.replace(",", ";"))
    if media_type == _BASIC_TYPE:
        return _BASIC
    if media_type == RAW_PCM_TYPE or media_type in _LINEAR_FORMATS:
        return _raw_pcm(media_type, parameters)
    if media_type in _BYTES_DECIDE or _AUDIO_OR_VIDEO.fullmatch(media_type):
        return EncodedAudio()
    raise UnsupportedTypeError(_unsupported(header, media_type))


def _unsupported(header: str, media_type: str) -> str:
    if media_type in _FORM_TYPES:
        return (
            f"Content-Type {quoted(media_type)} is a form; send the bytes of the sound file themselves as the body "
            f"(curl: --data-binary @file) with a type such as audio/mp3 or {ANY_BYTES_TYPE}"
        )
    return (
        f"Content-Type {quoted(header)} is not supported; send one of {', '.join(OFFERED_TYPES)} "
        f"({ANY_BYTES_TYPE} lets the server find out)"
    )


def _raw_pcm(media_type: str, parameters: Sequence[tuple[str, str]]) -> RawPcm:
    by_name = {name: _GSTREAMER_VALUE_TYPE.sub("", value, count=1) for name, value in parameters}
    if len(by_name) < len(parameters):
        raise BadRequestError(f"{media_type}: a parameter is given twice in {quoted(parameters)}; send each once")
    layout = by_name.get("layout", "interleaved").lower()
    if layout != "interleaved":
        raise BadRequestError(f"{media_type}: layout={quoted(layout)} is not served; send interleaved channels")
    return RawPcm(
        sample_rate=_integer(media_type, "rate", by_name, MIN_SAMPLE_RATE, MAX_SAMPLE_RATE, "Hz"),
        sample_format=_LINEAR_FORMATS.get(media_type) or _sample_format(by_name.get("format")),
        num_channels=_integer(
            media_type, "channels", {"channels": "1"} | by_name, MIN_CHANNELS, MAX_CHANNELS, "channels"
        ),
    )


def _integer(media_type: str, name: str, by_name: Mapping[str, str], lowest: int, highest: int, unit: str) -> int:
    wanted = f"a whole number from {lowest} to {highest} ({unit})"
    if name not in by_name:
        raise BadRequestError(f"{media_type} needs the parameter {name!r}, {wanted}")
    value = whole_number(by_name[name])
    if value is None or not lowest <= value <= highest:
        raise BadRequestError(f"{media_type}: {name}={quoted(by_name[name])} is not {wanted}")
    return value


def _sample_format(text: str | None) -> SampleFormat:
    if text is not None and text.lower() in SAMPLE_FORMATS:
        return SAMPLE_FORMATS[text.lower()]
    problem = "needs the parameter 'format'" if text is None else f"format={quoted(text)} is unknown"
    raise BadRequestError(f"{RAW_PCM_TYPE}: {problem}; use one of {', '.join(SAMPLE_FORMATS)}")
