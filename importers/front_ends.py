"""Mel spectrograms, each with the arithmetic that its networks were trained with.

All take windows of samples, float32 (M, samples), and treat each window separately.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchaudio.compliance.kaldi import get_mel_banks


def power_spectrum(frames: Tensor, fft_size: int) -> Tensor:
    """|DFT|² of frames (..., samples), each filled up with zeros to `fft_size`: (..., fft_size // 2 + 1)."""
    return torch.view_as_real(torch.fft.rfft(frames, fft_size)).square().sum(-1)


def centred_frames(samples: Tensor, frame_samples: int, hop_samples: int) -> Tensor:
    """Frames (M, T, frame_samples) around every `hop_samples`-th sample; the ends are mirrored."""
    half = frame_samples // 2
    return functional.pad(samples, (half, half), mode="reflect").unfold(1, frame_samples, hop_samples)


def kaldi_mel_matrix(num_mels: int, fft_size: int, sample_rate: int, low_hertz: float, high_hertz: float) -> Tensor:
    """Kaldi's triangles, straight in mel: (fft_size // 2 + 1, num_mels), without vocal tract warping."""
    banks, _ = get_mel_banks(num_mels, fft_size, float(sample_rate), low_hertz, high_hertz, 100.0, -500.0, 1.0)
    # Kaldi leaves out the bin at the Nyquist frequency.
    return functional.pad(banks, (0, 1)).T.contiguous()


class EfficientAtMel(nn.Module):
    """The front end of EfficientAT in evaluation mode: 32 kHz, 25 ms frames, 0 to 15 kHz.

    Args:
        num_mels: Mel bands.
        hop_samples: From frame to frame; 320 is 10 ms.
    """

    window: Tensor
    mel: Tensor

    SAMPLE_RATE = 32_000
    _FRAME_SAMPLES = 800
    _FFT_SIZE = 1024
    _HIGH_HERTZ = 15_000.0

    def __init__(self, num_mels: int = 128, hop_samples: int = 320) -> None:
        super().__init__()
        self.num_mels, self.hop_samples = num_mels, hop_samples
        self.register_buffer("window", torch.hann_window(self._FRAME_SAMPLES, periodic=False), persistent=False)
        mel = kaldi_mel_matrix(num_mels, self._FFT_SIZE, self.SAMPLE_RATE, 0.0, self._HIGH_HERTZ)
        self.register_buffer("mel", mel, persistent=False)

    def forward(self, samples: Tensor) -> Tensor:
        """(M, samples) to (M, 1, num_mels, frames)."""
        emphasised = samples[:, 1:] - 0.97 * samples[:, :-1]
        frames = centred_frames(emphasised, self._FRAME_SAMPLES, self.hop_samples)
        log_mel = torch.log(power_spectrum(frames * self.window, self._FFT_SIZE) @ self.mel + 1e-5)
        return ((log_mel + 4.5) / 5).transpose(1, 2)[:, None]


class PannsMel(nn.Module):
    """The front end of PANNs: decibels of mel bands, with the window and the bands that the checkpoint holds.

    Args:
        window: (fft_size,).
        mel: (fft_size // 2 + 1, num_mels).
        hop_samples: From frame to frame.
    """

    window: Tensor
    mel: Tensor

    _LEAST_POWER = 1e-10  # -100 dB

    def __init__(self, window: Tensor, mel: Tensor, hop_samples: int) -> None:
        super().__init__()
        self.hop_samples = hop_samples
        self.register_buffer("window", window.clone(), persistent=False)
        self.register_buffer("mel", mel.clone(), persistent=False)

    def forward(self, samples: Tensor) -> Tensor:
        """(M, samples) to (M, 1, frames, num_mels)."""
        size = len(self.window)
        frames = centred_frames(samples, size, self.hop_samples)
        power = power_spectrum(frames * self.window, size) @ self.mel
        return 10 * torch.log10(power.clamp(min=self._LEAST_POWER))[:, None]


class KaldiFbank(nn.Module):
    """Kaldi's log-mel filter banks as the feature extractor of AST uses them: 25 ms frames every 10 ms from 20 Hz up.

    Args:
        sample_rate: In Hz.
        num_mels: Mel bands.
        num_frames: Frames that the network takes: what is missing is filled with 0 before `mean` and `deviation` are
            applied, what is too much is cut off.
        mean: Subtracted from every value.
        deviation: By twice of which every value is then divided.
    """

    window: Tensor
    mel: Tensor

    _LOW_HERTZ = 20.0
    _LEAST_POWER = torch.finfo(torch.float32).eps

    def __init__(self, sample_rate: int, num_mels: int, num_frames: int, mean: float, deviation: float) -> None:
        super().__init__()
        self.num_frames, self.mean, self.deviation = num_frames, mean, deviation
        self.frame_samples, self.hop_samples = sample_rate * 25 // 1000, sample_rate // 100
        self.fft_size = 1 << (self.frame_samples - 1).bit_length()
        self.register_buffer("window", torch.hann_window(self.frame_samples, periodic=False), persistent=False)
        mel = kaldi_mel_matrix(num_mels, self.fft_size, sample_rate, self._LOW_HERTZ, 0.0)
        self.register_buffer("mel", mel, persistent=False)

    def forward(self, samples: Tensor) -> Tensor:
        """(M, samples) to (M, num_frames, num_mels)."""
        frames = samples.unfold(1, self.frame_samples, self.hop_samples)[:, : self.num_frames]
        frames = frames - frames.mean(2, keepdim=True)
        # The first sample of a frame is its own predecessor.
        before = torch.cat((frames[:, :, :1], frames[:, :, :-1]), 2)
        power = power_spectrum((frames - 0.97 * before) * self.window, self.fft_size) @ self.mel
        features = torch.log(power.clamp(min=self._LEAST_POWER))
        filled = functional.pad(features, (0, 0, 0, self.num_frames - features.shape[1]))
        return (filled - self.mean) / (2 * self.deviation)
