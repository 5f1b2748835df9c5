from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from benchmarks.cost import CLIPS, HOUR, SERVER, main
from benchmarks.results import RESULTS

Run = Callable[..., tuple[int, str]]


def work(speed: float) -> dict[str, Any]:
    return {"scoring_seconds": 0.001, "servers": {SERVER: {"speeds": [speed]}}}


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """500 s of clips a second on two cores, so 4 ms of a core for each, of which the model takes 1 ms."""
    measured = {"machine": "a day, a processor, 2 cores, no GPU", "works": {CLIPS: work(500.0), HOUR: work(1000.0)}}
    (tmp_path / "load.json").write_text(json.dumps(measured))
    return tmp_path


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command: arguments -> exit status, and what it says."""

    def command(*arguments: str | Path) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["cost", *map(str, arguments)])
        try:
            status = main()
        except SystemExit as end:
            status = int(end.code or 0)
        return status, "".join(capsys.readouterr())

    return command


def rows(printed: str) -> dict[str, list[str]]:
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in printed.splitlines() if "| ml." in line]
    return {name: rest for name, *rest in cells}


def test_a_thousand_hours_on_an_instance_that_is_busy(run: Run, results: Path) -> None:
    _, printed = run("--results", results, "--price", "ml.c6i.large=0.5", "--price", "ml.g5.xlarge=2")
    listed = rows(printed)
    # 1,000 hours at 500 s a second take two hours of two vCPUs, or one of four.
    assert listed["ml.c6i.large"] == ["2", "500", "1000", "0.5", "1", "0.5"]
    assert listed["ml.c7i.xlarge"] == ["4", "1000", "2000", "", "", ""]
    # Without the model's share, 3 ms are left for clips and 1 ms for long recordings: 4 vCPUs give 1333 and 4000 s.
    assert listed["ml.g5.xlarge"] == ["4", "at most 1333", "at most 4000", "2", "1.5", "0.5"]
    assert "ml.g5.xlarge is cheaper than ml.c7i.xlarge below 1.33 times its price" in printed


def test_without_prices_it_prints_rates_of_the_kept_results_and_no_price(run: Run) -> None:
    listed = rows(run()[1])
    measured = json.loads((RESULTS / "load.json").read_text())
    speeds = sorted(measured["works"][CLIPS]["servers"][SERVER]["speeds"])
    assert float(listed["ml.c6i.large"][1]) == pytest.approx(speeds[len(speeds) // 2], abs=0.5)
    assert all(cells[3:] == ["", "", ""] for cells in listed.values())


@pytest.mark.parametrize(
    ("price", "message"), [("ml.c6i=1", "not one of ml.c6i.large"), ("ml.c6i.large=free", "'free'"), ("x", "'x'")]
)
def test_a_price_that_cannot_be_read_is_named(run: Run, price: str, message: str) -> None:
    status, said = run("--price", price)
    assert (status, message in said) == (2, True)


def test_results_that_are_absent_are_named(run: Run, tmp_path: Path) -> None:
    status, said = run("--results", tmp_path)
    assert (status, "python -m benchmarks load" in said) == (2, True)
