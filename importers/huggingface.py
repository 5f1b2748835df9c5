"""Audio classification models of Hugging Face's transformers, with their feature extractors as part of the network."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from importers.errors import ImporterError
from importers.front_ends import KaldiFbank

# Values of problem_type in config.json: https://huggingface.co/docs/transformers/main_classes/configuration
_EXCLUSIVE = {"single_label_classification": True, "multi_label_classification": False}


@dataclass(frozen=True)
class Classifier:
    """A model folder's content.

    Attributes:
        model: float32 (M, samples) to logits (M, classes).
        sample_rate: In Hz.
        labels: Names of the classes.
        exclusive: Whether the folder says that classes exclude each other; None where it says nothing.
    """

    model: nn.Module
    sample_rate: int
    labels: tuple[str, ...]
    exclusive: bool | None


class Activated(nn.Module):
    """Probabilities of a classifier.

    Args:
        model: Gives logits.
        exclusive: Whether classes exclude each other (softmax) or not (a sigmoid each).
    """

    def __init__(self, model: nn.Module, *, exclusive: bool) -> None:
        super().__init__()
        self.model, self.exclusive = model, exclusive

    def forward(self, samples: Tensor) -> Tensor:
        """float32 (M, samples) to probabilities (M, classes)."""
        logits = self.model(samples)
        return torch.softmax(logits, 1) if self.exclusive else torch.sigmoid(logits)


class _Extracted(nn.Module):
    def __init__(self, front_end: nn.Module, model: nn.Module) -> None:
        super().__init__()
        self.front_end, self.model = front_end, model

    def forward(self, samples: Tensor) -> Tensor:
        logits: Tensor = self.model(self.front_end(samples), return_dict=True).logits
        return logits


class _Normalised(nn.Module):
    """Wav2Vec2FeatureExtractor with `do_normalize`: every window to mean 0 and variance 1."""

    def forward(self, samples: Tensor) -> Tensor:
        variance, mean = torch.var_mean(samples, dim=1, keepdim=True, correction=0)
        return (samples - mean) / torch.sqrt(variance + 1e-7)


def read_folder(folder: Path) -> Classifier:
    """Reads a folder with config.json, preprocessor_config.json and the weights, without going online.

    Raises:
        ImporterError: transformers is missing, the folder cannot be read, or its feature extractor is not supported.
    """
    transformers = require_transformers()
    for name in ("config.json", "preprocessor_config.json"):
        if not (folder / name).is_file():
            raise ImporterError(f"{folder} is not a model folder of Hugging Face: it has no {name}")
    try:
        extractor = transformers.AutoFeatureExtractor.from_pretrained(folder, local_files_only=True)
        model = transformers.AutoModelForAudioClassification.from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError, RuntimeError) as error:
        raise ImporterError(f"transformers cannot read {folder}: {str(error).splitlines()[0]}") from error
    names = model.config.id2label
    return Classifier(
        model=_Extracted(_front_end(extractor), model.float().eval()),
        sample_rate=int(extractor.sampling_rate),
        labels=tuple(str(names[index]) for index in range(len(names))),
        exclusive=_EXCLUSIVE.get(model.config.problem_type),
    )


def require_transformers() -> Any:  # noqa: ANN401 - a module
    """Returns the package transformers.

    Raises:
        ImporterError: It is not installed.
    """
    try:
        import transformers
    except ImportError as error:
        raise ImporterError(
            "Hugging Face folders need transformers, which make setup does not install: "
            "run .venv/bin/pip install 'transformers>=4.46'"
        ) from error
    return transformers


def _front_end(extractor: Any) -> nn.Module:  # noqa: ANN401 - transformers' extractors share no typed base
    kind = type(extractor).__name__
    if kind == "ASTFeatureExtractor":
        mean, deviation = (extractor.mean, extractor.std) if extractor.do_normalize else (0.0, 0.5)
        return KaldiFbank(extractor.sampling_rate, extractor.num_mel_bins, extractor.max_length, mean, deviation)
    if kind == "Wav2Vec2FeatureExtractor":
        return _Normalised() if extractor.do_normalize else nn.Identity()
    raise ImporterError(
        f"the feature extractor {kind} is not supported: ASTFeatureExtractor and Wav2Vec2FeatureExtractor are"
    )
