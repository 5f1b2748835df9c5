"""Whispers that only judge: sentences of the unseen voices, with the voice taken out of them.

The voices are those that never train. Both ways of taking the voice out stand here alone.
"""

from __future__ import annotations

import numpy as np
from scipy import signal
from scipy.ndimage import uniform_filter1d

from training.settings import RATE
from training.sources.unseen.parts import Array, filtered, peaked
from training.sources.voices.speakers import UNSEEN_VOICES
from training.sources.voices.speech import speak_with_festival, speak_with_flite

_MAX_SECONDS = 6
_CHANNELS = 22  # of the vocoder, between 150 and 7,000 Hz
_FLITE = [voice for voice in UNSEEN_VOICES if voice.engine == "flite"]
_FESTIVAL = [voice for voice in UNSEEN_VOICES if voice.engine == "festival"]


def _cut(rng: np.random.Generator, samples: Array) -> Array:
    """At most six seconds of a sentence."""
    spare = len(samples) - _MAX_SECONDS * RATE
    first = int(rng.integers(spare + 1)) if spare > 0 else 0
    return np.asarray(samples[first : first + _MAX_SECONDS * RATE], np.float64)


def whispered_channels(rng: np.random.Generator) -> Array:
    """A channel vocoder whose carrier is noise (Dudley), then the tilt of a whisper: little below 1 kHz."""
    voice = _FLITE[rng.integers(len(_FLITE))]
    speech = _cut(rng, np.asarray(speak_with_flite(rng, voice, 1, 0.0)[0].samples, np.float64))
    edges = np.geomspace(150, 7000, _CHANNELS + 1)
    out = np.zeros(len(speech))
    for low, high in zip(edges[:-1], edges[1:], strict=True):
        level = filtered(np.abs(filtered(speech, "bandpass", (low, high))), "lowpass", rng.uniform(30, 50))
        out += (
            np.maximum(level, 0)
            * filtered(rng.standard_normal(len(speech)), "bandpass", (low, high))
            / np.sqrt(high - low)
        )
    return filtered(out, "highpass", rng.uniform(600, 1500))


def whispered_phases(rng: np.random.Generator) -> Array:
    """Short-time spectra smoothed over more than a pitch harmonic, put back with random phases and a whisper's tilt."""
    voice = _FESTIVAL[rng.integers(len(_FESTIVAL))]
    speech = _cut(rng, np.asarray(speak_with_festival(rng, voice, 1, 0.0)[0].samples, np.float64))
    size = 512
    _, _, spectra = signal.stft(speech, RATE, nperseg=size, noverlap=size * 3 // 4)
    bins = max(9, int(rng.uniform(280, 420) / (RATE / size)))
    envelope = np.sqrt(uniform_filter1d(np.abs(spectra) ** 2, bins, axis=0))
    noise = np.exp(2j * np.pi * rng.random(envelope.shape)) * np.sqrt(rng.exponential(1.0, envelope.shape))
    _, back = signal.istft(envelope * noise, RATE, nperseg=size, noverlap=size * 3 // 4)
    return peaked(filtered(np.asarray(back), "highpass", rng.uniform(600, 1500)))
