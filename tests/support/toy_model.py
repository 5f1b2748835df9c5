"""A model file whose answers can be worked out by hand: a tag's probability is the amplitude of its own tone.

A sine of 1,000 Hz and amplitude 0.6 makes "Siren" 0.6 in every window that it fills, and 0.3 in one that it half fills.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import torch

SAMPLE_RATE = 16_000
TONE_HERTZ = {"Music": 250, "Speech": 500, "Siren": 1000, "Laughter": 2000}
THRESHOLD = 0.5
TOY_INFO = {
    "name": "toy",
    "version": "1",
    "sample_rate": SAMPLE_RATE,
    "hop_seconds": 1,
    "window_hops": 2,
    "tags": [{"name": name, "category": "Test", "threshold": THRESHOLD} for name in TONE_HERTZ],
    "training": "none: computed from four frequencies",
}


class ToneModel(torch.nn.Module):
    """Amplitudes of four tones, the mean of a window's two hops."""

    basis: torch.Tensor

    def __init__(self) -> None:
        super().__init__()
        seconds = torch.arange(SAMPLE_RATE, dtype=torch.float64) / SAMPLE_RATE
        phases = 2 * math.pi * torch.tensor(list(TONE_HERTZ.values()), dtype=torch.float64)[:, None] * seconds
        self.register_buffer("basis", (torch.cat((phases.cos(), phases.sin())) * 2 / SAMPLE_RATE).float())

    def forward(self, hops: torch.Tensor, starts: torch.Tensor) -> torch.Tensor:
        cosines, sines = (hops @ self.basis.T).chunk(2, dim=1)
        amplitudes = torch.sqrt(cosines**2 + sines**2)
        return ((amplitudes[starts] + amplitudes[starts + 1]) / 2).clamp(0.0, 1.0)


def write_toy_model(path: Path, **changed_info: object) -> Path:
    """Writes the toy as a model file; `changed_info` replaces fields of its sense.json."""
    hops, windows = torch.export.Dim("hops", min=2, max=1 << 16), torch.export.Dim("windows", min=1, max=1 << 16)
    program = torch.export.export(
        ToneModel().eval(),
        (torch.zeros(5, SAMPLE_RATE), torch.arange(3)),
        dynamic_shapes={"hops": {0: hops}, "starts": {0: windows}},
    )
    torch.export.save(program, path, extra_files={"sense.json": json.dumps({**TOY_INFO, **changed_info})})
    return path
