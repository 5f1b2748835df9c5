"""The arithmetic between what was measured and what is shown."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from benchmarks import bars, page
from benchmarks.cores import counts, only_cores
from benchmarks.formats import raw
from benchmarks.lengths import Measured, figures
from benchmarks.limit import Limit
from benchmarks.memory import Moment, Resident, Timeline
from benchmarks.plots import duration_text
from benchmarks.processor_time import per_request
from benchmarks.report import table
from handler.audio.pcm import unpack
from handler.media import SAMPLE_FORMATS


def test_on_a_cpu_the_two_costs_add_up() -> None:
    limit = Limit(decoding=0.0015, scoring=0.0005, num_cores=4)
    assert limit.speed == pytest.approx(2000)
    assert "1.50 ms" in limit.describe()
    assert "0.50 ms" in limit.describe()
    assert "2000 s of audio per second" in limit.describe()


def measured(audio_seconds: float, seconds: float, peak_bytes: int) -> Measured:
    moments = [Moment(0, {"worker": Resident(100)}), Moment(1, {"worker": Resident(peak_bytes)})]
    return Measured(audio_seconds, 1, seconds, Timeline(moments))


def test_compares_the_largest_file_with_an_hour() -> None:
    found = figures([measured(10, 1, 200), measured(3599, 4, 200), measured(36_000, 44, 300)])
    assert found["largest_seconds"] == 44
    assert found["hour_speed"] == pytest.approx(3599 / 4)
    assert found["largest_cost_over_hours"] == pytest.approx(1.1, rel=1e-3)
    assert (found["largest_peak_bytes"], found["largest_worker_growth_bytes"]) == (300, 200)


@pytest.mark.parametrize(
    ("seconds", "text"), [(10, "10 s"), (90, "1.5 min"), (600, "10 min"), (3600, "1 h"), (67_108.9, "18.6 h")]
)
def test_says_a_length_as_people_do(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


@pytest.mark.parametrize(("most", "expected"), [(1, [1]), (2, [1, 2]), (6, [1, 2, 4, 6]), (8, [1, 2, 4, 8])])
def test_doubles_the_cores_up_to_all(most: int, expected: list[int]) -> None:
    assert counts(most) == expected


def test_gives_the_cores_back() -> None:
    mine = os.sched_getaffinity(0)
    with only_cores(1):
        assert len(os.sched_getaffinity(0)) == 1
    assert os.sched_getaffinity(0) == mine


@pytest.mark.parametrize("name", SAMPLE_FORMATS)
def test_packs_what_the_handler_unpacks(name: str) -> None:
    samples = np.linspace(-1, 0.99, 999, dtype=np.float32).reshape(-1, 3)
    packed = raw(samples, SAMPLE_FORMATS[name])
    assert len(packed) == samples.size * SAMPLE_FORMATS[name].size_bytes
    tolerance = {"s16": 2**-16, "u16": 2**-16, "f16": 2**-11, "f24": 2**-15}.get(name[:3], 2**-23)
    np.testing.assert_allclose(unpack(packed, SAMPLE_FORMATS[name]), samples.reshape(-1), atol=tolerance)


def test_tells_processor_time_by_request() -> None:
    text = per_request({"JVM": 0.1, "worker": 1.0}, 100)
    assert text == "worker 10.0, JVM 1.0, together 11.0 ms"


def test_a_table_is_aligned() -> None:
    assert table(["a", "bb"], [["ccc", "d"]]).splitlines() == ["| a   | bb |", "| -   | -- |", "| ccc | d  |"]


def test_judges_each_bar_by_its_own_figure() -> None:
    found = bars.bars_table({"load": {"clips_8_callers_share": 0.9, "p95_10s_40": 0.2}})
    rows = {line.split("|")[1].strip(): [cell.strip() for cell in line.split("|")[2:4]] for line in found.splitlines()}
    assert rows["10 s MP3, 8 callers: 85 % of the limit"] == ["90 %", "held"]
    assert rows["10 s MP3, 40 requests/s: p95 under 120 ms"] == ["200 ms", "not held"]
    assert rows["1 GiB of MP3: answered in 150 s"] == ["not measured", ""]


@pytest.mark.parametrize("bar", bars.BARS, ids=lambda bar: bar.text)
def test_every_bar_can_be_held_and_missed(bar: bars.Bar) -> None:
    held = [bar.holds(value) for value in (0.0, 0.05, 0.5, 1.0, 3.0, 100.0, 1e3, 1e10, float("inf"))]
    assert {True, False} == set(held)


def test_the_page_holds_the_results_a_level_deeper_and_finds_their_pictures(tmp_path: Path) -> None:
    results, docs = tmp_path / "results", tmp_path / "docs"
    results.mkdir()
    (results / "lengths.md").write_text("# Of all lengths\n\n2026, a machine\n\n![picture](memory.png)\n")
    (results / "lengths.json").write_text(json.dumps({"largest_seconds": 99.0}))
    text = page.compose(results, docs, figures=bars.read_figures(results))
    assert "## Of all lengths\n" in text
    assert "![picture](../results/memory.png)" in text
    assert "| 1 GiB of MP3: answered in 150 s" in text
    assert "99 s" in text
    assert "## Load" not in text
