from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import bodies
from benchmarks.gpu import repeated
from benchmarks.mpeg_frames import FRAME_SAMPLES, frame_sizes
from tests.support.audio import decode

SHORT_SECONDS = 1.0


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """What repeats ten minutes repeats a second here."""
    monkeypatch.setattr(bodies, "FOLDER", tmp_path)
    monkeypatch.setattr(bodies, "LONGEST_ENCODED_SECONDS", SHORT_SECONDS)


def seconds_of(file: Path) -> float:
    return len(decode(file.read_bytes())) / bodies.NUM_CHANNELS / bodies.SAMPLE_RATE


def test_no_two_recordings_are_alike_and_none_repeats_itself() -> None:
    first, second = bodies.recording(13), bodies.recording(13, seed=1)
    assert first.shape == second.shape == (13 * bodies.SAMPLE_RATE, bodies.NUM_CHANNELS)
    assert np.abs(first - second).max() > 0.01
    assert np.any(first[: bodies.SAMPLE_RATE // 4] != first[12 * bodies.SAMPLE_RATE :][: bodies.SAMPLE_RATE // 4])


@pytest.mark.parametrize("seconds", [0.5, 3.7])
def test_a_file_is_as_long_as_asked(seconds: float) -> None:
    assert seconds_of(bodies.mp3(seconds)) == pytest.approx(seconds, abs=2 * FRAME_SAMPLES / bodies.SAMPLE_RATE)


@pytest.mark.parametrize("size_bytes", [9_000, 100_000])
def test_the_largest_file_is_whole_frames_up_to_the_limit(size_bytes: int) -> None:
    body = bodies.largest_mp3(size_bytes).read_bytes()
    assert size_bytes - 420 < len(body) <= size_bytes
    assert sum(frame_sizes(body)) == len(body)


def test_makes_a_file_once() -> None:
    file = bodies.mp3(0.5)
    file.write_bytes(b"kept")
    assert bodies.mp3(0.5).read_bytes() == b"kept"
    assert [each.name for each in file.parent.iterdir()] == [file.name]


def test_the_gpu_script_repeats_frames_for_long_enough() -> None:
    body = repeated(bodies.SAMPLE, 30)
    assert 30 <= len(list(frame_sizes(body))) * FRAME_SAMPLES / bodies.SAMPLE_RATE < 30 + 13
