"""What the soak makes of what it has seen; tests/e2e/test_load.py has its callers against a server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.soak import page
from tests.soak.callers import Outcome
from tests.soak.kills import Kill, with_losses
from tests.soak.load import by_minute, counted, drift, more_held
from tests.soak.results import kept
from tests.soak.traffic import difference
from tests.soak.watch import Held, slope


def answer(probability: float = 0.5, length_sec: float = 3.0, tag: str = "Siren") -> bytes:
    window = {"tags": [{"name": tag, "probability": probability}], "start_time": 0, "end_time": 2}
    return json.dumps({"metadata": {"length_sec": length_sec}, "data": [window]}).encode()


def test_answers_agree_but_for_the_last_digit() -> None:
    assert difference(answer(), answer(0.5000001)) is None
    assert difference(answer(), answer(0.50001)) == "window 0"
    assert difference(answer(), answer(tag="Bell")) == "window 0"
    assert "length_sec" in str(difference(answer(), answer(length_sec=4.0)))
    assert difference(b'{"status_code":400,"error":"a"}', b'{"status_code":400,"error":"b"}') == "error: b instead of a"


def held(requests: int, megabytes: float) -> Held:
    return Held("worker", 7, requests / 10, requests, megabytes, 20, 8)


def test_a_slope_is_in_megabytes_for_1000_requests() -> None:
    assert slope([held(100 * n, 300 + 0.25 * n) for n in range(20)]) == pytest.approx(2.5)
    assert slope([held(n, 300) for n in range(3)]) is None


def test_outcomes_are_counted_by_kind_and_ending() -> None:
    outcomes = [
        Outcome("good", 0, 0.1, 200),
        Outcome("good", 0, 0.1, 429, "429 instead of 200"),
        Outcome("bad", 0, 0.1, 500, "500 instead of 400"),
        Outcome("drip", 0, 6.0, 0),
    ]
    assert counted(outcomes) == {"good": {"right": 1, "shed": 1}, "bad": {"wrong": 1}, "drip": {"given up": 1}}


def test_minutes_have_their_percentiles_and_drift() -> None:
    outcomes = [Outcome("good", 10.0 + second, 0.1 if second < 60 else 0.3, 200) for second in range(120)]
    assert by_minute(outcomes) == [[0, 60, 0.1, 0.1], [1, 60, 0.3, 0.3]]
    assert drift(by_minute(outcomes)) == pytest.approx(3.0)


def test_what_a_process_holds_more_of_is_named() -> None:
    before = [{"kind": "Java", "pid": 1, "files": 90, "threads": 30}]
    after = [{"kind": "Java", "pid": 1, "files": 90, "threads": 31}]
    assert more_held(before, before) == []
    assert more_held(before, after) == ["Java: 31 threads instead of 30"]


def test_a_lost_request_counts_for_the_kill_before_its_end() -> None:
    kills = [Kill("worker", 10.0, 10.1, 0.1, 3.0, None), Kill("nginx worker", 20.0, 20.1, 0.1, 1.0, None)]
    outcomes = [
        Outcome("good", 9.5, 0.6, 503, "503 instead of 200"),
        Outcome("good", 10.2, 0.1, 503, "503 instead of 200"),
        Outcome("good", 19.0, 1.5, 0, "0 instead of 200"),
        Outcome("good", 19.0, 0.5, 200),
    ]
    found = with_losses(kills, outcomes)
    assert [(each.lost_before, each.lost_after) for each in found] == [(1, 1), (1, 0)]


def test_the_page_and_its_picture_are_those_of_the_results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    committed = page.PAGE.read_text()
    monkeypatch.setattr(page, "PAGE", tmp_path / "soak.md")
    monkeypatch.setattr(page, "PICTURE", tmp_path / "soak.png")
    page.write_page()
    assert page.PAGE.read_text() == committed
    assert page.PICTURE.stat().st_size > 0


@pytest.mark.parametrize("name", ["soak", "kills"])
def test_a_result_is_kept_with_its_bars(name: str) -> None:
    result: dict[str, Any] | None = kept(name)
    assert result is not None
    assert all(check["found"] for check in result["checks"])
