"""PANNs' Cnn14 (Kong et al.: https://arxiv.org/abs/1912.10211, table I), for 32, 16 and 8 kHz."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from importers.checkpoint import StateDict, load_weights, require
from importers.errors import ImporterError
from importers.folding import fold_batch_norms
from importers.front_ends import PannsMel

WHAT = "PANNs' Cnn14"
_NUM_BLOCKS = 6
_WINDOW = "spectrogram_extractor.stft.conv_real.weight"
_MEL = "logmel_extractor.melW"
# The published networks: size of the Fourier transform -> sample rate and hop in samples, 10 ms each.
_RATES = {1024: (32_000, 320), 512: (16_000, 160), 256: (8_000, 80)}


class ConvBlock(nn.Sequential):
    """Two 3 by 3 convolutions, each with batch norm and ReLU."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(*_conv(inputs, outputs), *_conv(outputs, outputs))


class Cnn14(nn.Module):
    """The network behind the front end.

    Args:
        widths: Channels of the six blocks.
        num_mels: Mel bands.
        hidden: Width of the layer before the classes.
        classes: Outputs.
    """

    def __init__(self, widths: list[int], num_mels: int, hidden: int, classes: int) -> None:
        super().__init__()
        self.bn0 = nn.BatchNorm2d(num_mels)
        pairs = zip([1, *widths[:-1]], widths, strict=True)
        self.blocks = nn.ModuleList(ConvBlock(inputs, outputs) for inputs, outputs in pairs)
        self.fc1 = nn.Linear(widths[-1], hidden)
        self.fc_audioset = nn.Linear(hidden, classes)

    def forward(self, image: Tensor) -> Tensor:
        """Mel spectrograms (M, 1, frames, mels) to logits (M, classes)."""
        image = self.bn0(image.transpose(1, 3)).transpose(1, 3)
        image = image.contiguous(memory_format=torch.channels_last)  # twice as fast on a CPU
        for number, block in enumerate(self.blocks, 1):
            image = block(image)
            if number < len(self.blocks):
                image = functional.avg_pool2d(image, 2)
        bands = image.mean(3)
        logits: Tensor = self.fc_audioset(torch.relu(self.fc1(bands.amax(2) + bands.mean(2))))
        return logits


class Panns(nn.Module):
    """Front end and network.

    Args:
        weights: A published state dict, with the front end's own constants.

    Raises:
        ImporterError: It is of another network.
    """

    def __init__(self, weights: StateDict) -> None:
        super().__init__()
        names = [_WINDOW, _MEL, "bn0.weight", f"conv_block{_NUM_BLOCKS}.conv2.weight", "fc1.weight"]
        require(weights, [*names, "fc_audioset.weight"], what=WHAT)
        # The real part of the transform at 0 Hz is the window itself.
        window, mel = weights[_WINDOW][0, 0].float(), weights[_MEL].float()
        self.classes = len(weights["fc_audioset.weight"])
        self.sample_rate, hop_samples = _rate(len(window))
        self.mel = PannsMel(window, mel, hop_samples)
        network = Cnn14(
            [weights[f"conv_block{number}.conv2.weight"].shape[0] for number in range(1, _NUM_BLOCKS + 1)],
            mel.shape[1],
            weights["fc1.weight"].shape[0],
            weights["fc_audioset.weight"].shape[0],
        ).eval()
        load_weights(network, _renamed(weights), what=WHAT)
        self.network = fold_batch_norms(network)

    def forward(self, samples: Tensor) -> Tensor:
        """float32 (M, samples) at the checkpoint's rate to probabilities (M, classes)."""
        return torch.sigmoid(self.network(self.mel(samples)))


def _conv(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]


def _rate(fft_size: int) -> tuple[int, int]:
    if fft_size not in _RATES:
        raise ImporterError(f"a Cnn14 with frames of {fft_size} samples is not published; {sorted(_RATES)} are")
    return _RATES[fft_size]


def _renamed(weights: StateDict) -> dict[str, Tensor]:
    """The network's part, under the names of `Cnn14`: conv_block3.bn2.bias becomes blocks.2.4.bias."""
    places = {"conv1": 0, "bn1": 1, "conv2": 3, "bn2": 4}
    renamed = {}
    for name, value in weights.items():
        first, *rest = name.split(".")
        if first.startswith("conv_block"):
            number = int(first.removeprefix("conv_block"))
            renamed[".".join(["blocks", str(number - 1), str(places[rest[0]]), *rest[1:]])] = value
        elif first in ("bn0", "fc1", "fc_audioset"):
            renamed[name] = value
    return renamed
