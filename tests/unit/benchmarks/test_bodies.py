"""ffmpeg is the judge of the repeated frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import bodies
from tests.support.audio import decode

SAMPLE_RATE, NUM_CHANNELS, FRAME_SAMPLES = 44_100, 2, 1152


@pytest.fixture(autouse=True)
def own_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(bodies, "FOLDER", tmp_path)


@pytest.mark.parametrize("seconds", [0.5, 3.7, 30.0])
def test_a_file_is_as_long_as_asked(seconds: float) -> None:
    num_samples = len(decode(bodies.mp3(seconds).read_bytes())) / NUM_CHANNELS
    assert 0 <= num_samples - seconds * SAMPLE_RATE < FRAME_SAMPLES


@pytest.mark.parametrize("size_bytes", [9_000, 1_000_000])
def test_the_largest_file_is_whole_frames_up_to_the_limit(size_bytes: int) -> None:
    body = bodies.largest_mp3(size_bytes).read_bytes()
    assert size_bytes - 420 < len(body) <= size_bytes
    # A cut frame would be missing from what ffmpeg decodes.
    frame_bytes = 128_000 / 8 * FRAME_SAMPLES / SAMPLE_RATE
    assert len(decode(body)) / NUM_CHANNELS / FRAME_SAMPLES == pytest.approx(len(body) / frame_bytes, abs=1)


def test_repeated_frames_play_on() -> None:
    """After the seam the second turn sounds as the first: no frame there leans on what is not there."""
    frames, _, _ = bodies.sample_frames()
    turn, both = decode(frames), decode(frames * 2)
    assert len(both) == 2 * len(turn)
    # The first two frames still carry the filters' memory of what came before.
    settled = 2 * FRAME_SAMPLES * NUM_CHANNELS
    np.testing.assert_allclose(both[len(turn) + settled :], turn[settled:], atol=1e-4)


def test_makes_a_file_once() -> None:
    file = bodies.mp3(0.5)
    file.write_bytes(b"kept")
    assert bodies.mp3(0.5).read_bytes() == b"kept"
    assert [each.name for each in file.parent.iterdir()] == [file.name]


def test_clips_are_as_long_as_asked_and_begin_at_other_frames() -> None:
    found = list(bodies.clips(10.0, 3))
    assert len(set(found)) == 3
    for body in found:
        num_samples = len(decode(body)) / NUM_CHANNELS
        assert 0 <= num_samples - 10.0 * SAMPLE_RATE < FRAME_SAMPLES
