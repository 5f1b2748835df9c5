"""What tests of decoding share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch
from torchcodec.decoders import RawAudioSamples

from handler.audio import sequential


@pytest.fixture
def packet_runs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Sizes of what was decoded packet by packet."""
    sizes: list[int] = []
    decoded = sequential.decoded

    def noted(source: torch.Tensor) -> Iterator[RawAudioSamples]:
        sizes.append(len(source))
        return decoded(source)

    monkeypatch.setattr(sequential, "decoded", noted)
    return sizes
