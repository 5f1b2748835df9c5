"""Building blocks: gliding tones, coloured noise, envelopes, ringing modes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.signal import lfilter

from training.settings import RATE

FloatArray = npt.NDArray[np.float64]
TOP_HERTZ = 7600.0  # partials above fade out: just below half the sample rate


def seconds_to_samples(seconds: float) -> int:
    """Whole samples of a length, at least one."""
    return max(1, round(seconds * RATE))


def log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    """A draw whose logarithm is uniform."""
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def harmonic_tone(frequency_hz: FloatArray, amplitudes: FloatArray) -> FloatArray:
    """A sum of harmonics over a frequency track (one value per sample); partials near half the rate fade out."""
    phase = 2 * np.pi * np.cumsum(frequency_hz) / RATE
    out = np.zeros_like(phase)
    for number, amplitude in enumerate(amplitudes, start=1):
        audible = np.clip((TOP_HERTZ - number * frequency_hz) / 400, 0, 1)
        if amplitude and audible.any():
            out += amplitude * audible * np.sin(number * phase)
    return out


def harmonic_amplitudes(
    rng: np.random.Generator, count: int | np.integer[Any], slope: float | None = None
) -> FloatArray:
    """Amplitudes that fall with the harmonic's number to a drawn power, odd ones preferred now and then."""
    power = rng.uniform(0.4, 2.0) if slope is None else slope
    amplitudes = np.arange(1, count + 1.0) ** -power * rng.uniform(0.4, 1.0, count)
    if rng.random() < 0.3:
        amplitudes[1::2] *= rng.uniform(0, 0.3)
    return np.asarray(amplitudes)


def shaped_noise(
    rng: np.random.Generator, samples: int, corners_hz: Sequence[float], gains_db: Sequence[float]
) -> FloatArray:
    """Gaussian noise whose spectrum follows straight lines (dB over log frequency) through the given points."""
    spectrum = np.fft.rfft(rng.standard_normal(samples))
    hertz = np.maximum(np.fft.rfftfreq(samples, 1 / RATE), 1.0)
    spectrum *= 10 ** (np.interp(np.log(hertz), np.log(corners_hz), gains_db) / 20)
    noise = np.fft.irfft(spectrum, samples)
    return np.asarray(noise / (np.abs(noise).max() + 1e-9))


def band_noise(rng: np.random.Generator, samples: int, low_hz: float, high_hz: float) -> FloatArray:
    """Noise within a band, falling 24 dB per octave or so beside it."""
    corners = [low_hz / 4, low_hz, high_hz, min(high_hz * 4, 32_000)]
    return shaped_noise(rng, samples, corners, [-50, 0, 0, -50])


