"""Callers: what they send, when, and how long the answers take.

They run on the machine that serves, so their own work takes part in every figure, and there should be little of it: a
request goes out in one piece, and of an answer's headers only what is needed is read. With http.client, which sends its
headers before its body and so wakes the server twice, eight callers took 0.3 ms for a 10 s clip instead of 0.2, and got
some 4 % fewer answers.
"""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

# Longer than the longest file takes.
ANSWER_SECONDS = 3600.0
# So that the system takes a whole clip at once.
SEND_BUFFER_BYTES = 1 << 20
RECEIVED_BYTES = 1 << 20
HEAD_END = b"\r\n\r\n"
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
CLOSING = re.compile(rb"\r\nconnection: *close", re.IGNORECASE)
# More than ever wait at once, even where the server falls behind the rate.
MOST_CALLERS = 256


class CallError(Exception):
    """The server gave no answer, or an error."""


class Callers:
    """Clients of one server; every thread that calls has a connection of its own, which it keeps."""

    def __init__(self, url: str) -> None:
        host, _, port = url.removeprefix("http://").partition(":")
        self._address = (host, int(port))
        self._own = threading.local()

    def ask(self, body: bytes | Path, content_type: str = "audio/mp3") -> bytes:
        """Sends a body, or a file's content, and returns the answer.

        Raises:
            CallError: There is none, or it is no success.
        """
        try:
            connection = self._connection()
            _send(connection, body, content_type)
            head, answer = _receive(connection)
        except OSError as error:
            self._hang_up()
            raise CallError(f"no answer: {error!r}") from error
        if CLOSING.search(head):
            self._hang_up()
        status = int(head.split(maxsplit=2)[1])
        if status != HTTPStatus.OK:
            raise CallError(f"status {status}: {answer[:300].decode(errors='replace')}")
        return answer

    def timed(self, body: bytes | Path, content_type: str = "audio/mp3") -> float:
        """Seconds until the answer to `ask` was there."""
        start = time.perf_counter()
        self.ask(body, content_type)
        return time.perf_counter() - start

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


def _receive(connection: socket.socket) -> tuple[bytes, bytes]:
    """An answer's head and body; the servers that are measured all say how long it is."""
    received = _some(connection)
    while HEAD_END not in received:
        received += _some(connection)
    head, _, answer = received.partition(HEAD_END)
    length = LENGTH.search(head)
    if length is None:
        raise OSError(f"an answer without its length: {head[:300]!r}")
    while len(answer) < int(length[1]):
        answer += _some(connection)
    return head, answer


def _some(connection: socket.socket) -> bytes:
    received = connection.recv(RECEIVED_BYTES)
    if not received:
        raise ConnectionError("the server has hung up")
    return received


@dataclass(frozen=True)
class Throughput:
    """What a closed loop has seen.

    Attributes:
        num_answered: Requests that were answered with success.
        num_failed: Others.
        rate: Answered requests per second, from when there were as many answers as callers until these stopped to ask:
            before and after, the server has less to do than it could.
    """

    num_answered: int
    num_failed: int
    rate: float


def closed_loop(callers: Callers, bodies: Sequence[bytes], num_callers: int, seconds: float) -> Throughput:
    """Callers that ask again as soon as they are answered, for that long."""
    start = time.perf_counter()
    end = start + seconds
    answered: list[list[float]] = [[] for _ in range(num_callers)]
    failed = [0] * num_callers

    def call(caller: int) -> None:
        while time.perf_counter() < end:
            body = bodies[(caller + len(answered[caller])) % len(bodies)]
            try:
                callers.ask(body)
                answered[caller].append(time.perf_counter())
            except CallError:
                failed[caller] += 1

    with ThreadPoolExecutor(num_callers) as threads:
        list(threads.map(call, range(num_callers)))
    times = sorted(moment - start for each in answered for moment in each)
    return Throughput(len(times), sum(failed), _rate(times, num_callers, seconds))


def _rate(times: Sequence[float], num_callers: int, end: float) -> float:
    """Answers per second, of ascending times since the start; over all of it where there are too few answers."""
    steady = [moment for moment in times[num_callers:] if moment <= end]
    if steady:
        return len(steady) / (end - times[num_callers - 1])
    return len(times) / max(end, times[-1]) if times else 0.0


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
