"""A form (multipart/form-data, RFC 7578) that the front has spooled -> its parts, without copying their contents.

Without a front TorchServe takes forms apart.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from handler.errors import BadRequestError
from handler.memory import forget_pages
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
        BadRequestError: It is not a complete form of at most 32 parts, each with a name of its own.
    """
    boundary = dict(split_header(content_type)[1]).get("boundary", "")
    if not boundary:
        raise BadRequestError(f"Content-Type {FORM_TYPE} needs the parameter 'boundary'")
    parts: dict[str, Part] = {}
    for part in _parts(body, b"\r\n--" + boundary.encode("latin-1", errors="replace")):
        name = dict(split_header(part.headers.get("content-disposition", ""))[1]).get("name", "")
        if name in parts or len(parts) == _MAX_PARTS:
            raise BadRequestError(
                f"the form has two parts with the name {quoted(name)}, or more than {_MAX_PARTS} parts; send one file"
            )
        parts[name] = part
    forget_pages(body)  # the search has read all of a mapped file
    return parts


def _parts(body: memoryview, delimiter: bytes) -> Iterator[Part]:
    data: Any = body.obj
    start = len(delimiter) - 2  # the first delimiter has no line break before it
    if data[:start] != delimiter[2:]:
        raise BadRequestError("the form does not begin with the boundary that its Content-Type names")
    while data[start : start + 2] != b"--":
        head_end = data.find(b"\r\n\r\n", start, start + _MAX_HEAD_BYTES)
        # The line break that ends the head may also begin the delimiter, if the part is empty.
        end = data.find(delimiter, head_end + 2)
        if head_end < 0 or end < 0:
            raise BadRequestError("the form is cut short, or the headers of a part are longer than 8 KB")
        yield Part(body[head_end + 4 : end], _headers(data[start:head_end]))
        start = end + len(delimiter)


def _headers(head: bytes) -> dict[str, str]:
    pairs = (line.partition(":") for line in as_utf8(head.decode("latin-1")).split("\r\n"))
    return {name.strip().lower(): value.strip() for name, _, value in pairs if name.strip()}
