"""Small checkpoints with the names and shapes of the published ones, their weights drawn from a seed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from tests.support.audio import Floats, lively, tone

CLASSES = 527
# Of EfficientAT's narrowest network, mn01: (kernel, inputs, widened, excitation, outputs) of its 15 blocks.
_MN01_BLOCKS = (
    (3, 8, 8, 0, 8),
    (3, 8, 8, 0, 8),
    (3, 8, 8, 0, 8),
    (5, 8, 8, 8, 8),
    (5, 8, 16, 8, 8),
    (5, 8, 16, 8, 8),
    (3, 8, 24, 0, 8),
    (3, 8, 24, 0, 8),
    (3, 8, 24, 0, 8),
    (3, 8, 24, 0, 8),
    (3, 8, 48, 16, 16),
    (3, 16, 64, 16, 16),
    (5, 16, 64, 16, 16),
    (5, 16, 96, 24, 16),
    (5, 16, 96, 24, 16),
)
_PANNS_WIDTHS = (4, 8, 8, 16, 16, 32)


class _Draw:
    """Weights that keep a signal at about its size, and batch norms that are not the identity."""

    def __init__(self, seed: int) -> None:
        self._generator = torch.Generator().manual_seed(seed)

    def normal(self, *shape: int, size: float = 1.0) -> Tensor:
        return size * torch.randn(*shape, generator=self._generator)

    def conv(self, name: str, outputs: int, inputs: int, kernel: int) -> Iterator[tuple[str, Tensor]]:
        size = math.sqrt(2 / (inputs * kernel**2))
        yield f"{name}.weight", self.normal(outputs, inputs, kernel, kernel, size=size)

    def norm(self, name: str, channels: int, mean: float = 0, deviation: float = 1) -> Iterator[tuple[str, Tensor]]:
        yield f"{name}.weight", 1 + 0.2 * torch.rand(channels, generator=self._generator)
        yield f"{name}.bias", self.normal(channels, size=0.2)
        yield f"{name}.running_mean", mean + self.normal(channels, size=0.2 * deviation)
        yield f"{name}.running_var", deviation**2 * (0.5 + torch.rand(channels, generator=self._generator))
        yield f"{name}.num_batches_tracked", torch.tensor(1)

    def dense(self, name: str, outputs: int, inputs: int, size: float = 1.0) -> Iterator[tuple[str, Tensor]]:
        yield f"{name}.weight", self.normal(outputs, inputs, size=size / math.sqrt(inputs))
        yield f"{name}.bias", self.normal(outputs, size=0.1)


def efficientat_weights(seed: int = 0) -> dict[str, Tensor]:
    """A state dict with the names and shapes of EfficientAT's mn01_as."""
    return dict(_mn01(_Draw(seed)))


def _mn01(draw: _Draw) -> Iterator[tuple[str, Tensor]]:
    yield from draw.conv("features.0.0", 8, 1, 3)
    yield from draw.norm("features.0.1", 8)
    for number, (kernel, inputs, widened, excitation, outputs) in enumerate(_MN01_BLOCKS, 1):
        place = 0
        for shape in ([(widened, inputs, 1)] if widened != inputs else []) + [(widened, 1, kernel)]:
            yield from draw.conv(f"features.{number}.block.{place}.0", *shape)
            yield from draw.norm(f"features.{number}.block.{place}.1", widened)
            place += 1
        if excitation:
            excite = f"features.{number}.block.{place}.conc_se_layers.0"
            yield from draw.dense(f"{excite}.fc1", excitation, widened)
            yield from draw.dense(f"{excite}.fc2", widened, excitation)
            place += 1
        yield from draw.conv(f"features.{number}.block.{place}.0", outputs, widened, 1)
        yield from draw.norm(f"features.{number}.block.{place}.1", outputs)
    yield from draw.conv("features.16.0", 96, 16, 1)
    yield from draw.norm("features.16.1", 96)
    yield from draw.dense("classifier.2", 128, 96, size=0.02)  # the blocks have made the signal large
    yield from draw.dense("classifier.5", CLASSES, 128, size=0.5)


def panns_weights(sample_rate: int, seed: int = 0) -> dict[str, Tensor]:
    """A state dict with the names of PANNs' Cnn14 for 32 or 16 kHz, and narrower blocks."""
    return dict(_cnn14(_Draw(seed), sample_rate))


def _cnn14(draw: _Draw, sample_rate: int) -> Iterator[tuple[str, Tensor]]:
    fft_size = {32_000: 1024, 16_000: 512}[sample_rate]
    bins, window = fft_size // 2 + 1, torch.hann_window(fft_size, dtype=torch.float64)
    phases = 2 * math.pi / fft_size * torch.outer(torch.arange(bins).double(), torch.arange(fft_size).double())
    yield "spectrogram_extractor.stft.conv_real.weight", (phases.cos() * window).float()[:, None]
    yield "spectrogram_extractor.stft.conv_imag.weight", (-phases.sin() * window).float()[:, None]
    # Any bands do: the published ones come with the checkpoint, too.
    centres, places = torch.linspace(4, bins - 5, 64)[None], torch.arange(bins)[:, None]
    yield "logmel_extractor.melW", (1 - (places - centres).abs() / 6).clamp(min=0) / 50
    yield from draw.norm("bn0", 64, mean=-40, deviation=25)  # decibels
    for number, (inputs, outputs) in enumerate(zip((1, *_PANNS_WIDTHS[:-1]), _PANNS_WIDTHS, strict=True), 1):
        for layer, shape in ((1, (outputs, inputs, 3)), (2, (outputs, outputs, 3))):
            yield from draw.conv(f"conv_block{number}.conv{layer}", *shape)
            yield from draw.norm(f"conv_block{number}.bn{layer}", outputs)
    yield from draw.dense("fc1", 24, _PANNS_WIDTHS[-1])
    yield from draw.dense("fc_audioset", CLASSES, 24)


def write_checkpoint(file: Path, content: object) -> Path:
    """Writes what torch.save takes."""
    torch.save(content, file)
    return file


def scene(sample_rate: int) -> Floats:
    """Four seconds of a different sound each, float32 of shape (samples,)."""
    noise = lively(1, sample_rate=sample_rate, seed=1)[:, 0]
    chirp = np.sin(2 * np.pi * 3_000 * (np.arange(sample_rate) / sample_rate) ** 2).astype(np.float32)
    clicks = np.zeros(sample_rate, np.float32)
    clicks[:: sample_rate // 10] = 0.9
    return np.concatenate((tone(440, 0.5, 1, sample_rate), noise, 0.3 * chirp, clicks))
