from __future__ import annotations

from functools import partial

import pytest
import torch

from handler.model.cuda_graphs import FixedSizes, Gpu
from handler.model.tf32 import in_tf32


def allowed() -> tuple[bool, bool]:
    return torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32


def test_products_are_rounded_while_the_program_runs_and_not_afterwards() -> None:
    seen = []

    def program(hops: torch.Tensor, starts: torch.Tensor) -> torch.Tensor:
        seen.append(allowed())
        return hops

    before = allowed()
    in_tf32(program)(torch.zeros(2, 4), torch.zeros(1))
    assert seen == [(True, True)]
    assert allowed() == before


def test_a_program_that_fails_leaves_no_rounding_behind() -> None:
    def program(hops: torch.Tensor, starts: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("out of memory")

    before = allowed()
    with pytest.raises(RuntimeError, match="out of memory"):
        in_tf32(program)(torch.zeros(2, 4), torch.zeros(1))
    assert allowed() == before


@pytest.mark.skipif(not torch.cuda.is_available(), reason="TF32 is a GPU's")
def test_a_recorded_graph_keeps_its_rounding() -> None:
    weights = torch.randn(512, 512, device="cuda", generator=torch.Generator("cuda").manual_seed(0))

    def program(hops: torch.Tensor, starts: torch.Tensor) -> torch.Tensor:
        return hops[starts] @ weights

    recorded = partial(FixedSizes, device=Gpu(torch.device("cuda:0")), hop_samples=512, window_hops=1)
    hops, starts = torch.rand(32, 512), torch.arange(32)
    exact = (hops.double() @ weights.cpu().double()).float()
    rounded = recorded(in_tf32(program))(hops, starts)
    plain = recorded(program)(hops, starts)
    assert 10 * (plain - exact).abs().max() < (rounded - exact).abs().max()
