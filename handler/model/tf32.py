"""The form that rounds float32 to TF32 where numbers are multiplied: 10 bits of mantissa, float32's range.

Tensor cores multiply TF32 several times as fast as float32. Sums stay in float32.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from handler.model.program import Program


def in_tf32(program: Program) -> Program:
    """Returns the program with convolutions and products of matrices in TF32.

    A CUDA graph that is recorded of it keeps the kernels that were chosen, and with them the rounding.
    """

    def run(hops: torch.Tensor, starts: torch.Tensor) -> torch.Tensor:
        with _rounded_products():
            return program(hops, starts)

    return run


@contextmanager
def _rounded_products() -> Iterator[None]:
    """Sets torch's own switches, which hold for the process, for the `with` block."""
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32
    matmul.allow_tf32 = cudnn.allow_tf32 = True
    try:
        yield
    finally:
        matmul.allow_tf32, cudnn.allow_tf32 = before
