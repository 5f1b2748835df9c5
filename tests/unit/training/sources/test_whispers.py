"""Whispering takes the voice out of a sentence and leaves its rhythm and its formants."""

from __future__ import annotations

import numpy as np
import pytest

from training.settings import RATE
from training.sources.signals.tones import harmonic_tone
from training.sources.voices.whispers import whispered
from training.stems import Samples


@pytest.fixture
def vowel() -> Samples:
    """A vowel of a second, a pause of half a second, the vowel again."""
    harmonics = 110.0 * np.arange(1, 60)
    formants = sum(np.exp(-0.5 * (np.log2(harmonics / formant) / 0.15) ** 2) for formant in (700, 1200, 2600))
    sound = harmonic_tone(np.full(RATE, 110.0), (0.03 + formants) / np.arange(1, 60))
    return np.concatenate([sound, np.zeros(RATE // 2), sound]).astype(np.float32)


def periodicity(samples: Samples) -> float:
    """The autocorrelation at the period of 110 Hz, against that at 0."""
    piece = samples[2000 : RATE - 2000].astype(np.float64)
    correlation = np.fft.irfft(np.square(np.abs(np.fft.rfft(piece, 2 * len(piece)))))
    return float(correlation[140:151].max() / correlation[0])


def test_the_voice_is_gone(vowel: Samples) -> None:
    assert periodicity(vowel) > 0.9
    assert periodicity(whispered(np.random.default_rng(0), vowel)) < 0.5


def test_the_pause_stays(vowel: Samples) -> None:
    breathed = whispered(np.random.default_rng(1), vowel)
    assert breathed.dtype == np.float32
    assert np.isfinite(breathed).all()
    pause = breathed[RATE + 1600 : RATE * 3 // 2 - 1600]
    assert np.abs(pause).max() < 1e-3 * np.abs(breathed).max()


def test_a_formant_stays_where_it_was(vowel: Samples) -> None:
    breathed = whispered(np.random.default_rng(2), vowel)
    power = np.square(np.abs(np.fft.rfft(breathed[:RATE])))
    near, far = power[1100:1300].mean(), power[1700:2000].mean()
    assert near > 4 * far
