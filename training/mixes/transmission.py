"""What a sound passes on its way into a recording: rooms, equalisers, narrow lines, as spectra to multiply by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from training.settings import CLIP_SAMPLES, RATE

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
    """Rooms, equalisers and narrow lines, drawn beforehand so that mixing only multiplies.

    Attributes:
        rooms: complex64 [rooms + 1, bins]; the last one changes nothing.
        equalisers: float32 [equalisers + 1, bins], likewise.
        lines: float32 [lines + 1, bins], likewise.
    """

    rooms: Tensor
    equalisers: Tensor
    lines: Tensor

    @classmethod
    def drawn(cls, seed: int, rooms: int = 200, equalisers: int = 150, lines: int = 60) -> Transmission:
        """A set from a seed."""
        rng = np.random.default_rng(seed)
        responses = [
            room_response(rng, float(np.exp(rng.uniform(np.log(0.08), np.log(1.6)))), rng.uniform(0.15, 0.95))
            for _ in range(rooms)
        ]
        straight = np.ones(_BINS, np.float32)
        spectra = [np.fft.rfft(response, CLIP_SAMPLES) for response in responses]
        curves = [equaliser(rng, rng.uniform(2, 10)) for _ in range(equalisers)]
        bands = [narrow_line(rng.choice([20, 60, 200, 300]), rng.uniform(2800, 7000)) for _ in range(lines)]
        return cls(
            torch.from_numpy(np.stack([*spectra, straight]).astype(np.complex64)),
            torch.from_numpy(np.stack([*curves, straight])),
            torch.from_numpy(np.stack([*bands, straight])),
        )

    def on(self, device: torch.device) -> Transmission:
        """The same on a device."""
        return Transmission(self.rooms.to(device), self.equalisers.to(device), self.lines.to(device))

    def send(self, rng: np.random.Generator, dry: Tensor, owners: npt.NDArray[np.int64]) -> Tensor:
        """Send each source on its own path, and all sources of a clip through the same narrow line, if it has one.

        Nine of twenty go through a room, half through an equaliser, three clips of ten through a line.

        Args:
            rng: draws the paths.
            dry: float32 [K, CLIP_SAMPLES].
            owners: int64 [K], each source's clip.
        """
        line_of_clip = _picked(rng, len(self.lines), 0.3, int(owners.max(initial=0)) + 1)
        rooms, curves = (
            _picked(rng, len(each), odds, len(dry)) for each, odds in ((self.rooms, 0.45), (self.equalisers, 0.5))
        )
        chosen = [torch.from_numpy(each).to(dry.device) for each in (rooms, curves, line_of_clip[owners])]
        straight = (chosen[0] == len(self.rooms) - 1) & (chosen[1] == len(self.equalisers) - 1)
        touched = torch.nonzero(~(straight & (chosen[2] == len(self.lines) - 1))).flatten()
        rooms_of, curves_of, lines_of = (each[touched] for each in chosen)
        spectra = torch.fft.rfft(dry[touched]) * self.rooms[rooms_of]
        spectra *= self.equalisers[curves_of] * self.lines[lines_of]
        dry[touched] = torch.fft.irfft(spectra, CLIP_SAMPLES)
        return dry


def _picked(rng: np.random.Generator, choices: int, odds: float, count: int) -> npt.NDArray[np.int64]:
    """One of all choices but the last, or, at the remaining odds, the last."""
    return np.where(rng.random(count) < odds, rng.integers(0, choices - 1, count), choices - 1)
