"""A TorchServe handler as most are written, to compare with.

It loads the whole file with torchaudio, resamples it, and scores window after window. It imports nothing of this
project, since it is packed alone.
"""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
import torchaudio
from ts.context import Context
from ts.torch_handler.base_handler import BaseHandler


class UsualHandler(BaseHandler):  # type: ignore[misc]  # TorchServe is not annotated
    """Tags sound files window by window."""

    def initialize(self, context: Context) -> None:
        """Loads the model of the archive."""
        extra_files = {"sense.json": ""}
        file = Path(context.system_properties["model_dir"]) / context.manifest["model"]["serializedFile"]
        self.model = torch.export.load(file, extra_files=extra_files).module()
        self.info = json.loads(extra_files["sense.json"])
        self.initialized = True

    def handle(self, data: Sequence[Mapping[str, Any]], context: Context) -> list[list[dict[str, Any]]]:
        """Answers a batch of requests."""
        with torch.inference_mode():
            return [self._tag(bytes(row["body"])) for row in data]

    def _tag(self, body: bytes) -> list[dict[str, Any]]:
        rate, window_hops = self.info["sample_rate"], self.info["window_hops"]
        hop_samples = round(rate * self.info["hop_seconds"])
        samples, source_rate = torchaudio.load(io.BytesIO(body))
        samples = torchaudio.functional.resample(samples.mean(0), source_rate, rate)
        missing = max(0, window_hops * hop_samples - len(samples))
        windows = torch.nn.functional.pad(samples, (0, missing)).unfold(0, window_hops * hop_samples, hop_samples)
        return [self._answer(place, window.reshape(window_hops, -1)) for place, window in enumerate(windows)]

    def _answer(self, place: int, hops: torch.Tensor) -> dict[str, Any]:
        probabilities = self.model(hops, torch.tensor([0]))[0].tolist()
        heard = [
            {"name": tag["name"], "probability": probability}
            for tag, probability in zip(self.info["tags"], probabilities, strict=True)
            if probability >= tag["threshold"]
        ]
        start, length = place * self.info["hop_seconds"], self.info["window_hops"] * self.info["hop_seconds"]
        return {"start_time": start, "end_time": start + length, "tags": heard}
