"""The network: it encodes each hop once, then scores neighbouring hops together.

Shapes: N hops, M windows of WINDOW_HOPS hops, T encoder steps per hop, D embedding channels.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from training.settings import HOP_SAMPLES, RATE, WINDOW_HOPS

MELS = 64
_FFT = 512  # 32 ms
_STRIDE = 320  # 20 ms: 50 frames per hop
_LOW_HERTZ, _HIGH_HERTZ = 70.0, 7000.0  # above 7 kHz low bit rates keep nothing
_CLAMP = 4.0  # 12 dB over full scale: the most that clipped float recordings have
_LEVEL_FLOOR = 10 ** (-75 / 10) / MELS  # hops under -75 dB of full scale count as that quiet
_BAND_FLOOR = 10 ** (-45 / 10)  # bands more than 45 dB under their hop's mean look alike: codecs leave holes there
STEPS = 13  # encoder steps per hop: 50 frames halved twice
_WIDTH = 224


def _mel_matrix() -> Tensor:
    """Triangular filters of equal width in mel (O'Shaughnessy's formula), [bins, MELS]."""

    def to_mel(hertz: Tensor) -> Tensor:
        return 2595 * torch.log10(1 + hertz / 700)

    low, high = to_mel(torch.tensor([_LOW_HERTZ, _HIGH_HERTZ]))
    edges = torch.linspace(float(low), float(high), MELS + 2)
    corners = 700 * (10 ** (edges / 2595) - 1)
    hertz = torch.linspace(0, RATE / 2, _FFT // 2 + 1)[:, None]
    rising = (hertz - corners[:-2]) / (corners[1:-1] - corners[:-2])
    falling = (corners[2:] - hertz) / (corners[2:] - corners[1:-1])
    # The lowest filters are narrower than a bin: widen them to one, else some would be empty.
    width = RATE / _FFT
    nearest = (1 - (hertz - corners[1:-1]).abs() / width).clamp(min=0)
    return torch.maximum(torch.minimum(rising, falling).clamp(min=0), nearest)


class LogMel(nn.Module):
    """Hops to log-mel frames relative to the hop's own level, so that the gain of a recording does not matter."""

    window: Tensor
    mel: Tensor

    def __init__(self) -> None:
        super().__init__()
        window = torch.hann_window(_FFT)
        self.register_buffer("window", window / window.square().sum().mul(_FFT / 2).sqrt())
        self.register_buffer("mel", _mel_matrix())

    def forward(self, hops: Tensor) -> tuple[Tensor, Tensor]:
        """float32[N, HOP_SAMPLES] to features [N, frames, MELS] and levels in natural log of power [N]."""
        calm = torch.nan_to_num(hops, nan=0.0).clamp(-_CLAMP, _CLAMP)
        margin = (_FFT - _STRIDE) // 2
        frames = functional.pad(calm, (margin, margin), mode="reflect").unfold(1, _FFT, _STRIDE)
        spectrum = torch.view_as_real(torch.fft.rfft(frames * self.window))
        power = spectrum.square().sum(-1) @ self.mel
        level = power.mean((1, 2)).clamp(min=_LEVEL_FLOOR)
        features = torch.log(power / level[:, None, None] + _BAND_FLOOR)
        return (features + 4.0) / 3.0, level.log()


def _conv(inputs: int, outputs: int, kernel: int, stride: tuple[int, int]) -> nn.Sequential:
    conv = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs))


