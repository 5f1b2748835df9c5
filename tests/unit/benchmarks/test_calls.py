from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.calls import CallError, Callers, _rate, closed_loop, open_loop, percentile
from benchmarks.load import latency_cells

SLOW_SECONDS = 0.2


class Echo(BaseHTTPRequestHandler):
    """Answers with the body; 500 to "bad", late to "slow", and for the last time to "last"."""

    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        time.sleep(SLOW_SECONDS if body == b"slow" else 0)
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


def test_a_closed_loop_counts_what_was_answered_and_what_was_not(url: str) -> None:
    run = closed_loop(Callers(url), [b"sound"], 2, 0.2)
    assert run.num_answered > 2
    assert run.num_failed == 0
    assert run.rate > 0
    assert closed_loop(Callers(url), [b"bad"], 1, 0.1).num_answered == 0


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
    assert _rate(times, 2, 10.0) == rate


def test_an_open_loop_does_not_wait_for_answers(url: str) -> None:
    start = time.perf_counter()
    latencies = open_loop(Callers(url), [b"slow", b"bad"], rate=20, seconds=0.5)
    assert time.perf_counter() - start < 5 * SLOW_SECONDS
    assert latencies[1::2] == [None] * 5
    assert all(latency is not None and latency >= SLOW_SECONDS for latency in latencies[::2])


def test_shows_percentiles_of_what_was_answered() -> None:
    assert latency_cells([0.001 * (index + 1) for index in range(100)]) == ["50 ms", "95 ms", "99 ms", "100", "0"]
    assert latency_cells([None, 0.25]) == ["250 ms", "250 ms", "250 ms", "2", "1"]
    assert latency_cells([None]) == ["-", "-", "-", "1", "1"]
