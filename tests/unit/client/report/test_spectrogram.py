from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import scipy.signal

from sense_client.report.spectrogram import (
    FFT_SAMPLES,
    NUM_BANDS,
    SAMPLE_RATE,
    band_bins,
    band_decibels,
    levels,
    spectrogram_of_file,
)
from tests.support.audio import encode, tone

pytestmark = pytest.mark.slow


def test_the_power_of_a_band_is_scipys() -> None:
    samples = np.random.default_rng(0).standard_normal(8_000).astype(np.float32)
    _, _, power = scipy.signal.spectrogram(
        samples, window="hann", nperseg=FFT_SAMPLES, noverlap=FFT_SAMPLES - 160, mode="complex", detrend=False
    )
    # scipy divides by the window's sum, FFT_SAMPLES / 2, times the root of what "spectrum" scales by.
    bins = np.abs(power.T) ** 2
    first, last = band_bins()
    means = np.stack([bins[:, one:other].mean(axis=1) for one, other in zip(first, last, strict=True)], axis=1)
    ours = 10 ** (band_decibels(samples, 160, len(bins)) / 10)
    ratio = ours / means
    assert ratio.std() / ratio.mean() < 1e-3


@pytest.mark.parametrize(("hertz", "decibels"), [(1000, -6.0), (4000, -6.0)])
def test_a_tone_is_loudest_in_its_own_band(hertz: int, decibels: float) -> None:
    (column,) = band_decibels(tone(hertz, 1.0, 0.064, SAMPLE_RATE), 160, 1)
    first, last = band_bins()
    (band,) = np.flatnonzero((first <= hertz * FFT_SAMPLES / SAMPLE_RATE) & (hertz * FFT_SAMPLES / SAMPLE_RATE < last))
    assert abs(int(np.argmax(column)) - int(band)) <= 1
    assert column.max() == pytest.approx(decibels, abs=10 * np.log10(last[band] - first[band]) + 1)


def test_silence_stays_dark() -> None:
    assert not levels(band_decibels(np.zeros(16_000, np.float32), 160, 100)).any()


@pytest.mark.parametrize(("seconds", "hop_seconds"), [(3.0, 0.01), (700.0, 187 / 16_000)])
def test_a_file_has_a_column_for_each_hop(tmp_path: Path, seconds: float, hop_seconds: float) -> None:
    file = tmp_path / "-tone: 1.wav"
    file.write_bytes(encode(tone(1000, 0.5, seconds, SAMPLE_RATE), SAMPLE_RATE, "wav"))
    spectrogram = spectrogram_of_file(file, seconds)
    assert spectrogram is not None
    assert spectrogram.column_seconds == pytest.approx(hop_seconds)
    assert spectrogram.levels.shape == (pytest.approx(seconds / hop_seconds, abs=2), NUM_BANDS)
    bands = spectrogram.levels[10:-10].argmax(axis=1)
    assert len(set(bands.tolist())) == 1  # no seam between blocks


def test_there_is_none_without_ffmpeg(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda program: None)
    assert spectrogram_of_file(tmp_path / "a.wav", 1.0) is None


def test_there_is_none_of_a_file_that_is_no_sound(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_text("text")
    assert spectrogram_of_file(tmp_path / "a.wav", 1.0) is None
