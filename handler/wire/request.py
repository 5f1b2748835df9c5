"""One row of a TorchServe batch and its headers -> what the caller asks for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from handler.errors import BadRequestError, BodyTooLargeError, UnsupportedTypeError
from handler.media import MU_LAW, EncodedAudio, Media, RawPcm, looks_like
from handler.sensitivity import Sensitivity, parse_by_tag, parse_default
from handler.settings import Settings
from handler.text import parse_switch, quoted
from handler.wire import content_encoding, custom_attributes
from handler.wire.content_type import ANY_BYTES_TYPE, parse_content_type
from handler.wire.custom_attributes import CustomAttributes, parse_custom_attributes
from handler.wire.form import Part, is_form, read_form
from handler.wire.parameters import as_utf8, extended_value, file_name
from handler.wire.spool import FORM_TYPE_HEADER, map_spooled_body

# The name in the vendor's own answers to requests that name no file.
NAME_WITHOUT_FILE = "sagemaker_input"
# TorchServe's name of a body that is not a form.
_BODY = "body"
# What a form or gRPC's input map can say beside the sound file, as headers do.
_PARAMETERS = (
    "content-type",
    "content-disposition",
    "x-filename",
    "x-default-sensitivity",
    "x-tags-sensitivity",
    "x-tail-window",
    "x-all-probabilities",
    custom_attributes.HEADER.lower(),
)
_MAX_PARAMETER_BYTES = 8 << 10


@dataclass(frozen=True)
class TagRequest:
    """What the caller asks for.

    Attributes:
        content_type: The sound file's Content-Type as the caller sent it.
        media: What the body is.
        body: The bytes, not copied.
        name: The file's name.
        sensitivity: How readily tags are reported.
        tail_window: Whether a last window shall end where the recording ends.
        all_probabilities: Whether every window shall list the probability of every tag.
        warnings: What was accepted but has no effect, or looks like a mistake.
    """

    content_type: str
    media: Media
    body: memoryview
    name: str
    sensitivity: Sensitivity
    tail_window: bool = False
    all_probabilities: bool = False
    warnings: tuple[str, ...] = ()


def read_request(row: Mapping[str, Any], headers: Mapping[str, Any], settings: Settings) -> TagRequest | None:
    """Reads one request.

    Args:
        row: TorchServe's row: the body as its entry "body", or the parts of a form, or the input map of a gRPC request.
        headers: The request's headers, names as the caller spelled them. TorchServe adds the headers of each entry of
            the row, under the entry's name.
        settings: Limits, and the defaults for requests that set nothing.

    Returns:
        What to tag, or None if the custom attribute "describe" asks what the model is. The body then does not matter.

    Raises:
        CallerError: Something is missing, malformed, out of range, too large or unsupported.
    """
    part = _sound_file(row, headers, settings)
    content_type = part.headers.get("content-type")
    body = content_encoding.undone(
        part.content,
        part.headers.get(content_encoding.HEADER.lower()),
        max_bytes=settings.max_body_bytes,
        folder=settings.spool_folder,
    )
    attributes = parse_custom_attributes(part.headers.get(custom_attributes.HEADER.lower()))
    if _switch("describe", "describe", {}, attributes, default=False):
        return None
    media = _media(content_type, body)
    return TagRequest(
        content_type=content_type or "",
        media=media,
        body=_checked(body, settings.max_body_bytes),
        name=_name(part.headers, attributes),
        sensitivity=_sensitivity(part.headers, attributes, settings),
        tail_window=_switch("X-Tail-Window", "tail_window", part.headers, attributes, default=settings.tail_window),
        all_probabilities=_switch("X-All-Probabilities", "all_probabilities", part.headers, attributes, default=False),
        warnings=(
            *_warnings_of_media(media, body),
            *(f"unknown attribute {quoted(key)} ignored" for key in attributes.unknown),
        ),
    )


def _sound_file(row: Mapping[str, Any], headers: Mapping[str, Any], settings: Settings) -> Part:
    """The sound file, with everything that the request says about it as headers."""
    said = {name.lower(): as_utf8(value) for name, value in headers.items() if isinstance(value, str)}
    if settings.spool_folder is not None:
        body = map_spooled_body(said, settings.spool_folder)
        if FORM_TYPE_HEADER.lower() in said:
            said["content-type"] = said[FORM_TYPE_HEADER.lower()]
        in_form = is_form(said.get("content-type"))
        entries = read_form(body, said["content-type"]) if in_form else {_BODY: Part(body, {})}
    else:
        in_form = is_form(said.get("content-type"))
        entries = {name: Part(_bytes(value), _own_headers(headers.get(name))) for name, value in row.items()}
    fields = {name.lower(): _text(name, part) for name, part in entries.items() if name.lower() in _PARAMETERS}
    if not in_form and (_BODY in entries or not entries):
        return Part(entries[_BODY].content if entries else memoryview(b""), {**fields, **said})
    if in_form:
        del said["content-type"]  # the form's, not the file's
    file = _only_file(entries)
    return Part(file.content, {"content-type": ANY_BYTES_TYPE, **fields, **said, **file.headers})


def _only_file(entries: Mapping[str, Part]) -> Part:
    """The entry that is a file: the only one that says so, or else the only one that is not a parameter."""
    candidates = {name: part for name, part in entries.items() if name.lower() not in _PARAMETERS}
    files = {name: part for name, part in candidates.items() if part.headers.get("content-type")} or candidates
    if len(files) != 1:
        found = f"{len(files)} ({quoted(', '.join(files))})" if files else "none"
        raise UnsupportedTypeError(
            f"the form must hold one sound file, and it holds {found}; send one (curl: -F data=@file)"
        )
    return next(iter(files.values()))


def _own_headers(headers: object) -> dict[str, str]:
    """The headers of one entry, as far as TorchServe passes them on."""
    given = headers.items() if isinstance(headers, Mapping) else ()
    return {name.lower(): as_utf8(value) for name, value in given if isinstance(value, str) and value}


def _bytes(value: object) -> memoryview:
    """An entry's bytes. TorchServe has parsed JSON already, which its type refuses."""
    if isinstance(value, str):
        return memoryview(value.encode())
    return memoryview(value) if isinstance(value, bytes | bytearray | memoryview) else memoryview(b"")


