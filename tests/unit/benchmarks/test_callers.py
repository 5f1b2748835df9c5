from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.callers import CallError, Callers, ClosedLoop, closed_loop, merged, open_loop, percentile

pytestmark = pytest.mark.slow

SLOW_SECONDS = 0.2
TOGETHER = 25


class Echo(BaseHTTPRequestHandler):
    """Answers with the body; 500 to "bad", late to "slow", for the last time to "last", all at once to "together"."""

    together = threading.Barrier(TOGETHER)
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(SLOW_SECONDS if body == b"slow" else 0)
        if body == b"together":
            self.together.wait()
        self.send_response(500 if body == b"bad" else 200)
        self.send_header("Content-Length", str(len(body)))
        if body == b"last":
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Echo) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@given(st.lists(st.floats(0, 100), min_size=1), st.floats(0.01, 1))
def test_a_percentile_is_the_smallest_value_that_enough_lie_at_or_below(values: list[float], share: float) -> None:
    found = percentile(values, share)
    needed = share * len(values)
    assert sum(value <= found for value in values) >= needed - 1e-9
    assert sum(value < found for value in values) < needed


def test_sends_bytes_and_files(url: str, tmp_path: Path) -> None:
    file = tmp_path / "body"
    file.write_bytes(bytes(range(256)) * 9000)
    callers = Callers(url)
    assert callers.ask(b"sound") == b"sound"
    assert callers.ask(file) == file.read_bytes()


def test_keeps_its_connection_until_the_server_closes_it(url: str) -> None:
    callers = Callers(url)
    before = callers._connection()
    callers.ask(b"sound")
    assert callers._connection() is before
    callers.ask(b"last")
    assert callers._connection() is not before
    assert callers.ask(b"sound") == b"sound"


def test_an_error_is_no_answer(url: str) -> None:
    callers = Callers(url)
    with pytest.raises(CallError, match="status 500: bad"):
        callers.ask(b"bad")
    with pytest.raises(CallError, match="no answer"):
        Callers("http://127.0.0.1:9").ask(b"sound")


def test_a_closed_loop_counts_answers_and_errors(url: str) -> None:
    loop = closed_loop(url, b"slow", 2, 0.1)
    assert [len(loop.answers), loop.errors] == [2, ()]
    assert SLOW_SECONDS <= loop.latency(0.5) == min(took for _, took in loop.answers)
    bad = closed_loop(url, b"bad", 1, 0.0)
    assert [bad.answers, bad.errors, bad.rate] == [(), ("status 500: bad",), 0.0]


@pytest.mark.parametrize(
    ("times", "rate"),
    [
        ([1.0, 2.0, 3.0, 5.0, 7.0, 9.0, 11.0], 4 / 8),  # from 2 to 10: two callers had their first, and one came late
        ([2.0, 4.0], 2 / 10),  # too few to tell when all were at it
        ([2.0, 16.0], 2 / 16),
        ([], 0),
    ],
)
def test_a_rate_counts_while_all_callers_ask(times: list[float], rate: float) -> None:
    start = 100.0
    assert ClosedLoop(2, start, start + 10, tuple((start + each, 1.0) for each in times)).rate == rate


def test_loops_of_several_processes_become_one() -> None:
    one, other = ClosedLoop(2, 1.0, 5.0, ((3.0, 0.5),)), ClosedLoop(3, 0.5, 6.0, ((2.0, 0.1),), ("status 500",))
    assert merged([one, other]) == ClosedLoop(5, 0.5, 5.0, ((3.0, 0.5), (2.0, 0.1)), ("status 500",))


def test_an_open_loop_does_not_wait_for_answers(url: str) -> None:
    """All requests have to be there before any is answered."""
    assert None not in open_loop(url, b"together", rate=50, seconds=TOGETHER / 50)


def test_an_open_loop_names_what_was_not_answered(url: str) -> None:
    assert open_loop(url, b"bad", rate=50, seconds=0.1) == [None] * 5
