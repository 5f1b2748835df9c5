"""What can be found out about a GPU without one.

Where a program's tensors would be: torch's fake tensors have devices but no data. Whether batches get through fixed
sizes unharmed: ordinary memory does for the device's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.export.passes import move_to_device_pass

from handler.model.file import read_program

_GPU = torch.device("cuda:0")


def placed_answer(
    model: Path, num_hops: int, form: Callable[[torch.nn.Module], torch.nn.Module] = lambda module: module
) -> torch.Tensor:
    """What a form of a model file, moved as the handler moves it, gives there for that many hops.

    Raises:
        RuntimeError: an operation takes tensors of two devices: something stayed behind on the CPU.
    """
    program, info = read_program(model)
    with FakeTensorMode(allow_non_fake_inputs=True), torch.no_grad():
        module = form(move_to_device_pass(program, _GPU).module())
        hops = torch.empty(num_hops, info.hop_samples, device=_GPU)
        starts = torch.empty(num_hops - info.grid.window_hops + 1, dtype=torch.int64, device=_GPU)
        answer: torch.Tensor = module(hops, starts)
    return answer


class SimulatedGpu:
    """Stands in for handler.model.cuda_graphs.Gpu: calculates at once, and cannot wait for anything.

    What nobody wrote to the host's memory is no number, or no place of a window.
    """

    def __init__(self) -> None:
        self.num_recorded = 0
        self._is_someones_turn = False

    def on_host(self, *shape: int, dtype: torch.dtype) -> torch.Tensor:
        return torch.full(shape, torch.nan if dtype.is_floating_point else 10**9, dtype=dtype)

    def on_device(self, *shape: int, dtype: torch.dtype) -> torch.Tensor:
        return torch.zeros(*shape, dtype=dtype)

    def recorded(self, call: Callable[[], torch.Tensor]) -> tuple[Callable[[], None], torch.Tensor]:
        self.num_recorded += 1
        result = call()

        def replay() -> None:
            assert self._is_someones_turn
            result.copy_(call())

        return replay, result

    @contextmanager
    def turn(self) -> Iterator[None]:
        assert not self._is_someones_turn, "two batches at once in the device's only memory"
        self._is_someones_turn = True
        try:
            yield
        finally:
            self._is_someones_turn = False

    def mark(self) -> Callable[[], None]:
        assert self._is_someones_turn
        return lambda: None