class Residual(nn.Module):
    """A 3 by 3 convolution around which the input is added."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = _conv(channels, channels, 3, (1, 1))

    def forward(self, inputs: Tensor) -> Tensor:
        """[N, channels, frames, bands] to the same shape."""
        return torch.relu(inputs + self.conv(inputs))


class Encoder(nn.Module):
    """Encodes every hop alone: features [N, frames, MELS] to embeddings [N, STEPS, D]."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            _conv(1, 32, 5, (2, 2)),
            nn.ReLU(),
            _conv(32, 48, 3, (2, 2)),
            nn.ReLU(),
            Residual(48),
            _conv(48, 96, 3, (1, 2)),
            nn.ReLU(),
            Residual(96),
            Residual(96),
            _conv(96, 160, 3, (1, 2)),
            nn.ReLU(),
            Residual(160),
            Residual(160),
        )
        self.project = nn.Linear(160 * MELS // 16, _WIDTH)

    def forward(self, features: Tensor) -> Tensor:
        """Shapes as above; no hop affects another."""
        image = features[:, None].contiguous(memory_format=torch.channels_last)
        maps = self.layers(image)
        return torch.relu(self.project(maps.permute(0, 2, 3, 1).flatten(2)))


class Head(nn.Module):
    """Neighbouring hops together: embeddings [M, WINDOW_HOPS * STEPS, D + 1] to a summary [M, 2 * D] of each window."""

    def __init__(self, tags: int, classes: int) -> None:
        super().__init__()
        self.near = nn.Conv1d(_WIDTH + 1, _WIDTH, 3, padding=1)
        self.far = nn.Conv1d(_WIDTH, _WIDTH, 5, padding=6, dilation=3)
        self.dropout = nn.Dropout(0.2)
        self.score = nn.Linear(2 * _WIDTH, tags)
        self.classify = nn.Linear(2 * _WIDTH, classes)

    def forward(self, steps: Tensor) -> Tensor:
        """All steps of a window at once, so that it hears sweeps and rhythms that cross the hops."""
        near = torch.relu(self.near(steps.transpose(1, 2)))
        far = torch.relu(near + self.far(near))
        summary: Tensor = self.dropout(torch.cat([far.mean(2), far.amax(2)], 1))
        return summary


class Tagger(nn.Module):
    """The whole network: hops and the windows' first hops to logits.

    Args:
        tags: how many it scores.
        classes: of AudioSet, which it learns from a teacher beside the tags. They teach the layers below what else
            differs; nothing reads them afterwards.
    """

    def __init__(self, tags: int, classes: int) -> None:
        super().__init__()
        self.log_mel = LogMel()
        self.encoder = Encoder()
        self.head = Head(tags, classes)

    def forward(self, hops: Tensor, starts: Tensor) -> Tensor:
        """float32[N, HOP_SAMPLES] and int64[M] to logits [M, tags]; window m is the hops starts[m], starts[m] + 1."""
        features, levels = self.log_mel(hops)
        logits: Tensor = self.head.score(self.summaries(self.encoder(features), levels, starts))
        return logits

    def all_logits(self, embeddings: Tensor, levels: Tensor, starts: Tensor) -> Tensor:
        """Embeddings [N, STEPS, D] and log levels [N] of all hops to logits [M, tags, then classes]."""
        summaries = self.summaries(embeddings, levels, starts)
        return torch.cat([self.head.score(summaries), self.head.classify(summaries)], 1)

    def summaries(self, embeddings: Tensor, levels: Tensor, starts: Tensor) -> Tensor:
        """Embeddings [N, STEPS, D] and log levels [N] of all hops to a summary [M, 2 * D] of each window."""
        members = torch.stack([starts + number for number in range(WINDOW_HOPS)], 1)
        loudness = levels[members]
        # How much quieter each hop is than the loudest of its window; 8.7 dB is 1, and 26 dB the most.
        relative = ((loudness - loudness.amax(1, keepdim=True)) / 2).clamp(min=-3)
        beside = relative[:, :, None, None].expand(-1, -1, STEPS, 1)
        summaries: Tensor = self.head(torch.cat([embeddings[members], beside], 3).flatten(1, 2))
        return summaries


class Served(nn.Module):
    """What the model file holds: probabilities instead of logits."""

    def __init__(self, tagger: Tagger) -> None:
        super().__init__()
        self.tagger = tagger

    def forward(self, hops: Tensor, starts: Tensor) -> Tensor:
        """float32[N, HOP_SAMPLES] and int64[M] to probabilities [M, tags]."""
        return torch.sigmoid(self.tagger(hops, starts))


def example_inputs() -> tuple[Tensor, Tensor]:
    """Inputs for export and tests: three hops, two windows."""
    return torch.zeros(3, HOP_SAMPLES), torch.tensor([0, 1])
