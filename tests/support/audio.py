"""Sounds for tests, and ffmpeg as a second opinion on every format."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryDirectory

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

# Arguments with which ffmpeg writes each container.
ENCODINGS: dict[str, tuple[str, ...]] = {
    "wav": ("-f", "wav"),
    "wav24": ("-c:a", "pcm_s24le", "-f", "wav"),
    "wav32f": ("-c:a", "pcm_f32le", "-f", "wav"),
    "w64": ("-f", "w64"),
    "rf64": ("-f", "wav", "-rf64", "always"),
    "flac": ("-sample_fmt", "s16", "-f", "flac"),
    "flac24": ("-sample_fmt", "s32", "-f", "flac"),
    "mp3": ("-c:a", "libmp3lame", "-b:a", "128k", "-f", "mp3"),
    "mp3_vbr": ("-c:a", "libmp3lame", "-q:a", "4", "-f", "mp3"),
    "mp3_no_xing": ("-c:a", "libmp3lame", "-b:a", "128k", "-write_xing", "0", "-id3v2_version", "0", "-f", "mp3"),
    "vorbis": ("-c:a", "libvorbis", "-q:a", "5", "-f", "ogg"),
    "opus": ("-c:a", "libopus", "-b:a", "96k", "-f", "ogg"),
    "webm": ("-c:a", "libopus", "-b:a", "96k", "-f", "webm"),
    "aac": ("-c:a", "aac", "-b:a", "128k", "-f", "adts"),
    "m4a": ("-c:a", "aac", "-b:a", "128k", "-f", "ipod"),
}

# Containers that few callers send: name of the container, and behind _ what is inside.
RARE_ENCODINGS: dict[str, tuple[str, ...]] = {
    "aiff_16": ("-c:a", "pcm_s16be", "-f", "aiff"),
    "aiff_24": ("-c:a", "pcm_s24be", "-f", "aiff"),
    "au_16": ("-c:a", "pcm_s16be", "-f", "au"),
    "au_mulaw": ("-c:a", "pcm_mulaw", "-f", "au"),
    "caf_16": ("-c:a", "pcm_s16le", "-f", "caf"),
    "caf_alac": ("-c:a", "alac", "-f", "caf"),
    "wma_1": ("-c:a", "wmav1", "-f", "asf"),
    "wma_2": ("-c:a", "wmav2", "-f", "asf"),
    "flv_mp3": ("-c:a", "libmp3lame", "-f", "flv"),
    "ac-3": ("-c:a", "ac3", "-f", "ac3"),
    "ac-3_e": ("-c:a", "eac3", "-f", "eac3"),
    "mpeg_aac": ("-c:a", "aac", "-f", "mpegts"),
    "mpeg_mp3": ("-c:a", "libmp3lame", "-f", "mpegts"),
    "mpeg_m2ts": ("-c:a", "ac3", "-mpegts_m2ts_mode", "1", "-f", "mpegts"),
    "mp4_mov": ("-c:a", "pcm_s24be", "-f", "mov"),
}


def tone(hertz: float, amplitude: float, seconds: float, sample_rate: int = 44_100) -> Floats:
    """A sine, float32 of shape (samples,)."""
    times = np.arange(round(seconds * sample_rate)) / sample_rate
    return (amplitude * np.sin(2 * np.pi * hertz * times)).astype(np.float32)


def lively(seconds: float, *, num_channels: int = 1, sample_rate: int = 44_100, seed: int = 0) -> Floats:
    """Band-limited noise that swells and fades, float32 of shape (samples, channels): nothing in it repeats."""
    random = np.random.default_rng(seed)
    num_samples = round(seconds * sample_rate)
    noise = random.standard_normal((num_samples + 31, num_channels))
    smooth = np.stack([np.convolve(column, np.hanning(32) / 16, mode="valid") for column in noise.T], axis=1)
    swell = 0.6 + 0.4 * np.sin(np.arange(num_samples) * 2 * np.pi * 0.7 / sample_rate)
    return (0.2 * smooth * swell[:, None]).astype(np.float32)


def encode(samples: Floats, sample_rate: int, encoding: str) -> bytearray:
    """Has ffmpeg encode samples of shape (samples,) or (samples, channels)."""
    return encode_as(samples, sample_rate, ENCODINGS[encoding])


def encode_as(samples: Floats, sample_rate: int, arguments: Sequence[str]) -> bytearray:
    """The same with any output arguments of ffmpeg's."""
    num_channels = 1 if samples.ndim == 1 else samples.shape[1]
    raw = ("-f", "f32le", "-ar", str(sample_rate), "-ac", str(num_channels), "-i", "-")
    # A file, since headers that hold the length are written last, by seeking back.
    with NamedTemporaryFile() as file:
        _ffmpeg((*raw, *arguments, "-y", file.name), samples.astype("<f4").tobytes())
        return bytearray(file.read())


@cache
def clip(encoding: str, seconds: float = 1.3, num_channels: int = 1, sample_rate: int = 44_100) -> bytes:
    """A short `lively` sound, encoded once for all tests."""
    return _clips(seconds, num_channels, sample_rate)[encoding]


@cache
def rare_clip(encoding: str, seconds: float = 1.3) -> bytes:
    """The same in a container that few callers send."""
    return encode_many(lively(seconds), 44_100, RARE_ENCODINGS)[encoding]


@cache
def _clips(seconds: float, num_channels: int, sample_rate: int) -> dict[str, bytes]:
    return encode_many(lively(seconds, num_channels=num_channels, sample_rate=sample_rate), sample_rate, ENCODINGS)


def encode_many(samples: Floats, sample_rate: int, encodings: Mapping[str, Sequence[str]]) -> dict[str, bytes]:
    """Has one run of ffmpeg write many encodings, by name: starting it takes longer than encoding."""
    num_channels = 1 if samples.ndim == 1 else samples.shape[1]
    raw = ("-f", "f32le", "-ar", str(sample_rate), "-ac", str(num_channels), "-i", "-")
    with TemporaryDirectory() as folder:
        outputs = [argument for name, arguments in encodings.items() for argument in (*arguments, f"{folder}/{name}")]
        _ffmpeg((*raw, *outputs), samples.astype("<f4").tobytes())
        return {name: Path(folder, name).read_bytes() for name in encodings}


def encode_raw(samples: Floats, sample_rate: int, sample_format: str) -> bytearray:
    """Has ffmpeg write raw PCM in one of its own formats, such as s24be."""
    num_channels = 1 if samples.ndim == 1 else samples.shape[1]
    raw = ("-f", "f32le", "-ar", str(sample_rate), "-ac", str(num_channels), "-i", "-")
    return _ffmpeg((*raw, "-f", sample_format, "-"), samples.astype("<f4").tobytes())


def decode(body: bytes, input_arguments: Sequence[str] = ()) -> Floats:
    """Has ffmpeg decode to float32 at the source's own rate and channels, interleaved."""
    # A file, since M4A is read by seeking.
    with NamedTemporaryFile() as file:
        file.write(body)
        file.flush()
        return np.frombuffer(_ffmpeg((*input_arguments, "-i", file.name, "-f", "f32le", "-")), "<f4")


def _ffmpeg(arguments: Sequence[str], standard_input: bytes = b"") -> bytearray:
    command = ("ffmpeg", "-v", "error", *arguments)
    return bytearray(subprocess.run(command, input=standard_input, stdout=subprocess.PIPE, check=True).stdout)
