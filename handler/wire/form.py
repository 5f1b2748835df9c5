"""A form (multipart/form-data, RFC 7578) that the front has spooled -> its parts, without copying their contents.

Without a front TorchServe takes forms apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from handler.errors import BadRequestError
from handler.text import quoted
from handler.wire.parameters import as_utf8, split_header

FORM_TYPE = "multipart/form-data"
_MAX_PARTS = 32
_MAX_HEAD_BYTES = 8 << 10


@dataclass(frozen=True)
class Part:
    """One part of a form, or a whole body.

    Attributes:
        content: Its bytes, not copied.
        headers: Its own headers, names in lower case.
    """

    content: memoryview
    headers: Mapping[str, str]


def is_form(content_type: str | None) -> bool:
    """Says whether a Content-Type is that of a form with files."""
    return split_header(content_type or "")[0] == FORM_TYPE


def read_form(body: memoryview, content_type: str) -> dict[str, Part]:
    """Reads the parts of a form, by name.

    Args:
        body: The whole form, a view of an object that has `find`, such as bytes or a mapped file.
        content_type: The form's Content-Type, which names the boundary.

    Raises:
        BadRequestError: It is not a complete form of at most 32 parts.
    """
    boundary = dict(split_header(content_type)[1]).get("boundary", "")
    if not boundary:
        raise BadRequestError(f"Content-Type {FORM_TYPE} needs the parameter 'boundary'")
    delimiter = b"\r\n--" + boundary.encode("latin-1", errors="replace")
    data: Any = body.obj
    if data[: len(delimiter) - 2] != delimiter[2:]:
        raise BadRequestError("the form does not begin with the boundary that its Content-Type names")
    parts: dict[str, Part] = {}
    start = len(delimiter) - 2
    while data[start : start + 2] != b"--":
        head_end = data.find(b"\r\n\r\n", start, start + _MAX_HEAD_BYTES)
        # The line break that ends the head may also begin the delimiter, if the part is empty.
        end = data.find(delimiter, head_end + 2)
        if head_end < 0 or end < 0 or len(parts) == _MAX_PARTS:
            raise BadRequestError(f"the form is cut short, or it has more than {_MAX_PARTS} parts; send one file")
        headers = _headers(data[start:head_end])
        name = dict(split_header(headers.get("content-disposition", ""))[1]).get("name", "")
        if name in parts:
            raise BadRequestError(f"the form has two parts with the name {quoted(name)}; send one file")
        parts[name] = Part(body[head_end + 4 : end], headers)
        start = end + len(delimiter)
    return parts


def _headers(head: bytes) -> dict[str, str]:
    pairs = (line.partition(":") for line in as_utf8(head.decode("latin-1")).split("\r\n"))
    return {name.strip().lower(): value.strip() for name, _, value in pairs if name.strip()}
