"""Where a program's tensors would be on a GPU, found out without one: torch's fake tensors have devices but no data."""

from __future__ import annotations

from pathlib import Path

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.export.passes import move_to_device_pass

from handler.model import read_program

_GPU = torch.device("cuda:0")


def placed_answer(model: Path, num_hops: int) -> torch.Tensor:
    """What a model file, moved as the handler moves it, gives there for that many hops.

    Raises:
        RuntimeError: an operation takes tensors of two devices: something stayed behind on the CPU.
    """
    program, info = read_program(model)
    with FakeTensorMode(allow_non_fake_inputs=True), torch.no_grad():
        module = move_to_device_pass(program, _GPU).module()
        hops = torch.empty(num_hops, info.hop_samples, device=_GPU)
        starts = torch.empty(num_hops - info.grid.window_hops + 1, dtype=torch.int64, device=_GPU)
        answer: torch.Tensor = module(hops, starts)
    return answer
