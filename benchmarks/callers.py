"""Callers: what they send, when, and how long the answers take.

They run on the machine that serves and share its cores, so they should take little. Hence no HTTP library for the
request: http.client sends headers and body apart, which wakes the server twice and cost 4 % of the answers.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException, HTTPResponse
from pathlib import Path

# Longer than the longest file takes.
ANSWER_SECONDS = 3600.0
# So that the system takes a whole clip at once.
SEND_BUFFER_BYTES = 1 << 20
# More than ever wait at once, even where the server falls behind the rate.
MOST_CALLERS = 256


class CallError(Exception):
    """The server gave no answer, or an error."""


class Callers:
    """Clients of one server; every thread that calls keeps a connection of its own."""

    def __init__(self, url: str) -> None:
        host, _, port = url.removeprefix("http://").partition(":")
        self._address = (host, int(port))
        self._own = threading.local()

    def ask(self, body: bytes | Path, content_type: str = "audio/mp3") -> bytes:
        """Sends a body, or a file's content, and returns the answer.

        Raises:
            CallError: There is none, or its status is not 200.
        """
        try:
            connection = self._connection()
            _send(connection, body, content_type)
            response = HTTPResponse(connection, method="POST")
            response.begin()
            answer = response.read()
        except (OSError, HTTPException) as error:
            self._hang_up()
            raise CallError(f"no answer: {error!r}") from error
        if response.will_close:
            self._hang_up()
        if response.status != HTTPStatus.OK:
            raise CallError(f"status {response.status}: {answer[:300].decode(errors='replace')}")
        return answer

    def _connection(self) -> socket.socket:
        if not hasattr(self._own, "connection"):
            connection = socket.create_connection(self._address, ANSWER_SECONDS)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER_BYTES)
            self._own.connection = connection
        found: socket.socket = self._own.connection
        return found

    def _hang_up(self) -> None:
        if hasattr(self._own, "connection"):
            self._own.connection.close()
            del self._own.connection


def _send(connection: socket.socket, body: bytes | Path, content_type: str) -> None:
    size_bytes = body.stat().st_size if isinstance(body, Path) else len(body)
    head = (
        f"POST /invocations HTTP/1.1\r\nHost: server\r\nContent-Type: {content_type}\r\n"
        f"Content-Length: {size_bytes}\r\n\r\n"
    ).encode()
    if isinstance(body, Path):
        connection.sendall(head)
        with body.open("rb") as file:
            connection.sendfile(file)
    else:
        connection.sendall(head + body)


@dataclass(frozen=True)
class ClosedLoop:
    """What callers saw who ask again as soon as they are answered. Times are the system's monotonic clock's, in s.

    Attributes:
        num_callers: How many there were.
        start: When they began.
        end: When they stopped to ask.
        answers: When each answer came, and how long it took.
        errors: What else came.
    """

    num_callers: int
    start: float
    end: float
    answers: tuple[tuple[float, float], ...]
    errors: tuple[str, ...] = ()

    @property
    def rate(self) -> float:
        """Answers per second.

        It counts from when there were as many answers as callers until these stopped to ask: before and after, the
        server has less to do than it could. Where there are too few answers, it counts them all.
        """
        times = sorted(came for came, _ in self.answers)
        steady = [came for came in times[self.num_callers :] if came <= self.end]
        if steady:
            return len(steady) / (self.end - times[self.num_callers - 1])
        return len(times) / (max(self.end, times[-1]) - self.start) if times else 0.0

    def latency(self, share: float) -> float:
        """The percentile of the answers' times, in seconds."""
        return percentile([took for _, took in self.answers], share)


def closed_loop(url: str, body: bytes, num_callers: int, seconds: float) -> ClosedLoop:
    """Callers ask again as soon as they are answered, for that long, each at least once."""
    callers, start = Callers(url), time.monotonic()
    answers: list[tuple[float, float]] = []
    errors: list[str] = []

    def call(_: int) -> None:
        while True:
            asked = time.monotonic()
            try:
                callers.ask(body)
                answers.append((time.monotonic(), time.monotonic() - asked))
            except CallError as error:
                errors.append(str(error))
            if time.monotonic() >= start + seconds:
                return

    with ThreadPoolExecutor(num_callers) as threads:
        list(threads.map(call, range(num_callers)))
    return ClosedLoop(num_callers, start, start + seconds, tuple(answers), tuple(errors))


def merged(loops: Sequence[ClosedLoop]) -> ClosedLoop:
    """Loops that ran at once, as one."""
    return ClosedLoop(
        sum(loop.num_callers for loop in loops),
        min(loop.start for loop in loops),
        min(loop.end for loop in loops),
        sum((loop.answers for loop in loops), ()),
        sum((loop.errors for loop in loops), ()),
    )


def open_loop(url: str, body: bytes, rate: float, seconds: float) -> list[float | None]:
    """Requests at a fixed rate, sent on time whether or not earlier ones were answered.

    Returns:
        For each request the seconds from when it was due to its answer, or None where that was an error.
    """
    callers = Callers(url)

    def call(due: float) -> float | None:
        try:
            callers.ask(body)
        except CallError:
            return None
        return time.monotonic() - due

    start = time.monotonic() + 0.1
    with ThreadPoolExecutor(MOST_CALLERS) as threads:
        futures = []
        for index in range(round(rate * seconds)):
            due = start + index / rate
            time.sleep(max(0.0, due - time.monotonic()))
            futures.append(threads.submit(call, due))
        return [future.result() for future in futures]


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of the values below or at which at least `share` of them lie."""
    ordered = sorted(values)
    return ordered[max(0, -int(-share * len(ordered) // 1) - 1)]
