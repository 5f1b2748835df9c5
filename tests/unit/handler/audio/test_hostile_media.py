"""Files that hold more than one sound, or unfold without end."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random

import numpy as np
import pytest

from handler.audio.stream import AudioStream
from handler.errors import CallerError, WorkTooLongError
from handler.media import EncodedAudio
from tests.fuzz.__main__ import corpus
from tests.fuzz.mutations import mutated
from tests.support import audio
from tests.support.watched_decoder import WatchedDecoder

pytestmark = pytest.mark.slow

RATE = 16_000
HOURS = 10
VIDEO = ("-f", "lavfi", "-i", "testsrc=size=64x64:rate=5:duration=2")
SINE = ("-f", "lavfi", "-i", "sine=frequency=440:duration=2:sample_rate=44100")
OTHER_SINE = ("-f", "lavfi", "-i", "sine=frequency=1000:duration=2:sample_rate=44100")
SUBTITLES = "1\n00:00:00,000 --> 00:00:02,000\nhttp://127.0.0.1:9/a.m3u8\n"
CHAPTERS = ";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=1000\ntitle=one\n"

# What stands beside the sound -> arguments of ffmpeg's; TEXT is a file with subtitles or chapters.
BESIDE: dict[str, tuple[tuple[str, ...], str, str]] = {
    "a cover in MP3": ((*SINE, *VIDEO, "-map", "0", "-map", "1", "-c:v", "png", "-frames:v", "1"), "mp3", ""),
    "a cover in FLAC": (
        (*SINE, *VIDEO, "-map", "0", "-map", "1", "-c:v", "png", "-frames:v", "1", "-disposition:v", "attached_pic"),
        "flac",
        "",
    ),
    "a video in MP4": ((*VIDEO, *SINE, "-map", "0", "-map", "1", "-c:v", "mpeg4"), "mp4", ""),
    "a video in Matroska": ((*VIDEO, *SINE, "-map", "0", "-map", "1", "-c:v", "mpeg4"), "matroska", ""),
    "subtitles in Matroska": ((*SINE, "-i", "TEXT", "-map", "0", "-map", "1", "-c:s", "srt"), "matroska", SUBTITLES),
    "subtitles in MP4": ((*SINE, "-i", "TEXT", "-map", "0", "-map", "1", "-c:s", "mov_text"), "mp4", SUBTITLES),
    "chapters in Matroska": ((*SINE, "-i", "TEXT", "-map", "0", "-map_chapters", "1"), "matroska", CHAPTERS),
    "chapters in MP4": ((*SINE, "-i", "TEXT", "-map", "0", "-map_chapters", "1"), "mp4", CHAPTERS),
    "another sound in MP4": ((*SINE, *OTHER_SINE, "-map", "0", "-map", "1"), "mp4", ""),
    "another sound in Matroska": ((*SINE, *OTHER_SINE, "-map", "0", "-map", "1"), "matroska", ""),
}


def written(folder: Path, arguments: Sequence[str], container: str, text: str) -> bytes:
    file, text_file = folder / "file", folder / ("text.ffmetadata" if text is CHAPTERS else "text.srt")
    text_file.write_text(text)
    named = [str(text_file) if argument == "TEXT" else argument for argument in arguments]
    command = ("ffmpeg", "-v", "error", *named, "-c:a", "flac" if container == "flac" else "libmp3lame")
    subprocess.run((*command, "-f", container, str(file)), check=True)
    return file.read_bytes()


@pytest.mark.parametrize("name", BESIDE)
def test_only_the_first_sound_is_heard(name: str, tmp_path: Path) -> None:
    body = written(tmp_path, *BESIDE[name])
    stream = AudioStream(memoryview(bytearray(body)), EncodedAudio(), sample_rate=RATE, max_seconds=9)
    samples = np.concatenate([block.numpy() for block in stream])
    assert float(stream.duration_seconds) == pytest.approx(2.0, abs=0.1)
    spectrum = np.abs(np.fft.rfft(samples[4_000:20_000]))
    assert int(np.argmax(spectrum)) == 440


@pytest.fixture(scope="module")
def silence() -> bytes:
    """10 hours of silence in some 80 KB."""
    second = audio.encode_many(
        np.zeros(65_535 * 4, np.float32), 8_000, {"flac": ("-frame_size", "65535", "-f", "flac")}
    )
    body = second["flac"]
    frames = body[body.index(b"\xff\xf8", 42) :]
    return body + frames * (HOURS * 3_600 * 8_000 // (65_535 * 4))


def stream_of(body: bytes, *, max_seconds: int = 360_000, max_work_seconds: float = 1e9) -> AudioStream:
    start_seconds = time.monotonic()

    def check() -> None:
        if time.monotonic() - start_seconds > max_work_seconds:
            raise WorkTooLongError("too long")

    view = memoryview(bytearray(body))
    return AudioStream(view, EncodedAudio(), sample_rate=RATE, max_seconds=max_seconds, check=check)


def test_a_small_file_of_many_hours_ends_where_its_length_or_its_work_is_too_much(silence: bytes) -> None:
    assert len(silence) < 100_000
    by_length = stream_of(silence, max_seconds=60)
    with pytest.raises(CallerError, match="60 s"):
        list(by_length)
    assert by_length.duration_seconds < 120
    by_work = stream_of(silence, max_work_seconds=0)
    with pytest.raises(WorkTooLongError):
        list(by_work)
    assert by_work.duration_seconds < 120


def test_memory_stays_flat_after_200_hostile_bodies() -> None:
    bodies = corpus()
    others = [body for _, body in bodies]
    with WatchedDecoder() as decoder:
        sizes = []
        for seed in range(300):
            decoder.decode(mutated(bodies[seed % len(bodies)][1], others, Random(seed + 10_000)))
            sizes.append(decoder.memory_bytes())
    assert sizes[-1] < sizes[99] + (64 << 20)
