from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import bodies
from benchmarks.gpu import served
from benchmarks.gpu.__main__ import Step, main, parse_arguments, run, steps
from benchmarks.gpu.alone import Alone, Plan, difference
from benchmarks.together import ProcessEndedError, StartLine, run_together
from handler.model.forms import EXPORTED
from tests.support.toy_model import write_toy_model

pytestmark = pytest.mark.slow


def wait_for_ever() -> Iterator[str]:
    yield "one figure"
    threading.Event().wait()


def test_ends_in_time_and_names_what_it_did_not_reach(capsys: pytest.CaptureFixture[str]) -> None:
    figures = run([Step("first", wait_for_ever), Step("second", list)], minutes=0.005)
    assert figures == ["first: one figure", "not measured, since 0.005 minutes are over: first; second"]
    assert capsys.readouterr().out.splitlines() == figures


def test_an_interrupt_of_another_kind_ends_everything() -> None:
    def interrupted() -> Iterator[str]:
        raise KeyboardInterrupt
        yield

    with pytest.raises(KeyboardInterrupt):
        run([Step("first", interrupted)], minutes=1)


def die(_: StartLine) -> None:
    os._exit(1)


def test_a_process_that_dies_is_a_failed_step_and_no_more() -> None:
    def dying() -> Iterator[str]:
        run_together(die, (), 1)
        yield "never"

    figures = run([Step("first", dying), Step("second", lambda: ["a figure"])], minutes=1)
    assert figures[0] == "first: failed: a measuring process died"
    assert figures[1:] == ["second: a figure"]


def test_every_model_is_served_before_forms_are_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["gpu", "--model", "a.pt2", "--model", "b.pt2", "--form", EXPORTED])
    assert [step.name for step in steps(parse_arguments())] == [
        *("a.pt2, auto, served", "b.pt2, auto, served"),
        "limit of the cores",
        *("a.pt2, exported, alone", "b.pt2, exported, alone"),
        *("a.pt2, exported, served", "b.pt2, exported, served"),
    ]


def test_measures_a_form_alone(tmp_path: Path) -> None:
    model = write_toy_model(tmp_path / "toy.pt2")
    figures = list(Alone(Plan("cpu", (4, 8), 0.01, (bodies.SAMPLE,))).measure(model, EXPORTED))
    assert figures[0].endswith(": exported")
    assert sum("hops in a batch" in figure and "hops/s" in figure for figure in figures) == 4
    assert "at most 0.0e+00, which changes 0.00%" in figures[-1]


def test_a_form_that_the_device_has_not_is_named(tmp_path: Path) -> None:
    model = write_toy_model(tmp_path / "toy.pt2")
    with pytest.raises(ProcessEndedError, match="FormError: SENSE_MODEL_FORM=float16 does not run on a CPU"):
        list(Alone(Plan("cpu", (4,), 0.01, (bodies.SAMPLE,))).measure(model, "float16"))


def test_tells_how_far_probabilities_are_off() -> None:
    thresholds = np.array([0.5, 0.5], np.float32)
    expected = np.array([[0.4, 0.9], [0.6, 0.1]], np.float32)
    moved = expected + np.array([[0.2, 0], [0, 0]], np.float32)
    text = "probabilities move by at most 2.0e-01, which changes 25.00% of 4 window-tags"
    assert difference(moved, expected, thresholds) == text
    assert difference(moved * np.float32(np.nan), expected, thresholds) == "some probabilities are not finite"


class Counting(BaseHTTPRequestHandler):
    """Counts connections."""

    protocol_version = "HTTP/1.1"
    connections = 0

    def setup(self) -> None:
        super().setup()
        type(self).connections += 1

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.mark.parametrize(("num_callers", "num_processes"), [(6, 3), (7, 1), (1, 1)])
def test_calls_from_several_processes(
    num_callers: int, num_processes: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    asked: list[int] = []

    def counted(job: Callable[..., object], arguments: tuple[object, ...], number: int) -> list[object]:
        asked.append(number)
        return run_together(job, arguments, number)

    monkeypatch.setattr(served, "run_together", counted)
    monkeypatch.setattr(served, "num_cores", lambda: 16)
    monkeypatch.setattr(Counting, "connections", 0)
    file = tmp_path / "body"
    file.write_bytes(b"sound")
    with ThreadingHTTPServer(("127.0.0.1", 0), Counting) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        loop = served.called(f"http://127.0.0.1:{server.server_port}", file, num_callers, 0.05)
        server.shutdown()
    assert asked == [num_processes]
    assert (loop.num_callers, Counting.connections, loop.errors) == (num_callers, num_callers, ())
    assert len(loop.answers) >= num_callers


@pytest.mark.skipif(torch.cuda.is_available(), reason="speaks of machines without a GPU")
def test_says_that_there_is_no_gpu(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["gpu"])
    assert main() == 1
    assert "no CUDA device" in capsys.readouterr().err
