"""One row of a TorchServe batch and its headers -> what the caller asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from handler.errors import BadRequestError, BodyTooLargeError, UnsupportedTypeError
from handler.media import Media
from handler.sensitivity import Sensitivity, parse_by_tag, parse_default
from handler.settings import Settings
from handler.text import quoted
from handler.wire import custom_attributes
from handler.wire.content_type import parse_content_type
from handler.wire.custom_attributes import CustomAttributes, parse_custom_attributes
from handler.wire.parameters import file_name
from handler.wire.spool import map_spooled_body

# The name in the vendor's own answers to requests that name no file.
NAME_WITHOUT_FILE = "sagemaker_input"


@dataclass(frozen=True)
class TagRequest:
    """What the caller asked for.

    Attributes:
        content_type: The Content-Type as the caller sent it.
        media: What the body is.
        body: The bytes, not copied.
        name: The file's name.
        sensitivity: How readily tags are reported.
        warnings: What was accepted but has no effect.
    """

    content_type: str
    media: Media
    body: memoryview
    name: str
    sensitivity: Sensitivity
    warnings: tuple[str, ...] = ()


def read_request(row: Mapping[str, Any], headers: Mapping[str, Any], settings: Settings) -> TagRequest:
    """Reads one request.

    Args:
        row: TorchServe's row; the body is its entry "body", a bytes-like object.
        headers: The request's headers, names as the caller spelled them. TorchServe adds entries that are not text.
        settings: Limits, and the sensitivity for requests that set none.

    Raises:
        CallerError: Something is missing, malformed, out of range, too large or unsupported.
    """
    by_name = {name.lower(): value for name, value in headers.items() if isinstance(value, str)}
    content_type = by_name.get("content-type")
    media = parse_content_type(content_type)
    attributes = parse_custom_attributes(by_name.get(custom_attributes.HEADER.lower()))
    return TagRequest(
        content_type=content_type or "",
        media=media,
        body=_checked(_body(row, by_name, settings), settings.max_body_bytes),
        name=_name(by_name, attributes),
        sensitivity=_sensitivity(by_name, attributes, settings),
        warnings=tuple(f"unknown attribute {quoted(key)} ignored" for key in attributes.unknown),
    )


def _body(row: Mapping[str, Any], headers: Mapping[str, str], settings: Settings) -> memoryview:
    """The bytes: spooled by the front or, without a front, passed on by TorchServe."""
    if settings.spool_folder is not None:
        return map_spooled_body(headers, settings.spool_folder)
    body = row.get("body")
    if body is None and row:
        raise UnsupportedTypeError("the request is a form; send the bytes of the sound file themselves as the body")
    return memoryview(body.encode() if isinstance(body, str) else body or b"")


def _checked(body: memoryview, max_body_bytes: int) -> memoryview:
    if not body:
        raise BadRequestError("the body is empty (0 bytes); send the bytes of a sound file")
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
    return next((name for name in names if name), NAME_WITHOUT_FILE)
