"""The client: one object for a server or an endpoint, blocking or asynchronous."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Protocol

from sense_client.errors import RefusedError
from sense_client.http import AsyncHttpTransport, HttpTransport
from sense_client.recording import RawFormat, Recording, TagOptions
from sense_client.results import Result
from sense_client.retries import Retries
from sense_client.sagemaker import Endpoint, SageMakerTransport

DEFAULT_URL = "http://127.0.0.1:8080"
# An hour, as long as the server may take, and a little more.
TIMEOUT_SECONDS = 3_660.0
MAX_CONNECTIONS = 16
Source = str | Path | bytes | BinaryIO
_DEFAULT_RETRIES = Retries()


@dataclass(frozen=True)
class TagInfo:
    """A tag that a model knows.

    Attributes:
        name: Its name.
        category: What kind of sound it is.
        threshold: The probability from which it counts as heard, at sensitivity 0.
    """

    name: str
    category: str
    threshold: float


class Transport(Protocol):
    """What carries a client's calls."""

    def tag(self, recording: Recording, options: TagOptions) -> Result:
        """Tags a recording."""

    def describe(self) -> dict[str, Any]:
        """Describes the server and its model."""

    def close(self) -> None:
        """Frees what it holds."""


class Client:
    """Calls a tagger and waits for its answers. Threads may share one.

    Args:
        url: A server's address; without `endpoint` the default is http://127.0.0.1:8080.
        endpoint: A SageMaker endpoint's name, or more about it.
        retries: When a failed call is made again.
        timeout_seconds: How long an answer may take.
        headers: Sent to a `url` with every request, such as Authorization.
        max_connections: How many calls there may be at once.

    Raises:
        SetupError: The place does not exist, or boto3 is missing.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        endpoint: str | Endpoint | None = None,
        retries: Retries = _DEFAULT_RETRIES,
        timeout_seconds: float = TIMEOUT_SECONDS,
        headers: Mapping[str, str] | None = None,
        max_connections: int = MAX_CONNECTIONS,
    ) -> None:
        if url is not None and endpoint is not None:
            raise ValueError("give a url or an endpoint, not both")
        self.transport: Transport
        if endpoint is None:
            self.transport = HttpTransport(url or DEFAULT_URL, retries, timeout_seconds, headers or {}, max_connections)
        else:
            self.transport = SageMakerTransport(_endpoint(endpoint), retries, timeout_seconds, max_connections)

    @classmethod
    def over(cls, transport: Transport) -> Client:
        """Returns a client over a transport of its own, such as the handler in this process."""
        client = cls.__new__(cls)
        client.transport = transport
        return client

    def tag(
        self,
        source: Source,
        *,
        name: str | None = None,
        content_type: str | None = None,
        raw: RawFormat | None = None,
        options: TagOptions = TagOptions(),  # noqa: B008  # frozen
    ) -> Result:
        """Tags a recording.

        Args:
            source: A path, the bytes of a sound file, or an open file.
            name: What the answer calls it; None: the path's last part.
            content_type: What it is; None: the server looks.
            raw: The shape of samples without a header.
            options: How it is tagged.

        Raises:
            CallError: No result came.
            OSError: The file cannot be read.
        """
        return self.transport.tag(Recording.of(source, name=name, content_type=content_type, raw=raw), options)

    def tags(self) -> list[TagInfo]:
        """Returns the tags that the model knows.

        Raises:
            CallError: No answer came.
        """
        return read_tags(self.transport.describe())

    def info(self) -> dict[str, Any]:
        """Returns versions, model and limits as the server states them.

        Raises:
            CallError: No answer came.
        """
        return self.transport.describe()

    def close(self) -> None:
        """Closes the connections."""
        self.transport.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class AsyncClient:
    """The same for asyncio. Calls of a SageMaker endpoint run in threads, since boto3 blocks.

    Takes the arguments of `Client`.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        endpoint: str | Endpoint | None = None,
        retries: Retries = _DEFAULT_RETRIES,
        timeout_seconds: float = TIMEOUT_SECONDS,
        headers: Mapping[str, str] | None = None,
        max_connections: int = MAX_CONNECTIONS,
    ) -> None:
        if url is not None and endpoint is not None:
            raise ValueError("give a url or an endpoint, not both")
        self._transport: AsyncHttpTransport | _InThreads
        if endpoint is None:
            self._transport = AsyncHttpTransport(
                url or DEFAULT_URL, retries, timeout_seconds, headers or {}, max_connections
            )
        else:
            blocking = SageMakerTransport(_endpoint(endpoint), retries, timeout_seconds, max_connections)
            self._transport = _InThreads(blocking)

    async def tag(
        self,
        source: Source,
        *,
        name: str | None = None,
        content_type: str | None = None,
        raw: RawFormat | None = None,
        options: TagOptions = TagOptions(),  # noqa: B008  # frozen
    ) -> Result:
        """Tags a recording, as `Client.tag` does."""
        recording = await asyncio.to_thread(Recording.of, source, name=name, content_type=content_type, raw=raw)
        return await self._transport.tag(recording, options)

    async def tags(self) -> list[TagInfo]:
        """Returns the tags that the model knows, as `Client.tags` does."""
        return read_tags(await self._transport.describe())

    async def info(self) -> dict[str, Any]:
        """Returns what the server says about itself, as `Client.info` does."""
        return await self._transport.describe()

    async def close(self) -> None:
        """Closes the connections."""
        await self._transport.close()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


@dataclass(frozen=True)
class _InThreads:
    """A blocking transport, each of whose calls runs in a thread."""

    blocking: Transport

    async def tag(self, recording: Recording, options: TagOptions) -> Result:
        return await asyncio.to_thread(self.blocking.tag, recording, options)

    async def describe(self) -> dict[str, Any]:
        return await asyncio.to_thread(self.blocking.describe)

    async def close(self) -> None:
        await asyncio.to_thread(self.blocking.close)


def read_tags(description: Mapping[str, Any]) -> list[TagInfo]:
    """Reads the tags in a server's description.

    Raises:
        RefusedError: It has none.
    """
    try:
        return [TagInfo(tag["name"], tag["category"], float(tag["threshold"])) for tag in description["tags"]]
    except (KeyError, TypeError, ValueError):
        raise RefusedError(f"the server does not list its tags; it says {str(description)[:200]}") from None


def _endpoint(endpoint: str | Endpoint) -> Endpoint:
    return Endpoint(endpoint) if isinstance(endpoint, str) else endpoint
