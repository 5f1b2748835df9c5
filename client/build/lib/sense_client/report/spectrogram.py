"""Spectrograms of files, decoded by the program ffmpeg. page/spectrogram.js has the same sums."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

SAMPLE_RATE = 16_000
FFT_SAMPLES = 1_024
NUM_BANDS = 80
LOW_HERTZ = 50
RANGE_DECIBELS = 80
# Silence stays dark: the loudest band counts as this loud at least.
FLOOR_DECIBELS = -30
MIN_HOP_SAMPLES = 160
# As many as two screens have pixels, at a zoom of 15. An hour then takes 3 MB.
MAX_COLUMNS = 60_000
_BLOCK_COLUMNS = 2_048

Floats = npt.NDArray[np.float32]
Levels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Spectrogram:
    """How loud each band of mel frequencies is over time.

    Attributes:
        column_seconds: From one column's start to the next one's.
        levels: uint8 of shape (columns, NUM_BANDS), 255 for the loudest and 0 for RANGE_DECIBELS below it.
    """

    column_seconds: float
    levels: Levels


def spectrogram_of_file(file: Path, duration_seconds: float) -> Spectrogram | None:
    """Decodes a file and computes its spectrogram; None where ffmpeg is missing or cannot decode it.

    Args:
        file: A sound file.
        duration_seconds: Its length, which decides how many seconds a column has.
    """
    program = shutil.which("ffmpeg")
    if program is None:
        return None
    command = [program, "-v", "error", "-nostdin", "-i", f"file:{file}", "-vn", "-ac", "1", "-ar", str(SAMPLE_RATE)]
    hop = max(MIN_HOP_SAMPLES, -(-round(duration_seconds * SAMPLE_RATE) // MAX_COLUMNS))
    with subprocess.Popen(
        [*command, "-f", "s16le", "-"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        decibels = []
        # A column may need samples of the next block.
        rest: Floats = np.empty(0, np.float32)
        while block := process.stdout.read(2 * hop * _BLOCK_COLUMNS):
            new = np.frombuffer(block[: len(block) // 2 * 2], "<i2").astype(np.float32) / np.float32(32_768)
            samples: Floats = np.concatenate((rest, new))
            num_whole = max(0, (len(samples) - FFT_SAMPLES) // hop + 1)
            decibels.append(band_decibels(samples, hop, num_whole))
            rest = samples[num_whole * hop :]
    decibels.append(band_decibels(rest, hop, -(-len(rest) // hop)))
    bands = np.concatenate(decibels)
    return Spectrogram(hop / SAMPLE_RATE, levels(bands)) if len(bands) else None


def band_decibels(samples: Floats, hop: int, num_columns: int) -> Floats:
    """Computes the mean power of each band in dB; a full-scale sine has -6 dB in its bin.

    Args:
        samples: float32 of shape (samples,), at SAMPLE_RATE.
        hop: Samples from one column to the next.
        num_columns: How many columns; samples that the last ones lack count as silence.

    Returns:
        float32 of shape (num_columns, NUM_BANDS).
    """
    if num_columns == 0:
        return np.empty((0, NUM_BANDS), np.float32)
    missing = max(0, (num_columns - 1) * hop + FFT_SAMPLES - len(samples))
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(samples, (0, missing)), FFT_SAMPLES)[::hop][:num_columns]
    window = np.hanning(FFT_SAMPLES + 1)[:-1].astype(np.float32)
    power = np.abs(np.fft.rfft(frames * window) * (2 / FFT_SAMPLES)) ** 2
    first, last = band_bins()
    sums = np.concatenate((np.zeros((num_columns, 1)), np.cumsum(power, axis=1)), axis=1)
    means = (sums[:, last] - sums[:, first]) / (last - first)
    decibels: Floats = (10 * np.log10(np.maximum(means, 0) + 1e-12)).astype(np.float32)
    return decibels


def band_bins() -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Returns the first bin of each band, and the one after its last. A band has one bin at least."""
    low, high = (2595 * np.log10(1 + hertz / 700) for hertz in (LOW_HERTZ, SAMPLE_RATE / 2))
    edges_hertz = 700 * (10 ** (np.linspace(low, high, NUM_BANDS + 1) / 2595) - 1)
    edges = np.floor(edges_hertz * FFT_SAMPLES / SAMPLE_RATE + 0.5).astype(np.int64)
    return edges[:-1], np.maximum(edges[:-1] + 1, edges[1:])


def levels(decibels: Floats) -> Levels:
    """Maps dB to bytes: 255 for the loudest."""
    loudest = max(FLOOR_DECIBELS, float(decibels.max(initial=FLOOR_DECIBELS)))
    scaled = (decibels - loudest + RANGE_DECIBELS) * (255 / RANGE_DECIBELS)
    rounded: Levels = np.clip(np.rint(scaled), 0, 255).astype(np.uint8)
    return rounded
