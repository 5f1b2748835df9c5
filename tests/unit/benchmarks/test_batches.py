"""The arithmetic of the benchmarks of a folder and of a transform job."""

from __future__ import annotations

import pytest

from benchmarks import collecting, folder, transform
from sense_client import Result
from tests.support.scripted_server import answer


def test_a_run_of_the_client_is_compared_with_the_callers_around_it() -> None:
    run = {"client_seconds": 0.002, "server_seconds": 0.019}
    runs = [{"rate": 90.0, **run}, {"rate": 66.0, **run}]
    result = {"num_clips": 1_000, "num_callers": 8, "loops": [110.0, 90.0, 30.0], "runs": runs}
    assert list(folder.shares(result)) == pytest.approx([0.9, 1.1])
    text = folder.text(result)
    assert "100 % (90 to 110)" in text
    assert "2.0 ms" in text
    assert "19.0 ms" in text


def test_a_job_is_compared_with_the_callers_before_and_after_it() -> None:
    result = {
        "num_objects": 10,
        "num_callers": 8,
        "loops": [110.0, 90.0],
        "rate": 85.0,
        "sagemaker_seconds": 0.012,
        "killed_seconds": 3.0,
        "collect_seconds": 8.0,
        "collect_bytes": 200 << 20,
        "num_events": 30,
        "num_rows": 29,
        "is_same": False,
    }
    text = transform.text(result)
    assert "85 %" in text
    assert "200 MiB" in text
    assert "29 and 30, NOT the same" in text


@pytest.mark.parametrize("windows", [("Siren", "Siren Speech", "", "Siren"), ("",), ("Speech",) * 9])
def test_events_are_those_that_the_client_finds(windows: tuple[str, ...]) -> None:
    found = Result.from_dict(answer(*windows)).events()
    expected = [("a", e.tag, e.start_seconds, e.end_seconds, e.peak_probability) for e in found]
    assert sorted(collecting.merged("a", answer(*windows))) == sorted(expected)
