"""Callers: proper ones, slow ones, and ones that hang up. What they saw is kept."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from random import Random
from urllib.parse import urlsplit

import requests
import urllib3

from deploy.http_call import Answer, call
from tests.soak.traffic import Request, bad_requests, difference, good_requests, huge_request, long_request

ANSWER_SECONDS = 120.0
# A caller that sends in pieces, and one that sends a byte now and then.
PIECES, PIECE_PAUSE_SECONDS = 6, 0.5
DRIP_SECONDS, DRIP_PAUSE_SECONDS = 6.0, 0.5
REFUSED_PAUSE_SECONDS = 0.1
# The kinds of requests in a hundred.
MIX = {"good": 68, "bad": 16, "slow": 5, "drip": 3, "hang up in upload": 3, "hang up before answer": 3}
MIX |= {"long": 1, "huge": 1}


@dataclass(frozen=True)
class Outcome:
    """What became of a request. Times are time.monotonic()'s, in seconds.

    Attributes:
        kind: A key of MIX.
        asked: When it began.
        took: Until its answer was there.
        status: 0 if no answer came, or none was waited for.
        problem: What was wrong with the answer, None if nothing.
    """

    kind: str
    asked: float
    took: float
    status: int
    problem: str | None = None


class Caller:
    """One caller, with a connection that it keeps.

    Args:
        url: Says where the server is now.
        quiet: The answers of the quiet server by the request's name.
    """

    def __init__(self, url: Callable[[], str], quiet: Mapping[str, bytes]) -> None:
        self._url, self._quiet = url, quiet
        self._session = requests.Session()

    def ask(self, request: Request) -> Answer:
        """Sends a request as it is; no answer is status 0."""
        if request.status == 413:  # the answer comes before the body is sent
            return call(request.method, self._url() + request.path, request.headers, request.body)
        try:
            response = self._session.request(
                request.method,
                self._url() + request.path,
                data=request.body,
                headers={"Accept-Encoding": None, **request.headers},  # None: not sent
                timeout=ANSWER_SECONDS,
            )
            return Answer(response.status_code, {}, response.content)
        except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as error:
            return Answer(0, {}, repr(error).encode())

    def judged(self, kind: str, request: Request) -> Outcome:
        """Sends a request in the way of its kind, and compares the answer with the quiet server's."""
        asked = time.monotonic()
        if kind in ("drip", "hang up in upload", "hang up before answer"):
            self._give_up(kind, request)
            return Outcome(kind, asked, time.monotonic() - asked, 0)
        answer = slowly(self._url(), request) if kind == "slow" else self.ask(request)
        return Outcome(kind, asked, time.monotonic() - asked, answer.status, self._problem(request, answer))

    def close(self) -> None:
        """Closes the connection."""
        self._session.close()

    def _give_up(self, kind: str, request: Request) -> None:
        with contextlib.suppress(OSError), begun(self._url(), request) as connection:
            if kind == "drip":
                drip(connection, request.body)
            else:
                connection.sendall(request.body[: None if kind == "hang up before answer" else len(request.body) // 2])

    def _problem(self, request: Request, answer: Answer) -> str | None:
        if answer.status != request.status:
            return f"{request.name}: {answer.status} instead of {request.status}: {answer.text[:200]}"
        wrong = difference(self._quiet[request.name], answer.body)
        return f"{request.name}: {wrong}" if wrong else None


@contextlib.contextmanager
def begun(url: str, request: Request) -> Iterator[socket.socket]:
    """A connection on which the headers of a request have been sent."""
    host, port = urlsplit(url).netloc.split(":")
    with socket.create_connection((host, int(port)), ANSWER_SECONDS) as connection:
        headers = {"Host": host, "Content-Length": str(len(request.body)), **request.headers}
        lines = [f"{request.method} {request.path} HTTP/1.1", *(f"{name}: {text}" for name, text in headers.items())]
        connection.sendall("\r\n".join([*lines, "", ""]).encode())
        yield connection


def drip(connection: socket.socket, body: bytes) -> None:
    """Sends a byte now and then, and gives up."""
    end = time.monotonic() + DRIP_SECONDS
    for byte in body:
        if time.monotonic() > end:
            return
        connection.sendall(bytes([byte]))
        time.sleep(DRIP_PAUSE_SECONDS)


def slowly(url: str, request: Request) -> Answer:
    """Sends a body in pieces, with pauses between them."""
    size = -(-len(request.body) // PIECES)

    def pieces() -> Iterator[bytes]:
        for start in range(0, len(request.body), size):
            yield request.body[start : start + size]
            time.sleep(PIECE_PAUSE_SECONDS)

    headers = {**request.headers, "Content-Length": str(len(request.body))}
    return call(request.method, url + request.path, headers, pieces())


def quiet_answers(url: str) -> dict[str, bytes]:
    """Asks for everything once, one after the other.

    Raises:
        ValueError: An answer has another status than it should.
    """
    answers = {}
    caller = Caller(lambda: url, {})
    for request in (*good_requests(), *bad_requests(), long_request(), huge_request()):
        answer = caller.ask(request)
        if answer.status != request.status:
            raise ValueError(f"{request.name}: {answer.status} instead of {request.status}: {answer.text[:300]}")
        answers[request.name] = answer.body
    caller.close()
    return answers


def chosen(kind: str, chance: Random) -> Request:
    """A request of a kind."""
    if kind == "long":
        return long_request()
    if kind == "huge":
        return huge_request()
    return chance.choice(bad_requests() if kind == "bad" else good_requests())


class Crowd:
    """Callers that ask until they are stopped.

    Args:
        url: Says where the server is now.
        quiet: The answers of the quiet server.
        mix: How many of a hundred requests are of which kind.
        pause_seconds: The longest pause of a caller between two requests.

    Attributes:
        outcomes: What they saw so far.
    """

    def __init__(
        self, url: Callable[[], str], quiet: Mapping[str, bytes], mix: Mapping[str, int], pause_seconds: float
    ) -> None:
        self._url, self._quiet, self._mix, self._pause_seconds = url, quiet, mix, pause_seconds
        self._stopped = threading.Event()
        self.outcomes: list[Outcome] = []

    def stop(self) -> None:
        """Has them ask no more."""
        self._stopped.set()

    @contextlib.contextmanager
    def calling(self, num_callers: int) -> Iterator[None]:
        """Has them ask for the length of the `with` block; at its end they finish what they have begun."""
        with ThreadPoolExecutor(num_callers) as threads:
            futures = [threads.submit(self._call, Random(number)) for number in range(num_callers)]
            try:
                yield
            finally:
                self.stop()
            for future in futures:
                future.result()

    def _call(self, chance: Random) -> None:
        caller = Caller(self._url, self._quiet)
        while not self._stopped.is_set():
            (kind,) = chance.choices([*self._mix], [*self._mix.values()])
            outcome = caller.judged(kind, chosen(kind, chance))
            self.outcomes.append(outcome)
            refused = REFUSED_PAUSE_SECONDS if outcome.problem else 0.0
            self._stopped.wait(refused + chance.uniform(0, self._pause_seconds))
        caller.close()


def ask_together(url: str, quiet: Mapping[str, bytes], num_requests: int, num_callers: int) -> list[Outcome]:
    """Sends that many requests, one in five of them bad, from that many callers, and returns what became of each."""
    work = iter(range(num_requests))
    lock = threading.Lock()

    def call_on(_: int) -> list[Outcome]:
        caller = Caller(lambda: url, quiet)
        found: list[Outcome] = []
        while True:
            with lock:
                number = next(work, None)
            if number is None:
                caller.close()
                return found
            kind = "bad" if number % 5 == 0 else "good"
            pool = bad_requests() if kind == "bad" else good_requests()
            found.append(caller.judged(kind, pool[number % len(pool)]))

    with ThreadPoolExecutor(num_callers) as threads:
        return [outcome for outcomes in threads.map(call_on, range(num_callers)) for outcome in outcomes]