def fade(samples: FloatArray, rise_seconds: float, fall_seconds: float) -> FloatArray:
    """The samples with straight ramps at both ends."""
    rise = min(seconds_to_samples(rise_seconds), len(samples) // 2)
    fall = min(seconds_to_samples(fall_seconds), len(samples) // 2)
    out = samples.copy()
    out[:rise] *= np.linspace(0, 1, rise)
    out[len(out) - fall :] *= np.linspace(1, 0, fall)
    return out


def ringing(
    seconds: float, frequencies_hz: FloatArray, amplitudes: FloatArray, decays_seconds: FloatArray
) -> FloatArray:
    """A struck body: decaying sines. Decay: seconds to 60 dB below."""
    time = np.arange(seconds_to_samples(seconds)) / RATE
    out = np.zeros_like(time)
    for frequency, amplitude, decay in zip(frequencies_hz, amplitudes, decays_seconds, strict=True):
        if frequency < TOP_HERTZ:
            out += amplitude * np.exp(-6.9 * time / decay) * np.sin(2 * np.pi * frequency * time)
    return out


def slow_wander(rng: np.random.Generator, samples: int, rate_hz: float) -> FloatArray:
    """A smooth random track within about -1 to 1 that turns about `rate_hz` times a second."""
    knots = max(4, int(samples / RATE * rate_hz) + 4)
    track = np.interp(np.linspace(0, knots - 1, samples), np.arange(knots), rng.uniform(-1, 1, knots))
    return np.asarray(track)


def place(total: FloatArray, piece: FloatArray, start: int) -> None:
    """Add a piece into a longer signal in place; what reaches over its end is cut."""
    room = min(len(piece), len(total) - start)
    if room > 0:
        total[start : start + room] += piece[:room]


def through_horn(rng: np.random.Generator, samples: FloatArray) -> FloatArray:
    """A small loudspeaker: a band with two or three resonances and a little overdrive."""
    spectrum = np.fft.rfft(np.tanh(samples * rng.uniform(0.3, 3.0)))
    hertz = np.maximum(np.fft.rfftfreq(len(samples), 1 / RATE), 1.0)
    low, high = log_uniform(rng, 80, 600), log_uniform(rng, 2500, 7500)
    response = 1 / np.sqrt(1 + (low / hertz) ** 4) / np.sqrt(1 + (hertz / high) ** 4)
    for _ in range(3):
        centre, width = log_uniform(rng, 300, 5000), rng.uniform(0.1, 0.4)
        response *= 1 + rng.uniform(0, 2.5) * np.exp(-0.5 * (np.log(hertz / centre) / width) ** 2)
    return np.asarray(np.fft.irfft(spectrum * response, len(samples)))


def rhythm(rng: np.random.Generator, seconds: float, step: float, unrest: float) -> FloatArray:
    """Start times in seconds, about `step` apart, each step off by up to the share `unrest`."""
    steps = step * (1 + unrest * rng.uniform(-1, 1, int(seconds / step / (1 - min(unrest, 0.9))) + 1))
    times = np.cumsum(steps) - steps[0] * rng.uniform(0.05, 1)
    return np.asarray(times[(times >= 0) & (times < seconds)])


def sequence(seconds: float, starts: Iterable[float], make: Callable[[], FloatArray]) -> FloatArray:
    """A new piece at each start time (seconds), in a signal of the given length."""
    out = np.zeros(seconds_to_samples(seconds))
    for start in starts:
        if 0 <= start < seconds:
            place(out, make(), int(start * RATE))
    return out


def bursts(
    rng: np.random.Generator, seconds: float, together: tuple[int, int], step: float, pause: float
) -> list[float]:
    """Start times in groups of `together` (from, to), about `step` apart, with pauses of 0.5 to 1.5 times `pause`."""
    starts, time = [], rng.uniform(0, 0.5)
    while time < seconds:
        for _ in range(rng.integers(together[0], together[1] + 1)):
            starts.append(time)
            time += step * rng.uniform(0.75, 1.25)
        time += pause * rng.uniform(0.5, 1.5)
    return starts


def resonate(samples: FloatArray, centres_hz: Sequence[float], bandwidths_hz: Sequence[float]) -> FloatArray:
    """The sum of two-pole resonators side by side, each with its peak at about 1: a vocal tract, a cavity, a body."""
    out = np.zeros(len(samples))
    for centre, bandwidth in zip(centres_hz, bandwidths_hz, strict=True):
        radius = np.exp(-np.pi * bandwidth / RATE)
        angle = 2 * np.pi * min(centre, TOP_HERTZ) / RATE
        gain = (1 - radius) * np.sqrt(1 - 2 * radius * np.cos(2 * angle) + radius**2)
        out += lfilter([gain], [1, -2 * radius * np.cos(angle), radius**2], samples)
    return out


def peaked(samples: FloatArray) -> FloatArray:
    """The samples with a peak of 1."""
    return np.asarray(samples / (np.abs(samples).max() + 1e-12))


def arch(samples: int, points: Sequence[float], places: Sequence[float] | None = None) -> FloatArray:
    """A track through the points, evenly spaced or at the given places between 0 and 1."""
    at = np.linspace(0, 1, len(points)) if places is None else places
    return np.asarray(np.interp(np.linspace(0, 1, samples), at, points))
