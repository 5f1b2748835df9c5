from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from torchcodec.decoders import RawAudioSamples

from handler.arrays import Floats
from handler.audio.stream import AudioStream
from handler.audio.timeline import with_silence
from handler.media import EncodedAudio
from tests.support import audio

pytestmark = pytest.mark.slow

RATE = 8_000
# Containers with time stamps -> what ffmpeg writes them with.
STAMPED = {
    "webm": ("-c:a", "libopus", "-f", "webm"),
    "matroska": ("-c:a", "flac", "-f", "matroska"),
    "vorbis": ("-c:a", "libvorbis", "-f", "webm"),
    "ogg": ("-c:a", "libvorbis", "-f", "ogg"),
    "opus": ("-c:a", "libopus", "-f", "ogg"),
    "m4a": ("-c:a", "aac", "-f", "ipod"),
    "fragments": ("-c:a", "aac", "-movflags", "frag_keyframe+empty_moov", "-f", "mp4"),
    "mov": ("-c:a", "pcm_s16le", "-f", "mov"),
    "3gp": ("-c:a", "aac", "-f", "3gp"),
    "ts": ("-c:a", "aac", "-f", "mpegts"),
    "flv": ("-c:a", "aac", "-f", "flv"),
    "wma": ("-c:a", "wmav2", "-f", "asf"),
}


def frame(
    start_seconds: float, seconds: float = 0.02, value: int = 1, dtype: torch.dtype = torch.int16
) -> RawAudioSamples:
    data = torch.full((2, round(seconds * RATE)), value, dtype=dtype)
    return RawAudioSamples(data, RATE, pts_seconds=start_seconds, duration_seconds=seconds)


def filled(*frames: RawAudioSamples, start_seconds: float | None = None) -> list[int]:
    """The first channel, a value for every 10 ms."""
    return torch.cat([each.data[0, :: RATE // 100] for each in with_silence(frames, start_seconds)]).tolist()


def test_a_gap_becomes_silence() -> None:
    assert filled(frame(0.0), frame(0.1)) == [1] * 2 + [0] * 8 + [1] * 2


def test_frames_of_a_recording_without_gaps_are_left_alone() -> None:
    frames = [frame(number * 0.02) for number in range(5)]
    assert list(with_silence(frames, 0.0)) == frames


def test_what_encoders_round_is_no_gap() -> None:
    assert filled(frame(0.0), frame(0.065), frame(0.09)) == [1] * 6


def test_short_gaps_add_up() -> None:
    late = [frame(number * 0.05) for number in range(20)]
    assert 90 <= len(filled(*late)) <= 97


def test_time_stamps_that_go_back_are_followed_from_there() -> None:
    assert filled(frame(5.0), frame(1.0), frame(1.02), frame(1.14)) == [1] * 6 + [0] * 10 + [1] * 2


def test_a_late_start_counts_from_the_containers_start() -> None:
    assert filled(frame(5.0), start_seconds=4.9) == [0] * 10 + [1] * 2


def test_a_stream_that_starts_at_a_huge_time_starts_at_once() -> None:
    assert filled(frame(10.0**9)) == filled(frame(10.0**9), start_seconds=0.0) == [1] * 2


def test_a_gap_of_days_is_no_silence() -> None:
    assert filled(frame(0.0), frame(100_000.0), frame(100_000.12)) == [1] * 4 + [0] * 10 + [1] * 2


def test_silence_has_the_dtype_of_its_neighbours() -> None:
    assert filled(frame(0.0, value=9, dtype=torch.uint8), frame(0.1, dtype=torch.uint8))[5] == 128


def test_long_silence_comes_in_blocks() -> None:
    lengths = [each.data.shape[1] for each in with_silence([frame(0.0), frame(1_000.0)], None)]
    assert max(lengths) <= 10 * RATE
    assert sum(lengths) == 1_000 * RATE + round(0.02 * RATE)


def decoded(body: bytes) -> Floats:
    samples: Floats = torch.cat(
        list(AudioStream(memoryview(bytearray(body)), EncodedAudio(), sample_rate=16_000, max_seconds=60))
    ).numpy()
    return samples


@pytest.mark.parametrize("container", STAMPED)
def test_a_sound_file_has_no_gap(container: str) -> None:
    body = bytes(audio.encode_as(audio.lively(2.5, sample_rate=48_000), 48_000, STAMPED[container]))
    ffmpegs = audio.decode(body, ("-ignore_editlist", "0") if container in ("m4a", "fragments", "mov", "3gp") else ())
    assert abs(len(decoded(body)) / 16_000 - len(ffmpegs) / 48_000) < 0.005


def with_gap(tmp_path: Path, arguments: tuple[str, ...]) -> bytes:
    """A beep at 0.5 s and one at 5.5 s; nothing is stored between 2 and 5 s."""
    file = tmp_path / "gap"
    source = "sine=1000:r=48000:d=7,volume='between(t,0.5,0.8)+between(t,5.5,5.8)':eval=frame"
    chosen = "aselect='lt(t,2)+gt(t,5)'"
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", source, "-af", chosen, *arguments, "-y", str(file)]
    subprocess.run(command, check=True)
    return file.read_bytes()


@pytest.mark.parametrize("container", ["webm", "matroska", "m4a", "flv"])
def test_sounds_behind_a_gap_are_where_a_player_plays_them(container: str, tmp_path: Path) -> None:
    samples = decoded(with_gap(tmp_path, STAMPED[container]))
    loud = np.flatnonzero(np.abs(samples) > 0.02) / 16_000
    assert loud[0] == pytest.approx(0.5, abs=0.06)
    assert loud[-1] == pytest.approx(5.8, abs=0.06)
    assert not np.any((loud > 1) & (loud < 5.4))