def _text(name: str, part: Part) -> str:
    if len(part.content) > _MAX_PARAMETER_BYTES:
        raise BadRequestError(f"{name} has {len(part.content)} bytes; send {_MAX_PARAMETER_BYTES} at most")
    return as_utf8(bytes(part.content).decode("latin-1"))


def _media(content_type: str | None, body: memoryview) -> Media:
    media = parse_content_type(content_type)
    # Many tables of file names call AU files audio/basic: mu-law with a header.
    is_au = isinstance(media, RawPcm) and media.sample_format == MU_LAW and looks_like(body) == "AU"
    return EncodedAudio() if is_au else media


def _warnings_of_media(media: Media, body: memoryview) -> list[str]:
    name = looks_like(body) if isinstance(media, RawPcm) else None
    if name is None:
        return []
    return [f"the body begins like {name} but was read as raw samples; for the file itself send {ANY_BYTES_TYPE}"]


def _checked(body: memoryview, max_body_bytes: int) -> memoryview:
    if len(body) > max_body_bytes:
        raise BodyTooLargeError(f"the body has {len(body)} bytes, and this server takes {max_body_bytes} at most")
    return body


def _sensitivity(headers: Mapping[str, str], attributes: CustomAttributes, settings: Settings) -> Sensitivity:
    """Each field comes from the first of these that sets it: header, custom attribute, environment."""
    default = _first_given("X-Default-Sensitivity", "default_sensitivity", headers, attributes)
    by_tag = _first_given("X-Tags-Sensitivity", "tags_sensitivity", headers, attributes)
    return Sensitivity(
        default=settings.default_sensitivity if default is None else parse_default(default[0], source=default[1]),
        by_tag=settings.tags_sensitivity if by_tag is None else parse_by_tag(by_tag[0], source=by_tag[1]),
    )


def _switch(
    header: str, field: str, headers: Mapping[str, str], attributes: CustomAttributes, *, default: bool
) -> bool:
    switch = _first_given(header, field, headers, attributes)
    return default if switch is None else parse_switch(switch[0], source=switch[1])


def _first_given(
    header: str, field: str, headers: Mapping[str, str], attributes: CustomAttributes
) -> tuple[object, str] | None:
    """The value of a field and its name in errors, from the header or else from the custom attributes."""
    if header.lower() in headers:
        return headers[header.lower()], header
    if field in attributes.fields:
        return attributes.fields[field], f"{field} in the custom attributes"
    return None


def _name(headers: Mapping[str, str], attributes: CustomAttributes) -> str:
    filename = attributes.fields.get("filename")
    if not isinstance(filename, str | None):
        raise BadRequestError(f"filename in the custom attributes: {quoted(filename)} is not text")
    names = (headers.get("x-filename"), filename, file_name(headers.get("content-disposition", "")))
    name = next((name for name in names if name), NAME_WITHOUT_FILE)
    return extended_value(name) or name
