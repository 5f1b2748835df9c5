"""The sound files that are sent: made once, from the committed sample, and kept in build/benchmark/bodies."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from benchmarks.mpeg_frames import FRAME_SAMPLES, frame_sizes
from benchmarks.options import BUILD, TREE
from tests.support.audio import Floats, decode, encode

SAMPLE = TREE / "samples" / "demo.mp3"
SAMPLE_RATE = 44_100
NUM_CHANNELS = 2
FOLDER = BUILD / "bodies"
# Longer files repeat this one's frames: encoding 18 hours takes as many minutes.
LONGEST_ENCODED_SECONDS = 600.0
GIBIBYTE = 1 << 30


def recording(seconds: float, *, seed: int = 0) -> Floats:
    """Stereo at 44.1 kHz, float32 of shape (samples, 2): the sample over and over, from second `seed` of it on.

    Faint noise, another one for each seed, keeps any second from being the same as one twelve seconds before.
    """
    sound = decode(SAMPLE.read_bytes()).reshape(-1, NUM_CHANNELS)
    num_samples = round(seconds * SAMPLE_RATE)
    places = (np.arange(num_samples) + seed * SAMPLE_RATE) % len(sound)
    noise = np.random.default_rng(seed).standard_normal((num_samples, NUM_CHANNELS), np.float32)
    mixed: Floats = sound[places] + np.float32(1e-3) * noise
    return mixed


def mp3(seconds: float, *, seed: int = 0) -> Path:
    """An MP3 file of that length: stereo, 44.1 kHz, 128 kb/s.

    Up to ten minutes it is encoded in one go; beyond, the frames of a ten-minute file are repeated.
    """
    if seconds > LONGEST_ENCODED_SECONDS:
        return repeated_mp3(f"{seconds:g}s", lambda frames, _: frames * FRAME_SAMPLES / SAMPLE_RATE < seconds)
    return _kept(f"{seconds:g}s-{seed}.mp3", lambda: iter([_encoded(seconds, seed, "mp3")]))


def largest_mp3(size_bytes: int = GIBIBYTE) -> Path:
    """An MP3 file of as many whole frames as fit into `size_bytes`: 18.6 hours in 1 GiB."""
    return repeated_mp3(f"{size_bytes}b", lambda _, size: size <= size_bytes)


def repeated_mp3(name: str, fits: Callable[[int, int], bool]) -> Path:
    """Repeats a ten-minute file's frames as long as `fits(frames, size_bytes)`; the next repetition begins at a frame.

    The encoder begins a file with a frame that leans on no earlier one, so every repetition begins cleanly.
    """

    def pieces() -> Iterator[bytes]:
        body = _encoded(LONGEST_ENCODED_SECONDS, 0, "mp3_no_xing")
        sizes = list(frame_sizes(body))
        size_bytes, ends = 0, list(itertools.accumulate(sizes))
        for repetition in itertools.count():
            num_before = repetition * len(sizes)
            fitting = [end for at, end in enumerate(ends, 1) if fits(num_before + at, size_bytes + end)]
            yield body[: fitting[-1] if fitting else 0]
            if len(fitting) < len(ends):
                return
            size_bytes += ends[-1]

    return _kept(f"{name}.mp3", pieces)


def _encoded(seconds: float, seed: int, encoding: str) -> bytes:
    return bytes(encode(recording(seconds, seed=seed), SAMPLE_RATE, encoding))


def _kept(name: str, pieces: Callable[[], Iterator[bytes]]) -> Path:
    """Writes a file unless it is there; under another name first, so that half a file is never taken for a whole."""
    file = FOLDER / name
    if not file.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        unfinished = file.with_suffix(f".{os.getpid()}")
        with unfinished.open("wb") as output:
            output.writelines(pieces())
        unfinished.rename(file)
    return file
