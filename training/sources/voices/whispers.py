"""Stems of whispers: spoken sentences with noise in place of the voice, and eSpeak NG's whispering variants."""

from __future__ import annotations

import numpy as np
from scipy.linalg import solve_toeplitz
from scipy.signal import lfilter

from training.settings import RATE
from training.sources.voices.speakers import TRAIN_VOICES, Voice
from training.sources.voices.speech import speak, speak_with_espeak
from training.stems import Samples, Stem
from training.tags import Labels

WHISPER = Labels(("Whisper",), ("Speech", "Male_speech", "Female_speech"))
_HOP = RATE // 100
_FRAME = 3 * _HOP


def _prediction(frame: Samples, order: int) -> tuple[Samples, float]:
    """Linear prediction by autocorrelation: the filter's denominator [order + 1], and the residual's rms."""
    spectrum = np.square(np.abs(np.fft.rfft(frame, 2 * _FRAME)))
    correlation = np.fft.irfft(spectrum)[: order + 1]
    correlation[0] = correlation[0] * 1.001 + 1e-9
    coefficients = solve_toeplitz(correlation[:-1], correlation[1:])
    power = max(float(correlation[0] - coefficients @ correlation[1:]), 0.0) / _FRAME
    return np.concatenate([[1.0], -coefficients]), np.sqrt(power)


def whispered(rng: np.random.Generator, samples: Samples) -> Samples:
    """The sentence with noise in place of its voice.

    Linear prediction gives the vocal tract of each 30 ms; noise excites it. Voiced sounds lose level (no cords), and
    low frequencies too, as the open glottis takes them (Jovicic 1998: whispered formants are higher, slopes flatter).
    """
    order, tilt = int(rng.integers(12, 24)), rng.uniform(0.6, 0.97)
    bright = lfilter([1, -tilt], [1], samples)
    window, out = np.hanning(_FRAME), np.zeros(len(samples) + _FRAME)
    strength = rng.uniform(0.5, 1.0)  # below 1: loud vowels come nearer to the soft consonants
    for start in range(0, len(samples) - _FRAME, _HOP):
        filter_, level = _prediction(bright[start : start + _FRAME] * window, order)
        if level > 1e-6:
            breath = lfilter([1.0], filter_, rng.standard_normal(2 * _FRAME))[_FRAME:]
            out[start : start + _FRAME] += breath * window * level**strength
    return np.asarray(lfilter([1], [1, -rng.uniform(0, 0.5)], out), np.float32)


def whisper_with(rng: np.random.Generator, voice: Voice, count: int) -> list[Stem]:
    """Sentences by a voice of Flite or Festival, whispered."""
    spoken = speak(rng, voice, count, 0.4)
    return [Stem(whispered(rng, stem.samples), WHISPER, f"whisper/{stem.source}", "Whisper") for stem in spoken]


def whisper_with_espeak(rng: np.random.Generator, count: int) -> list[Stem]:
    """Sentences by eSpeak NG's human-like variants, whispered."""
    spoken = speak_with_espeak(rng, count)
    return [Stem(whispered(rng, stem.samples), WHISPER, f"whisper/{stem.source}", "Whisper") for stem in spoken]


def espeak_whispers(rng: np.random.Generator, count: int) -> list[Stem]:
    """Sentences by eSpeak NG's whispering variants."""
    spoken = speak_with_espeak(rng, count, whispering=True)
    return [Stem(stem.samples, WHISPER, stem.source, "Whisper") for stem in spoken]


WHISPERING_VOICES = tuple(voice for voice in TRAIN_VOICES if not voice.name.startswith("kal_"))
