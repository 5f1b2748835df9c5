from __future__ import annotations

import pytest
import torch

from handler.model.program import Inputs, UnsuitableProgramError
from handler.model.torchscript import frozen


class Convolving(torch.nn.Module):
    """Rows of 64 as images of 8 by 8 through convolutions, then pairs of neighbours."""

    def __init__(self) -> None:
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(0)
            self.first, self.second = torch.nn.Conv2d(1, 8, 3, padding=1), torch.nn.Conv2d(8, 8, 3, groups=8)

    def forward(self, hops: torch.Tensor, starts: torch.Tensor) -> torch.Tensor:
        maps = torch.relu(self.second(torch.relu(self.first(hops.view(-1, 1, 8, 8)))))
        pooled = maps.mean((2, 3))
        return torch.sigmoid(pooled[starts] + pooled[starts + 1])


class Counting(torch.nn.Module):
    """The mean over all rows by their number, which a trace would take for that of its example."""

    def forward(self, hops: torch.Tensor, starts: torch.Tensor) -> torch.Tensor:
        return (hops.sum(0) / hops.shape[0]).expand(starts.shape[0], -1)


def exported(module: torch.nn.Module) -> torch.nn.Module:
    sizes = {"hops": {0: torch.export.Dim("n", min=2, max=99)}, "starts": {0: torch.export.Dim("m", min=1, max=98)}}
    return torch.export.export(module.eval(), inputs(3), dynamic_shapes=sizes).module()


def inputs(num_rows: int) -> Inputs:
    return torch.rand(num_rows, 64, generator=torch.Generator().manual_seed(num_rows)), torch.arange(num_rows - 1)


@pytest.mark.parametrize("num_rows", [2, 3, 8, 50])
def test_a_frozen_program_gives_the_same_for_any_number_of_rows(num_rows: int) -> None:
    program = frozen(exported(Convolving()), inputs(5))
    with torch.inference_mode():
        expected = Convolving()(*inputs(num_rows))
        for _ in range(3):  # TorchScript looks at the first runs before it settles
            torch.testing.assert_close(program(*inputs(num_rows)), expected, rtol=0, atol=1e-6)


def test_convolution_weights_are_laid_out_channels_last() -> None:
    program = exported(Convolving())
    frozen(program, inputs(5))
    weights = [weight for weight in program.parameters() if weight.dim() == 4]
    assert len(weights) == 2
    assert all(weight.is_contiguous(memory_format=torch.channels_last) for weight in weights)


def test_a_program_that_computes_with_sizes_is_not_frozen() -> None:
    with pytest.raises(UnsuitableProgramError, match="sizes of its inputs"):
        frozen(exported(Counting()), inputs(5))


def test_what_is_no_exported_program_is_not_frozen() -> None:
    with pytest.raises(UnsuitableProgramError, match="not a graph"):
        frozen(Convolving(), inputs(5))
