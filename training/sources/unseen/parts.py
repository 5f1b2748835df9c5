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
