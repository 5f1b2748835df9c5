"""Calls over HTTP, blocking and asynchronous."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import httpx

from sense_client.errors import CallError, DroppedError, RefusedError, SetupError, UnavailableError
from sense_client.recording import ANY_CONTENT_TYPE, Recording, TagOptions
from sense_client.results import MalformedResultError, Result
from sense_client.retries import Retries, parse_retry_after

CONNECT_SECONDS = 10.0
BLOCK_BYTES = 1 << 18
WARNINGS_HEADER = "X-Amzn-SageMaker-Custom-Attributes"
# Asks for a description through the one path that every deployment has.
DESCRIBE = {WARNINGS_HEADER: '{"describe": true}', "Content-Type": ANY_CONTENT_TYPE}
_BUSY = (429, 503)


class HttpTransport:
    """Calls a server and waits.

    Args:
        url: Its address, such as ``http://127.0.0.1:8080``.
        retries: When a failed call is made again.
        timeout_seconds: How long an answer may take.
        headers: Sent with every request, such as Authorization.
        max_connections: How many calls there may be at once.
    """

    def __init__(
        self, url: str, retries: Retries, timeout_seconds: float, headers: Mapping[str, str], max_connections: int
    ) -> None:
        self._retries = retries
        self._http = httpx.Client(**_settings(url, timeout_seconds, headers, max_connections))

    def tag(self, recording: Recording, options: TagOptions) -> Result:
        """Tags a recording.

        Raises:
            CallError: No result came.
            OSError: The recording's file cannot be read.
        """
        return self._retries.call(lambda: self._tag_once(recording, options))

    def describe(self) -> dict[str, Any]:
        """Returns the server's description of itself: model, limits and tags.

        Raises:
            CallError: No answer came.
        """
        return self._retries.call(self._describe_once)

    def close(self) -> None:
        """Closes the connections."""
        self._http.close()

    def _tag_once(self, recording: Recording, options: TagOptions) -> Result:
        with recording.open() as file, _explained():
            headers = _headers(recording, options)
            return _result(self._http.post("invocations", content=_blocks(file), headers=headers))

    def _describe_once(self) -> dict[str, Any]:
        with _explained():
            return _document(self._http.post("invocations", headers=DESCRIBE))


class AsyncHttpTransport:
    """The same for asyncio."""

    def __init__(
        self, url: str, retries: Retries, timeout_seconds: float, headers: Mapping[str, str], max_connections: int
    ) -> None:
        self._retries = retries
        self._http = httpx.AsyncClient(**_settings(url, timeout_seconds, headers, max_connections))

    async def tag(self, recording: Recording, options: TagOptions) -> Result:
        """Tags a recording; raises what HttpTransport.tag does."""
        return await self._retries.call_async(lambda: self._tag_once(recording, options))

    async def describe(self) -> dict[str, Any]:
        """Returns the server's description of itself, as HttpTransport.describe does."""
        return await self._retries.call_async(self._describe_once)

    async def close(self) -> None:
        """Closes the connections."""
        await self._http.aclose()

    async def _tag_once(self, recording: Recording, options: TagOptions) -> Result:
        with await asyncio.to_thread(recording.open) as file, _explained():
            headers = _headers(recording, options)
            return _result(await self._http.post("invocations", content=_async_blocks(file), headers=headers))

    async def _describe_once(self) -> dict[str, Any]:
        with _explained():
            return _document(await self._http.post("invocations", headers=DESCRIBE))


def _settings(url: str, timeout_seconds: float, headers: Mapping[str, str], max_connections: int) -> dict[str, Any]:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise SetupError(f"{url!r} is not the address of a server, such as http://127.0.0.1:8080")
    return {
        "base_url": url,
        "headers": dict(headers),
        "timeout": httpx.Timeout(timeout_seconds, connect=CONNECT_SECONDS),
        "limits": httpx.Limits(max_connections=max_connections, max_keepalive_connections=max_connections),
        # A proxy for the outside world does not reach this machine.
        "trust_env": parts.hostname not in ("127.0.0.1", "::1", "localhost"),
    }


def _headers(recording: Recording, options: TagOptions) -> dict[str, str]:
    return {
        "Content-Type": recording.content_type,
        # TorchServe has no chunked requests without its front.
        "Content-Length": str(recording.size_bytes),
        **options.headers(recording.name),
    }


def _blocks(file: BinaryIO) -> Iterator[bytes]:
    while block := file.read(BLOCK_BYTES):
        yield block


async def _async_blocks(file: BinaryIO) -> AsyncIterator[bytes]:
    while block := await asyncio.to_thread(file.read, BLOCK_BYTES):
        yield block


@contextmanager
def _explained() -> Iterator[None]:
    """Turns httpx's errors into this package's.

    Raises:
        CallError: In the place of one of httpx's.
    """
    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise UnavailableError(f"nothing answers at {_address(error)}: {_reason(error)}") from error
    except httpx.ReadTimeout as error:
        raise RefusedError(f"no answer from {_address(error)} in time") from error
    except httpx.TransportError as error:
        raise DroppedError(f"the connection to {_address(error)} broke: {_reason(error)}") from error


def _address(error: httpx.TransportError) -> str:
    return str(error.request.url.copy_with(raw_path=b"/")).rstrip("/")


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__


def _checked(response: httpx.Response) -> httpx.Response:
    if response.is_success:
        return response
    kind = UnavailableError if response.status_code in _BUSY else RefusedError
    raise kind(
        _error_text(response),
        status=response.status_code,
        request_id=response.headers.get("x-request-id"),
        retry_after_seconds=parse_retry_after(response.headers.get("retry-after")),
    )


def _error_text(response: httpx.Response) -> str:
    try:
        return str(response.json()["error"])
    except (ValueError, KeyError, TypeError):
        return response.text.strip()[:500] or response.reason_phrase


def _document(response: httpx.Response) -> dict[str, Any]:
    """An answer's JSON object."""
    try:
        document = _checked(response).json()
    except ValueError:
        document = None
    if not isinstance(document, dict):
        raise _strange(response, f"it answers {response.text[:200]!r}")
    return document


def _result(response: httpx.Response) -> Result:
    answer = _document(response)
    try:
        warnings = read_warnings(response.headers.get(WARNINGS_HEADER))
        return Result.from_dict(answer, model=response.headers.get("x-model"), warnings=warnings)
    except MalformedResultError as error:
        raise _strange(response, str(error)) from None


def _strange(response: httpx.Response, text: str) -> CallError:
    return RefusedError(f"{response.url} is no tagger: {text}", status=response.status_code)


def read_warnings(header: str | None) -> tuple[str, ...]:
    """Reads the warnings in an answer's custom attributes, ``{"warnings": [...]}``."""
    try:
        return tuple(map(str, json.loads(header or "{}")["warnings"]))
    except (ValueError, KeyError, TypeError):
        return ()
