"""The judge of every faster way of decoding: one packet after the other, from the first to the last."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from handler.audio import sequential
from handler.errors import BadRequestError

Body = bytes | bytearray


def samples_in_packets(body: Body, start_bytes: int = 0) -> torch.Tensor:
    """The samples of a body whose container begins at `start_bytes`: float32 of shape (samples,)."""
    source = torch.frombuffer(bytearray(body), dtype=torch.uint8, offset=start_bytes)
    return torch.cat([torch.empty(0), *(mono.data for mono in sequential.in_blocks(sequential.decoded(source)))])


def agrees(
    body: Body, decode: Callable[[Body], torch.Tensor], judge: Callable[[Body], torch.Tensor] = samples_in_packets
) -> bool:
    """Whether another way of decoding and the judge give the same samples, or neither any."""
    try:
        expected = judge(body)
    except (BadRequestError, sequential.NoAudioError) as error:
        with pytest.raises(type(error)):
            decode(body)
        return True
    return torch.equal(decode(body), expected)
