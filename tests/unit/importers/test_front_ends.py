"""Each front end against torch's or torchaudio's own functions, put together as the published code does it."""

from __future__ import annotations

import pytest
import torch
import torchaudio
from torch import Tensor
from torchaudio.compliance import kaldi

from importers.front_ends import EfficientAtMel, KaldiFbank, PannsMel
from tests.support.seeded_checkpoints import panns_weights, scene


def windows(sample_rate: int) -> Tensor:
    """Two windows of 2 s that share a second."""
    hops = torch.from_numpy(scene(sample_rate)).view(-1, sample_rate)
    return torch.cat((hops[:2], hops[1:3]), 1)


@pytest.mark.parametrize(("num_mels", "hop_samples"), [(128, 320), (40, 320), (128, 480)])
def test_efficientats_is_the_log_of_kaldis_bands(num_mels: int, hop_samples: int) -> None:
    samples = windows(32_000)
    emphasised = torch.nn.functional.conv1d(samples[:, None], torch.tensor([[[-0.97, 1.0]]]))[:, 0]
    window = torch.hann_window(800, periodic=False)
    spectrum = torch.stft(emphasised, 1024, hop_samples, 800, window, center=True, return_complex=True)
    banks, _ = kaldi.get_mel_banks(num_mels, 1024, 32_000.0, 0.0, 15_000.0, 100.0, -500.0, 1.0)
    bands = torch.nn.functional.pad(banks, (0, 1)) @ spectrum.abs().square()
    expected = ((bands + 1e-5).log() + 4.5) / 5
    actual = EfficientAtMel(num_mels, hop_samples)(samples)
    torch.testing.assert_close(actual[:, 0], expected, atol=2e-4, rtol=0)


@pytest.mark.parametrize(("sample_rate", "fft_size", "high_hertz"), [(32_000, 1024, 14_000.0), (16_000, 512, 8_000.0)])
def test_pannss_is_torchaudios_spectrogram_in_decibels(sample_rate: int, fft_size: int, high_hertz: float) -> None:
    samples, hop_samples = windows(sample_rate), sample_rate // 100
    mel = torchaudio.functional.melscale_fbanks(
        fft_size // 2 + 1, 50.0, high_hertz, 64, sample_rate, norm="slaney", mel_scale="slaney"
    )
    power = torchaudio.functional.spectrogram(
        samples, 0, torch.hann_window(fft_size), fft_size, hop_samples, fft_size, 2.0, normalized=False
    )
    expected = torchaudio.functional.amplitude_to_DB(power.transpose(1, 2) @ mel, 10.0, 1e-10, 0.0)
    window = panns_weights(sample_rate)["spectrogram_extractor.stft.conv_real.weight"][0, 0]
    actual = PannsMel(window, mel, hop_samples)(samples)
    assert actual.shape == (2, 1, 201, 64)
    # Bands that hold nothing but rounding errors lie at -100 dB and differ by more.
    audible = expected > -80
    torch.testing.assert_close(actual[:, 0][audible], expected[audible], atol=0.01, rtol=0)
    torch.testing.assert_close(actual[:, 0], expected, atol=1.0, rtol=0)


@pytest.mark.parametrize("num_frames", [1024, 198, 100])
def test_fbank_is_kaldis_filled_up_or_cut(num_frames: int) -> None:
    samples = windows(16_000)
    actual = KaldiFbank(16_000, 128, num_frames, mean=-4.27, deviation=4.57)(samples)
    for window, features in zip(samples, actual, strict=True):
        fbank = kaldi.fbank(window[None], sample_frequency=16_000, window_type="hanning", num_mel_bins=128)[:num_frames]
        filled = torch.cat((fbank, torch.zeros(num_frames - len(fbank), 128)))
        torch.testing.assert_close(features, (filled + 4.27) / 9.14, atol=2e-4, rtol=0)


def test_silence_is_finite() -> None:
    silence = torch.zeros(1, 32_000)
    weights = panns_weights(16_000)
    window = weights["spectrogram_extractor.stft.conv_real.weight"][0, 0]
    for front_end in (
        EfficientAtMel(),
        PannsMel(window, weights["logmel_extractor.melW"], 160),
        KaldiFbank(16_000, 128, 1024, 0.0, 0.5),
    ):
        assert torch.isfinite(front_end(silence)).all()
