"""One HTTP request to a server on this machine."""

from __future__ import annotations

import contextlib
import http.client
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

ANSWER_SECONDS = 120.0


@dataclass(frozen=True)
class Answer:
    """What a server answered.

    Attributes:
        status: The HTTP status; 0 if no answer came in time.
        headers: Names in lower case.
        body: The bytes; what went wrong if no answer came.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def ok(self) -> bool:
        """Whether the status says success."""
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        """The body as text; bytes that are not UTF-8 are replaced."""
        return self.body.decode(errors="replace")


def call(
    method: str,
    url: str,
    headers: Mapping[str, str] | None = None,
    body: bytes | Iterable[bytes] | None = None,
    *,
    timeout_seconds: float = ANSWER_SECONDS,
    chunked: bool = False,
) -> Answer:
    """Makes one request and returns the answer, whatever its status.

    Args:
        method: The HTTP method.
        url: Of an http:// server.
        headers: Sent in UTF-8.
        body: The bytes, whole or in blocks. Blocks need a Content-Length header, or `chunked`.
        timeout_seconds: For each step of the connection.
        chunked: Whether to send the blocks with chunked transfer encoding.
    """
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    connection = http.client.HTTPConnection(parts.netloc, timeout=timeout_seconds)
    with contextlib.closing(connection):
        try:
            encoded = {name: value.encode() for name, value in (headers or {}).items()}
            connection.request(method, target, body, encoded, encode_chunked=chunked)
            return _read(connection.getresponse())
        except (BrokenPipeError, ConnectionResetError) as error:
            return _last_word(connection, error)
        except (OSError, http.client.HTTPException) as error:
            return _none(error)


def _read(response: http.client.HTTPResponse) -> Answer:
    return Answer(response.status, {name.lower(): value for name, value in response.getheaders()}, response.read())


def _last_word(connection: http.client.HTTPConnection, error: Exception) -> Answer:
    """Reads what a server answered before it closed: one that refuses a body need not read all of it."""
    try:
        return _read(connection.getresponse())
    except (OSError, http.client.HTTPException):
        return _none(error)


def _none(error: Exception) -> Answer:
    return Answer(0, {}, f"no answer: {str(error) or type(error).__name__}".encode())
