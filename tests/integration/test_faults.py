"""Inputs that were answered wrongly once, with what is right. They lie beside the checkout; without them this skips."""

from __future__ import annotations

import json
from pathlib import Path

import psutil
import pytest

from tests.conftest import TREE
from tests.support.torchserve_worker import Answer, Worker

FAULTS = TREE.parent / "shared" / "faults"
pytestmark = pytest.mark.skipif(not FAULTS.is_dir(), reason="the recordings of ../shared/faults are not here")
SPEECH_THEN_SIREN = {0: "Speech", 1: "Siren", 2: "Siren"}


@pytest.fixture(scope="module")
def worker() -> Worker:
    return Worker(TREE / "model" / "model.pt2")


def ask(worker: Worker, name: str) -> Answer:
    body = Path(FAULTS, name).read_bytes()
    return worker.answer({"headers": {"Content-Type": "application/octet-stream"}, "body": body})[0]


def heard(worker: Worker, name: str) -> dict[float, list[str]]:
    """Start of each window -> its tags."""
    answer = ask(worker, name)
    assert answer.status == 200, answer.body
    return {window["start_time"]: [tag["name"] for tag in window["tags"]] for window in json.loads(answer.body)["data"]}


def refusal(worker: Worker, name: str) -> str:
    answer = ask(worker, name)
    assert answer.status == 400
    return str(json.loads(answer.body)["error"])


@pytest.mark.parametrize("name", ["antiphase.wav", "mov_wide_first.mov", "wav_id3_before.wav", "t.caf"])
def test_speech_and_a_siren_are_heard(worker: Worker, name: str) -> None:
    tags = heard(worker, name)
    assert len(tags) == 3
    assert all(tag in tags[start] for start, tag in SPEECH_THEN_SIREN.items())


def test_24_valid_bits_in_32_are_samples(worker: Worker) -> None:
    assert "Siren" in heard(worker, "wav_ext_24in32.wav")[0]


def test_a_gap_counts(worker: Worker) -> None:
    tags = heard(worker, "gap.webm")
    assert len(tags) == 9
    assert "Speech" in tags[0]
    assert all(tags[start] == [] for start in range(3, 6))
    assert "Siren" in tags[8]


def test_a_late_start_counts(worker: Worker) -> None:
    tags = heard(worker, "offset.mp4")
    assert all(tags[start] == [] for start in range(3))
    assert "Speech" in tags[5]
    assert "Siren" in tags[7]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("mp3_freeformat.mp3", ["free-format MP3", "not served"]),
        ("webm_second_blob.webm", ["without its beginning", "join"]),
        ("vorbis_1hz_2s.ogg", ["1 Hz", "1000 to 384000 Hz"]),
        ("vorbis_2147483647hz.ogg", ["2147483647 Hz", "1000 to 384000 Hz"]),
        ("stsz85M.m4a", ["85000000 samples", "996 bytes"]),
    ],
)
def test_a_refusal_says_what_is_wrong(worker: Worker, name: str, words: list[str]) -> None:
    before = psutil.Process().memory_info().rss
    text = refusal(worker, name)
    assert all(word in text for word in words), text
    assert psutil.Process().memory_info().rss - before < 100_000_000


def test_an_incomplete_window_at_the_end_is_dropped(worker: Worker) -> None:
    assert heard(worker, "tail_295.wav") == {0: []}
