"""Building blocks of the generators that judge: filters, resonators, moments, slow wanderings.

Nothing here is shared with what trains (a test holds both to that), and it works in other ways: pulse trains through
filters instead of sums of harmonics, recursive resonators instead of decaying sines, noise through Butterworth filters
instead of shaped spectra.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy import signal

from training.settings import RATE

Array = npt.NDArray[np.float64]
_FORMANT_STEP = RATE // 200  # 5 ms: how often moving formants are set anew


def filtered(samples: Array, kind: str, corner_hz: float | tuple[float, float], order: int = 2) -> Array:
    """A Butterworth filter: kind is "lowpass", "highpass" or "bandpass"."""
    sections = signal.butter(order, corner_hz, kind, fs=RATE, output="sos")
    return np.asarray(signal.sosfilt(sections, samples))


def summed(pieces: list[Array]) -> Array:
    """The sum of pieces of one length."""
    return np.asarray(np.sum(pieces, axis=0))


def peaked(samples: Array) -> Array:
    """Brought to a peak of 1."""
    return np.asarray(samples / (np.abs(samples).max() + 1e-9))


def resonate(excitation: Array, frequency_hz: float, decay_seconds: float) -> Array:
    """A two-pole resonator that rings for `decay_seconds` to 60 dB below."""
    radius = np.exp(-6.908 / (decay_seconds * RATE))
    feedback = [1, -2 * radius * np.cos(2 * np.pi * frequency_hz / RATE), radius**2]
    return np.asarray(signal.lfilter([1 - radius], feedback, excitation))


def impulses(length: int, at_seconds: list[float], heights: list[float]) -> Array:
    """Single samples of the given heights at the given moments; those outside are left out."""
    train = np.zeros(length)
    for moment, height in zip(at_seconds, heights, strict=True):
        index = int(moment * RATE)
        if 0 <= index < length:
            train[index] += height
    return train


def modulated_square(track_hz: Array, duty: float) -> Array:
    """A band-limited pulse wave along a frequency track, made at four times the rate."""
    fine = np.repeat(track_hz, 4)
    pulse = signal.square(2 * np.pi * np.cumsum(fine) / (4 * RATE), duty)
    return np.asarray(signal.decimate(pulse, 4, ftype="fir"))


def seconds_of(rng: np.random.Generator, least: float, most: float) -> int:
    """A length in samples, drawn between two lengths in seconds."""
    return int(rng.uniform(least, most) * RATE)


def hiss(rng: np.random.Generator, length: int, kind: str, corner_hz: float | tuple[float, float]) -> Array:
    """Filtered white noise at unit power."""
    noise = filtered(rng.standard_normal(length), kind, corner_hz)
    return np.asarray(noise / (noise.std() + 1e-12))


def wander(rng: np.random.Generator, length: int, rate_hz: float) -> Array:
    """A slow random curve of about unit deviation that changes `rate_hz` times a second."""
    knots = rng.standard_normal(int(length / RATE * rate_hz) + 4)
    places = np.arange(length) / RATE * rate_hz + rng.random()
    first = places.astype(int)
    turn = 0.5 - 0.5 * np.cos(np.pi * (places - first))
    return np.asarray(1.25 * (knots[first] * (1 - turn) + knots[first + 1] * turn))


def decaying(rng: np.random.Generator, seconds: float, decay_seconds: float) -> Array:
    """White noise that falls by 60 dB in `decay_seconds`."""
    time = np.arange(int(seconds * RATE)) / RATE
    return np.asarray(rng.standard_normal(len(time)) * np.exp(-6.908 * time / decay_seconds))


def bump(seconds: float, rise: float = 0.5) -> Array:
    """A smooth hump from 0 to 1 to 0 with its top at the share `rise` of its length."""
    place = np.linspace(0, 1, max(2, int(seconds * RATE)))
    return np.asarray(np.sin(np.pi * place ** (np.log(0.5) / np.log(rise))) ** 2)


def lay(out: Array, piece: Array, start_seconds: float, height: float = 1.0) -> None:
    """Add a piece in place; what sticks out at the end is cut."""
    first = int(start_seconds * RATE)
    if 0 <= first < len(out):
        piece = piece[: len(out) - first]
        out[first : first + len(piece)] += height * piece


def struck(
    blows: Array,
    modes_hz: Sequence[float] | Array,
    decays_seconds: Sequence[float] | Array,
    levels: Sequence[float] | Array,
) -> Array:
    """Modes that ring after each blow, each brought to its level; those above the band are left out."""
    out = np.zeros(len(blows))
    for hz, decay, level in zip(modes_hz, decays_seconds, levels, strict=True):
        if 20 < hz < 7400:
            out += level * peaked(resonate(blows, hz, decay))
    return out


def softened(blows: Array, contact_seconds: float) -> Array:
    """Blows of a soft body: each impulse becomes a half sine of the contact's length."""
    contact = np.sin(np.linspace(0, np.pi, max(2, int(contact_seconds * RATE))))
    return np.asarray(np.convolve(blows, contact / contact.sum())[: len(blows)])


def saw(track_hz: Array, slope: float = 1.0) -> Array:
    """A sawtooth along a frequency track, at four times the rate and back."""
    fine = signal.sawtooth(2 * np.pi * np.cumsum(np.repeat(track_hz, 4)) / (4 * RATE), slope)
    return np.asarray(signal.decimate(fine, 4, ftype="fir"))


def pulses_along(rng: np.random.Generator, track_hz: Array, shimmer: float) -> Array:
    """One impulse a period along a frequency track, their heights scattered by `shimmer`."""
    beats = np.diff(np.floor(np.cumsum(track_hz) / RATE), prepend=0)
    return np.asarray(beats * np.clip(1 + shimmer * rng.standard_normal(len(beats)), 0, 3))


def through_formants(source: Array, tracks_hz: Sequence[Array], widths_hz: Sequence[float]) -> Array:
    """A source through formants side by side, each along its own track and brought to its level (6 dB less each)."""
    out = np.zeros(len(source))
    for number, (track, width) in enumerate(zip(tracks_hz, widths_hz, strict=True)):
        out += 0.5**number * _moving_formant(source, track, width)
    return out


def _moving_formant(source: Array, track_hz: Array, width_hz: float) -> Array:
    """One two-pole resonance whose frequency moves; its state is carried from step to step."""
    radius, state, out = np.exp(-np.pi * width_hz / RATE), np.zeros(2), np.empty(len(source))
    for first in range(0, len(source), _FORMANT_STEP):
        span = slice(first, first + _FORMANT_STEP)
        angle = 2 * np.pi * min(track_hz[first], 7400) / RATE
        gain = (1 - radius) * np.sqrt(1 - 2 * radius * np.cos(2 * angle) + radius**2)
        out[span], state = signal.lfilter([gain], [1, -2 * radius * np.cos(angle), radius**2], source[span], zi=state)
    return out
