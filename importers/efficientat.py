"""EfficientAT's MobileNets (Schmid, Koutini, Widmer: https://arxiv.org/abs/2211.04772).

They are MobileNetV3-Large (Howard et al.: https://arxiv.org/abs/1905.02244, table 1) on a mel spectrogram of one
channel. Widths, kernels and the places of squeeze-and-excitation are read off the weights' shapes; strides and
activations stand in the paper's table.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from importers.checkpoint import StateDict, load_weights, require
from importers.errors import ImporterError
from importers.folding import fold_batch_norms
from importers.front_ends import EfficientAtMel

WHAT = "an EfficientAT MobileNet (mn..)"
_NUM_BLOCKS = 15
# Blocks that halve the image, where no other strides are asked for; and the first block with hard-swish.
_STRIDED_BLOCKS = (2, 4, 7, 13)
_FIRST_HARD_SWISH_BLOCK = 7


@dataclass(frozen=True)
class Variant:
    """What a checkpoint does not say about itself.

    Attributes:
        num_mels: Mel bands of the front end.
        hop_milliseconds: From frame to frame.
        strides: Of blocks 2, 4, 7 and 13.
    """

    num_mels: int = 128
    hop_milliseconds: int = 10
    strides: tuple[int, ...] = (2, 2, 2, 2)


def variant_of(file_name: str) -> Variant:
    """Reads the variant off a published name: mn10_as_mels_64.., mn10_as_hop_15.. (ms), mn10_as_fc_s2211..."""
    mels, hop, strides = (re.search(form, file_name) for form in (r"_mels_(\d+)", r"_hop_(\d+)", r"_s([12]{4})(?!\d)"))
    return Variant(
        num_mels=int(mels[1]) if mels else Variant.num_mels,
        hop_milliseconds=int(hop[1]) if hop else Variant.hop_milliseconds,
        strides=tuple(int(digit) for digit in strides[1]) if strides else Variant.strides,
    )


class ConvNorm(nn.Sequential):
    """A convolution without bias that keeps the image's size (but for its stride), batch norm, and an activation."""

    def __init__(self, weight: Tensor, activation: nn.Module, *, stride: int = 1, depthwise: bool = False) -> None:
        outputs, inputs, kernel, _ = weight.shape
        groups = outputs if depthwise else 1
        conv = nn.Conv2d(inputs * groups, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
        super().__init__(conv, nn.BatchNorm2d(outputs, eps=1e-3), activation)


class SqueezeExcitation(nn.Module):
    """Scales channels by what a small network makes of their means (https://arxiv.org/abs/1709.01507)."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(channels, squeezed)
        self.fc2 = nn.Linear(squeezed, channels)

    def forward(self, image: Tensor) -> Tensor:
        """(M, channels, mels, frames) to the same shape."""
        scale = torch.sigmoid(self.fc2(torch.relu(self.fc1(image.mean((2, 3))))))
        return image * scale[:, :, None, None]


class ConcurrentExcitation(nn.Module):
    """Where EfficientAT keeps its excitations; the published networks have one, over channels."""

    def __init__(self, channels: int, squeezed: int) -> None:
        super().__init__()
        self.conc_se_layers = nn.ModuleList([SqueezeExcitation(channels, squeezed)])

    def forward(self, image: Tensor) -> Tensor:
        """(M, channels, mels, frames) to the same shape."""
        scaled: Tensor = self.conc_se_layers[0](image)
        return scaled


class InvertedResidual(nn.Module):
    """Widen, filter each channel, weigh the channels, narrow; around it a short cut where the shape stays.

    Args:
        weights: The block's part of a state dict, its names beginning behind "block.".
        stride: Of the filter.
        activation: ReLU or hard-swish.
    """

    def __init__(self, weights: StateDict, stride: int, activation: type[nn.Module]) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        last = max(int(name.split(".")[0]) for name in weights)
        for place in range(last + 1):
            squeeze = weights.get(f"{place}.conc_se_layers.0.fc1.weight")
            if squeeze is not None:
                layers.append(ConcurrentExcitation(squeeze.shape[1], squeeze.shape[0]))
                continue
            weight = weights[f"{place}.0.weight"]
            is_filter = weight.shape[2] > 1
            after = nn.Identity() if place == last else activation()
            layers.append(ConvNorm(weight, after, stride=stride if is_filter else 1, depthwise=is_filter))
        self.block = nn.Sequential(*layers)
        first, narrowing = layers[0], layers[-1]
        assert isinstance(first, ConvNorm)
        assert isinstance(narrowing, ConvNorm)
        self.has_short_cut = stride == 1 and first[0].in_channels == narrowing[0].out_channels

    def forward(self, image: Tensor) -> Tensor:
        """(M, inputs, mels, frames) to (M, outputs, mels / stride, frames / stride)."""
        result: Tensor = self.block(image)
        return image + result if self.has_short_cut else result


class MobileNet(nn.Module):
    """The network, its layers named as in the published state dicts.

    Args:
        weights: A state dict, for its shapes; `load_weights` fills them in.
        strides: Of the blocks 2, 4, 7 and 13.
    """

    def __init__(self, weights: StateDict, strides: tuple[int, ...]) -> None:
        super().__init__()
        stride_of = dict(zip(_STRIDED_BLOCKS, strides, strict=True))
        layers: list[nn.Module] = [ConvNorm(weights["features.0.0.weight"], nn.Hardswish(), stride=2)]
        for number in range(1, _NUM_BLOCKS + 1):
            activation = nn.Hardswish if number >= _FIRST_HARD_SWISH_BLOCK else nn.ReLU
            part = _part(weights, f"features.{number}.block.")
            layers.append(InvertedResidual(part, stride_of.get(number, 1), activation))
        layers.append(ConvNorm(weights[f"features.{_NUM_BLOCKS + 1}.0.weight"], nn.Hardswish()))
        self.features = nn.Sequential(*layers)
        self.classifier = _head(_part(weights, "classifier."))

    def forward(self, image: Tensor) -> Tensor:
        """Mel spectrograms (M, 1, mels, frames) to logits (M, classes)."""
        logits: Tensor = self.classifier(self.features(image.contiguous(memory_format=torch.channels_last)))
        return logits


class EfficientAt(nn.Module):
    """Front end and network.

    Args:
        weights: A published state dict.
        variant: What the state dict does not say.

    Raises:
        ImporterError: It is of another network.
    """

    def __init__(self, weights: StateDict, variant: Variant) -> None:
        super().__init__()
        require(weights, ["features.0.0.weight", f"features.{_NUM_BLOCKS + 1}.0.weight"], what=WHAT)
        if any("conc_se_layers.1" in name for name in weights):
            raise ImporterError(
                "squeeze-and-excitation over bands or frames is not supported: no published model has it"
            )
        self.mel = EfficientAtMel(variant.num_mels, variant.hop_milliseconds * EfficientAtMel.SAMPLE_RATE // 1000)
        network = MobileNet(weights, variant.strides).eval()
        load_weights(network, weights, what=WHAT)
        self.classes = len(weights["classifier.5.bias" if "classifier.5.bias" in weights else "classifier.1.bias"])
        self.network = fold_batch_norms(network)

    def forward(self, samples: Tensor) -> Tensor:
        """float32 (M, samples) at 32 kHz to probabilities (M, classes)."""
        return torch.sigmoid(self.network(self.mel(samples)))


def _part(weights: StateDict, prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}


def _head(weights: StateDict) -> nn.Sequential:
    """The classifier: two dense layers over the mean, or, fully convolutional, the mean over scores of places."""
    if "5.weight" in weights:
        (hidden, inputs), (classes, _) = weights["2.weight"].shape, weights["5.weight"].shape
        first, last = nn.Linear(inputs, hidden), nn.Linear(hidden, classes)
        return nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), first, nn.Hardswish(), nn.Dropout(), last)
    if "0.weight" in weights and weights["0.weight"].ndim == 4:
        classes, inputs = weights["0.weight"].shape[:2]
        conv = nn.Conv2d(inputs, classes, 1, bias=False)
        return nn.Sequential(conv, nn.BatchNorm2d(classes), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    raise ImporterError(f"the classifier of this checkpoint is of an unknown kind: {', '.join(weights)}")
