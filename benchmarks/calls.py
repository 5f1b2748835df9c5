"""Callers: what they send, when, and how long the answers take.

They run on the machine that serves, so their own work (a few tenths of a millisecond for each request, and reading an
uploaded file) takes part in every figure.
"""

from __future__ import annotations

import http.client
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

# Longer than the longest file takes.
ANSWER_SECONDS = 3600.0
UPLOAD_BLOCK_BYTES = 1 << 20
# More than ever wait at once, even where the server falls behind the rate.
MOST_CALLERS = 256


class CallError(Exception):
    """The server gave no answer, or an error."""


class Callers:
    """Clients of one server; every thread that calls has a connection of its own, which it keeps."""

    def __init__(self, url: str) -> None:
        self._address = url.removeprefix("http://")
        self._own = threading.local()

    def ask(self, body: bytes | Path, content_type: str = "audio/mp3") -> bytes:
        """Sends a body, or a file block by block, and returns the answer.

        Raises:
            CallError: There is none, or it is no success.
        """
        connection = self._connection()
        try:
            status, answer = _exchange(connection, body, content_type)
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            raise CallError(f"no answer: {error!r}") from error
        if status != HTTPStatus.OK:
            raise CallError(f"status {status}: {answer[:300].decode(errors='replace')}")
        return answer

    def timed(self, body: bytes | Path, content_type: str = "audio/mp3") -> float:
        """Seconds until the answer to `ask` was there."""
        start = time.perf_counter()
        self.ask(body, content_type)
        return time.perf_counter() - start

    def _connection(self) -> http.client.HTTPConnection:
        if not hasattr(self._own, "connection"):
            self._own.connection = http.client.HTTPConnection(
                self._address, timeout=ANSWER_SECONDS, blocksize=UPLOAD_BLOCK_BYTES
            )
        connection: http.client.HTTPConnection = self._own.connection
        return connection


def _exchange(connection: http.client.HTTPConnection, body: bytes | Path, content_type: str) -> tuple[int, bytes]:
    headers = {"Content-Type": content_type}
    if isinstance(body, Path):
        headers["Content-Length"] = str(body.stat().st_size)
        with body.open("rb") as file:
            connection.request("POST", "/invocations", file, headers)
    else:
        connection.request("POST", "/invocations", body, headers)
    response = connection.getresponse()
    return response.status, response.read()


@dataclass(frozen=True)
class Throughput:
    """What a closed loop has seen.

    Attributes:
        num_answered: Requests that were answered with success.
        num_failed: Others.
        seconds: From the first request to the last answer.
    """

    num_answered: int
    num_failed: int
    seconds: float

    @property
    def rate(self) -> float:
        """Answered requests per second."""
        return self.num_answered / self.seconds


def closed_loop(callers: Callers, bodies: Sequence[bytes], num_callers: int, seconds: float) -> Throughput:
    """Callers that ask again as soon as they are answered, for that long."""
    end = time.perf_counter() + seconds
    answered, failed = [0] * num_callers, [0] * num_callers

    def call(caller: int) -> None:
        while time.perf_counter() < end:
            body = bodies[(caller + answered[caller]) % len(bodies)]
            try:
                callers.ask(body)
                answered[caller] += 1
            except CallError:
                failed[caller] += 1

    start = time.perf_counter()
    with ThreadPoolExecutor(num_callers) as threads:
        list(threads.map(call, range(num_callers)))
    return Throughput(sum(answered), sum(failed), time.perf_counter() - start)


def open_loop(callers: Callers, bodies: Sequence[bytes], rate: float, seconds: float) -> list[float | None]:
    """Requests at a fixed rate, sent on time whether or not earlier ones were answered.

    Returns:
        For each request the seconds from when it was due to its answer, or None where that was an error.
    """

    def call(index: int, due: float) -> float | None:
        try:
            callers.ask(bodies[index % len(bodies)])
        except CallError:
            return None
        return time.perf_counter() - due

    start = time.perf_counter() + 0.1
    with ThreadPoolExecutor(MOST_CALLERS) as threads:
        futures = []
        for index in range(round(rate * seconds)):
            due = start + index / rate
            time.sleep(max(0.0, due - time.perf_counter()))
            futures.append(threads.submit(call, index, due))
        return [future.result() for future in futures]


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of the values below or at which at least `share` of them lie."""
    ordered = sorted(values)
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]
