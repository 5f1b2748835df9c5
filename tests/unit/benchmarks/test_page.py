"""The arithmetic between what was measured and what the page shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from benchmarks import container, formats, lengths, load
from benchmarks.__main__ import main
from benchmarks.limit import Limit
from benchmarks.page import PAGE, PARTS, page
from benchmarks.results import RESULTS, duration_text, keep, table
from handler.audio.pcm import unpack
from handler.media import SAMPLE_FORMATS


def cells(text: str, first: str) -> list[str]:
    """The cells of the row that begins with that one."""
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]
    (found,) = (row for row in rows if row[0] == first)
    return found[1:]


def server(speeds: list[float], peak_bytes: int) -> dict[str, Any]:
    return {"speeds": speeds, "peak_bytes": peak_bytes, "num_errors": 1, "processor_seconds": {"worker": 0.018}}


LOAD = {
    "rounds": 3,
    "works": {
        "clips": {
            "num_callers": 8,
            "audio_seconds": 10.0,
            "limits": [1000.0, 1200.0, 1100.0],
            "decoding_seconds": 0.001,
            "scoring_seconds": 0.0007,
            "servers": {"this server": server([900.0, 600.0, 1045.0], 2 << 30), "usual": server([90.0], 3 << 30)},
        }
    },
    "rates": [{"audio_seconds": 10, "rate": 40, "latencies": [], "num_requests": 2, "num_errors": 2}],
}


def test_the_servers_stand_beside_the_limit_of_their_own_round() -> None:
    text = load.text(LOAD)
    assert cells(text, "limit") == ["1100", "", ""]
    assert cells(text, "this server") == ["900", "2048 MiB", "1"]
    assert cells(text, "share of the limit")[0] == "90 % (50 to 95)"
    assert cells(text, "time to an answer")[0] == "88.9 ms"
    assert cells(text, "usual") == ["90", "3072 MiB", "1"]
    assert "worker 18.0, together 18.0 ms" in text
    assert "decoding takes 10.0 ms and scoring 7.0 ms" in text


def test_the_container_has_medians_and_the_memory_of_each_kind_of_process() -> None:
    def life(seconds: float, mebibytes: int) -> dict[str, Any]:
        times = dict.fromkeys(("start_seconds", "unhealthy_seconds", "healthy_seconds", "stop_seconds"), seconds)
        return {**times, "memory": {"workers": mebibytes << 20, "JVM": 100 << 20}, "status": 0}

    text = container.text({"rounds": [life(2.0, 500), life(9.0, 900), life(4.0, 700)]})
    assert cells(text, "from the start until /ping says 200") == ["4 s (2 s to 9 s)"]
    assert cells(text, "statuses at the end") == ["0, 0, 0"]
    assert cells(text, "memory after the start") == ["800 MiB: workers 700 MiB, JVM 100 MiB"]


def test_a_rate_without_answers_has_no_latency() -> None:
    assert cells(load.text(LOAD), "10 s, 40 a second") == ["-", "-", "-", "2", "2"]


def test_a_length_tells_what_an_hour_of_it_takes() -> None:
    mebibyte = 1 << 20
    file = {"audio_seconds": 600.0, "size_bytes": 9.16 * mebibyte, "seconds": 0.6}
    memory = {"peak_bytes": 2000 * mebibyte, "growth_bytes": 71 * mebibyte, "growth_own_bytes": 64 * mebibyte}
    text = lengths.text({"files": [{**file, **memory}]})
    assert cells(text, "10 min") == ["9.16 MiB", "600 ms", "1000", "3.6 s", "2000 MiB", "71 MiB", "64 MiB"]


def test_on_a_cpu_the_two_costs_add_up() -> None:
    assert Limit(decoding=0.0015, scoring=0.0005, cores=4).speed == pytest.approx(2000)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0222, "22.2 ms"), (10, "10 s"), (90, "1.5 min"), (600, "10 min"), (3600, "1 h"), (67_108.9, "18.6 h")],
)
def test_says_a_length_as_people_do(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


def test_a_table_is_aligned() -> None:
    assert table(["a", "bb"], [["ccc", "d"]]).splitlines() == ["| a   | bb |", "| -   | -- |", "| ccc | d  |"]


@pytest.mark.parametrize("name", ["f16le", "f16be", "f24le", "f24be"])
def test_packs_what_the_handler_unpacks(name: str) -> None:
    samples = np.linspace(-1, 0.99, 999, dtype=np.float32).reshape(-1, 3)
    packed = formats.packed_floats(samples, SAMPLE_FORMATS[name])
    unpacked = unpack(packed, SAMPLE_FORMATS[name])
    np.testing.assert_allclose(unpacked, samples.reshape(-1), atol=2**-11 if name.startswith("f16") else 2**-15)


def test_sends_every_format_with_the_same_sound() -> None:
    made = formats.all_formats(1.0)
    assert {name.removeprefix("raw ") for name in made} >= set(SAMPLE_FORMATS)
    expected = unpack(made["raw f32le"].body, SAMPLE_FORMATS["f32le"])
    for name, sample_format in SAMPLE_FORMATS.items():
        np.testing.assert_allclose(unpack(made[f"raw {name}"].body, sample_format), expected, atol=2**-10)


def test_the_page_is_made_of_the_kept_results() -> None:
    assert PAGE.read_text() == page(RESULTS)
    assert all(f"## {part.title}\n" in page(RESULTS) for part in PARTS)


def test_the_page_leaves_out_what_was_not_measured(tmp_path: Path) -> None:
    keep("load", {"machine": "a machine", **LOAD}, tmp_path)
    text = page(tmp_path)
    assert "## Clips and an hour" in text
    assert "Measured: a machine." in text
    assert "## Every format" not in text


def test_the_page_has_what_a_gpu_gave(tmp_path: Path) -> None:
    keep("gpu-NVIDIA-H200", {"machine": "a machine", "figures": ["model.pt2: 8 callers", "model.pt2: 64"]}, tmp_path)
    assert page(tmp_path).endswith(
        "## NVIDIA-H200\n\nMeasured: a machine.\n\n    model.pt2: 8 callers\n    model.pt2: 64\n"
    )


def test_an_unknown_part_is_named(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["benchmarks", "lod"])
    with pytest.raises(SystemExit, match="2"):
        main()
    assert "unknown part 'lod'; parts are load, lengths, formats" in capsys.readouterr().err
