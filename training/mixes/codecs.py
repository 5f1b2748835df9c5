"""Codecs, applied by the ffmpeg program as senders of recordings do."""

from __future__ import annotations

import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.io import wavfile

from training.errors import TrainingError
from training.settings import RATE


@dataclass(frozen=True)
class Codec:
    """A codec setting: the container's suffix, ffmpeg's options, the sample rate that it is given."""

    name: str
    suffix: str
    options: tuple[str, ...]
    rate: int = 44_100


# What people send. Answers must agree with the WAV's.
USUAL_CODECS: tuple[Codec, ...] = (
    Codec("MP3 128 kb/s", "mp3", ("-codec:a", "libmp3lame", "-b:a", "128k")),
    Codec("Opus 64 kb/s", "opus", ("-codec:a", "libopus", "-b:a", "64k"), 48_000),
    Codec("Vorbis q4", "ogg", ("-codec:a", "libvorbis", "-q:a", "4")),
    Codec("AAC 128 kb/s", "m4a", ("-codec:a", "aac", "-b:a", "128k")),
    Codec(
        "FLAC",
        "flac",
        (
            "-codec:a",
            "flac",
        ),
    ),
)
HARSH_CODECS: tuple[Codec, ...] = (
    Codec("MP3 64 kb/s", "mp3", ("-codec:a", "libmp3lame", "-b:a", "64k"), 32_000),
    Codec("MP3 32 kb/s", "mp3", ("-codec:a", "libmp3lame", "-b:a", "32k"), 22_050),
    Codec("MP3 V2", "mp3", ("-codec:a", "libmp3lame", "-q:a", "2")),
    Codec("Opus 24 kb/s", "opus", ("-codec:a", "libopus", "-b:a", "24k"), 48_000),
    Codec("Opus 12 kb/s speech", "opus", ("-codec:a", "libopus", "-b:a", "12k", "-application", "voip"), 16_000),
    Codec("Vorbis q0", "ogg", ("-codec:a", "libvorbis", "-q:a", "0")),
    Codec("AAC 48 kb/s", "m4a", ("-codec:a", "aac", "-b:a", "48k"), 32_000),
    Codec("mu-law 8 kHz", "wav", ("-codec:a", "pcm_mulaw"), 8_000),
    Codec("IMA ADPCM 16 kHz", "wav", ("-codec:a", "adpcm_ima_wav"), 16_000),
    Codec("8 bits", "wav", ("-codec:a", "pcm_u8"), 16_000),
)


def run_ffmpeg(arguments: list[str]) -> None:
    """Run ffmpeg quietly on one thread, overwriting its output.

    Raises:
        TrainingError: it failed; the text has its last line.
    """
    command = ["ffmpeg", "-nostdin", "-loglevel", "error", "-y", "-threads", "1", *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise TrainingError(f"ffmpeg {' '.join(arguments)}: {(result.stderr.strip().splitlines() or ['failed'])[-1]}")


def through_codec(samples: npt.NDArray[np.int16], codec: Codec) -> npt.NDArray[np.int16]:
    """Mono samples at RATE through the codec and back, of the same length and not shifted (encoder delays removed)."""
    with tempfile.TemporaryDirectory() as folder:
        wave, coded, back = Path(folder, "in.wav"), Path(folder, f"coded.{codec.suffix}"), Path(folder, "back.wav")
        wavfile.write(wave, RATE, samples)
        run_ffmpeg(["-i", str(wave), "-ar", str(codec.rate), *codec.options, str(coded)])
        run_ffmpeg(["-i", str(coded), "-ar", str(RATE), "-ac", "1", "-codec:a", "pcm_s16le", str(back)])
        decoded = wavfile.read(back)[1]
    out = np.zeros_like(samples)
    out[: min(len(out), len(decoded))] = decoded[: len(out)]
    return out
