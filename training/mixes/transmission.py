"""What a sound passes on its way into a recording: rooms, equalisers, narrow lines, as spectra to multiply by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training.settings import CLIP_SAMPLES, RATE

Spectrum = npt.NDArray[np.complex64]
_BINS = CLIP_SAMPLES // 2 + 1


def room_response(
    rng: np.random.Generator, reverberation_seconds: float, direct_share: float
) -> npt.NDArray[np.float64]:
    """An impulse response: the direct sound, a dozen early reflections, and noise that decays and darkens.

    Args:
        rng: draws the reflections and the tail.
        reverberation_seconds: time in which the tail falls by 60 dB.
        direct_share: energy of the direct sound against the whole, 0 to 1.
    """
    time = np.arange(round(max(reverberation_seconds, 0.05) * RATE)) / RATE
    tail = rng.standard_normal(len(time)) * np.exp(-6.908 * time / reverberation_seconds)
    dark = np.convolve(tail, np.exp(-np.arange(12) / 2.5), "same")
    blend = np.minimum(time / reverberation_seconds * 2, 1)
    tail = tail * (1 - blend) + dark * 0.5 * blend
    early = rng.integers(20, round(0.05 * RATE), 12)
    tail[early] += rng.uniform(-1, 1, 12) * 6
    tail[0] = 0
    tail *= np.sqrt((1 - direct_share) / np.square(tail).sum())
    tail[0] = np.sqrt(direct_share)
    return np.asarray(tail)


def equaliser(rng: np.random.Generator, most_db: float) -> npt.NDArray[np.float32]:
    """A smooth frequency response (real, over the bins of a clip) of up to `most_db` up or down."""
    hertz = np.maximum(np.arange(_BINS) * RATE / CLIP_SAMPLES, 40)
    knots = np.log([40, 150, 500, 1200, 3000, 8000])
    decibels = np.interp(np.log(hertz), knots, rng.uniform(-most_db, most_db, 6))
    return np.asarray(10 ** (decibels / 20), np.float32)


def narrow_line(low_hz: float, high_hz: float) -> npt.NDArray[np.float32]:
    """A band-pass of a telephone or a small loudspeaker: 6th order slopes beside the band."""
    hertz = np.maximum(np.arange(_BINS) * RATE / CLIP_SAMPLES, 1)
    return np.asarray(1 / np.sqrt(1 + (low_hz / hertz) ** 6) / np.sqrt(1 + (hertz / high_hz) ** 12), np.float32)


@dataclass(frozen=True)
class Transmission:
    """Rooms, equalisers and narrow lines, drawn beforehand so that mixing only multiplies."""

    rooms: list[Spectrum]
    equalisers: list[npt.NDArray[np.float32]]
    lines: list[npt.NDArray[np.float32]]

    @classmethod
    def drawn(cls, seed: int, rooms: int = 200, equalisers: int = 150, lines: int = 60) -> Transmission:
        """A set from a seed."""
        rng = np.random.default_rng(seed)
        responses = [
            room_response(rng, float(np.exp(rng.uniform(np.log(0.08), np.log(1.6)))), rng.uniform(0.15, 0.95))
            for _ in range(rooms)
        ]
        return cls(
            [np.fft.rfft(response, CLIP_SAMPLES).astype(np.complex64) for response in responses],
            [equaliser(rng, rng.uniform(2, 10)) for _ in range(equalisers)],
            [narrow_line(rng.choice([20, 60, 200, 300]), rng.uniform(2800, 7000)) for _ in range(lines)],
        )

    def draw_line(self, rng: np.random.Generator) -> npt.NDArray[np.float32] | None:
        """A narrow line for a whole clip, in three of ten clips."""
        return self.lines[rng.integers(len(self.lines))] if rng.random() < 0.3 else None

    def draw_path(self, rng: np.random.Generator) -> Spectrum | None:
        """The path of one source: through a room, an equaliser, both, or straight."""
        path: Spectrum | None = self.rooms[rng.integers(len(self.rooms))] if rng.random() < 0.45 else None
        if rng.random() < 0.5:
            curve = self.equalisers[rng.integers(len(self.equalisers))]
            path = curve.astype(np.complex64) if path is None else path * curve
        return path
