"""The MP3 files that are sent: the frames of the committed sample over and over, kept in build/benchmark/bodies."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from math import ceil
from pathlib import Path

from benchmarks.results import BUILD, TREE
from handler.audio.headers.container import identify
from handler.audio.headers.mpeg_frames import FrameChain, parse_header, read_tag

# Stereo, 44.1 kHz, 128 kb/s.
SAMPLE = TREE / "samples" / "demo.mp3"
FOLDER = BUILD / "bodies"
GIBIBYTE = 1 << 30


def mp3(seconds: float) -> Path:
    """An MP3 file of at least that length, by less than a frame."""
    _, ends, frame_seconds = sample_frames()
    num_frames = ceil(seconds / frame_seconds)
    whole, rest = divmod(num_frames, len(ends) - 1)
    return _kept(f"{seconds:g}s.mp3", whole, ends[rest])


def largest_mp3(size_bytes: int = GIBIBYTE) -> Path:
    """An MP3 file of all the whole frames that fit into `size_bytes`: 18.6 hours in 1 GiB."""
    _, ends, _ = sample_frames()
    whole, rest = divmod(size_bytes, ends[-1])
    return _kept(f"{size_bytes}b.mp3", whole, max(end for end in ends if end <= rest))


def clips(seconds: float, count: int) -> Iterator[bytes]:
    """That many MP3 files of at least that length, at most the sample's own: each begins at another frame of it.

    After as many as there are frames they come again.
    """
    frames, ends, frame_seconds = sample_frames()
    num_frames = ceil(seconds / frame_seconds)
    assert num_frames < len(ends), "the sample is shorter than the clips"
    twice = frames * 2
    edges = [*ends[:-1], *(ends[-1] + end for end in ends)]
    for index in range(count):
        first = index % (len(ends) - 1)
        yield twice[edges[first] : edges[first + num_frames]]


@cache
def sample_frames() -> tuple[bytes, list[int], float]:
    """The sample's frames of sound, the edges between them in bytes (0 first), and a frame's length in seconds.

    The first frame leans on no earlier one, so every repetition begins cleanly.
    """
    body = SAMPLE.read_bytes()
    stream = memoryview(body)[identify(memoryview(body)).start_bytes :]
    first = parse_header(bytes(stream[:4]))
    assert first is not None, "the sample does not begin with an MPEG frame"
    if read_tag(stream, first).fills_frame:
        stream = stream[first.size_bytes :]
    edges = FrameChain(stream, first).offsets(0, len(stream))
    return bytes(stream[: edges[-1]]), edges, first.num_samples / first.sample_rate


def _kept(name: str, num_whole: int, rest_bytes: int) -> Path:
    """Writes a file unless it is there; under another name first, so that half a file is never taken for a whole."""
    file = FOLDER / name
    if not file.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        frames, _, _ = sample_frames()
        unfinished = file.with_suffix(f".{os.getpid()}")
        with unfinished.open("wb") as output:
            output.writelines(frames for _ in range(num_whole))
            output.write(frames[:rest_bytes])
        unfinished.rename(file)
    return file
