"""What runs in the browser, run by node: the same events, thresholds, tables and spectrograms as elsewhere."""

from __future__ import annotations

import csv
import io
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from handler.sensitivity import Sensitivity, thresholds
from sense_client.report.document import clock
from sense_client.report.spectrogram import NUM_BANDS, band_decibels, levels
from sense_client.results import Result
from tests.support.browser import PAGE, evaluated

TAGS = ["Siren", 'He said "hi", twice']


def answer(probabilities: np.ndarray[Any, np.dtype[np.float32]], at: float = 0.5) -> dict[str, Any]:
    """An answer as served, with all probabilities."""
    windows = []
    for start, row in enumerate(probabilities):
        every = {name: float(str(value)) for name, value in zip(TAGS, row, strict=True)}
        tags = [{"name": name, "probability": value} for name, value in every.items() if value >= at]
        windows.append({"tags": tags, "probabilities": every, "start_time": start, "end_time": start + 2})
    metadata = {"content_type": "audio/wav", "length_sec": len(windows) + 1.0, "size_byte": 1, "name": "a.wav"}
    return {"metadata": metadata, "data": windows}


DESCRIPTION = {
    "name": "toy",
    "version": "1",
    "tags": [{"name": name, "category": "", "threshold": 0.5} for name in TAGS],
}
ANSWER = answer(np.random.default_rng(0).random((200, 2), np.float32))
EVENTS = """recording.tags.flatMap((tag) => eventsOf(recording, tag, thresholdAt(tag.threshold, 0))).sort(byTime)"""


@pytest.mark.parametrize("script", sorted(PAGE.glob("*.js")), ids=lambda path: path.name)
def test_scripts_are_valid(script: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    run = subprocess.run([node, "--check", script], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("description", [DESCRIPTION, None], ids=["described", "heard tags alone"])
def test_events_are_those_of_the_python_client(description: object) -> None:
    given = {"answer": ANSWER, "description": description}
    if description is None:  # as a server answers that was not asked for all probabilities
        stripped = [{key: value for key, value in each.items() if key != "probabilities"} for each in ANSWER["data"]]
        given["answer"] = {**ANSWER, "data": stripped}
    events = evaluated(
        f"(() => {{ const recording = readAnswer(given.answer, given.description); return {EVENTS}; }})()",
        given,
        "recording.js",
    )
    expected = [
        (event.tag, event.start_seconds, event.end_seconds, pytest.approx(event.peak_probability, abs=1e-7))
        for event in Result.from_dict(ANSWER).events()
    ]
    assert [(event["tag"], event["start"], event["end"], event["peak"]) for event in events] == expected
    assert len(events) > 50


def test_thresholds_are_those_of_the_server() -> None:
    defaults = np.random.default_rng(1).uniform(0.01, 0.99, 300).astype(np.float32)
    names = [str(index) for index in range(len(defaults))]
    for step in range(-2, 3):
        expected = thresholds(defaults, names, Sensitivity(step))
        moved = evaluated(
            f"given.map((each) => thresholdAt(each, {step}))", [float(each) for each in defaults], "recording.js"
        )
        assert np.array_equal(np.array(moved, np.float32), expected)


def test_tables_are_read_by_others() -> None:
    events = [{"tag": TAGS[1], "start": 0, "end": 2.5, "peak": 0.10000000149011612}]
    labels, table = evaluated("[audacityLabels(given), csv(given)]", events, "recording.js")
    assert labels == f"0.000000\t2.500000\t{TAGS[1]}\n"
    (row,) = csv.DictReader(io.StringIO(table, newline=""))
    assert row == {"start_seconds": "0", "end_seconds": "2.5", "tag": TAGS[1], "highest_probability": "0.1"}


def test_an_answer_without_windows_or_with_null_is_read() -> None:
    gap = answer(np.zeros((3, 2), np.float32))
    gap["data"][1]["probabilities"]["Siren"] = None
    shown = evaluated(
        "Array.from(readAnswer(given.answer, given.description).tags.find((tag) => tag.name === 'Siren').values,"
        " (value) => Number.isNaN(value))",
        {"answer": gap, "description": DESCRIPTION},
        "recording.js",
    )
    assert shown == [False, True, False]


def test_the_browsers_spectrogram_is_the_one_of_numpy() -> None:
    random = np.random.default_rng(2)
    seconds = np.arange(20_000) / 16_000
    samples = (0.4 * np.sin(2 * np.pi * 1000 * seconds) + 0.01 * random.standard_normal(20_000)).astype(np.float32)
    shown = evaluated(
        "spectrogramOfSamples(Float32Array.from(given)).then((each) => ({ ...each, levels: Array.from(each.levels) }))",
        samples.tolist(),
        "spectrogram.js",
    )
    expected = levels(band_decibels(samples, 160, 125))
    assert shown["columnSeconds"] == 0.01
    assert np.abs(np.reshape(shown["levels"], (-1, NUM_BANDS)).astype(int) - expected).max() <= 1


@pytest.mark.parametrize("seconds", [0, 5, 59.4, 61, 3599.6, 3725.2])
def test_clocks_agree(seconds: float) -> None:
    assert evaluated("clock(given)", seconds, "recording.js") == clock(seconds)
