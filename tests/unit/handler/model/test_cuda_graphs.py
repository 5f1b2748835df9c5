from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from handler.model import cuda_graphs
from handler.model.cuda_graphs import NUM_STAGINGS, Device, FixedSizes, Gpu, calls
from handler.model.program import Program
from tests.support.properties import LAW
from tests.support.simulated_gpu import SimulatedGpu

HOP_SAMPLES, NUM_TAGS = 8, 3
SIZES = (2, 4, 16)
# Where there is a GPU, the same laws hold for its graphs.
DEVICES = ["simulated", *(["cuda"] if torch.cuda.is_available() else [])]


def device(name: str) -> Device:
    return Gpu(torch.device("cuda:0")) if name == "cuda" else SimulatedGpu()


def program(window_hops: int) -> Program:
    """Adds a window's first samples up: exactly the same numbers in any company, if they are small and whole."""

    def add(hops: torch.Tensor, starts: torch.Tensor) -> torch.Tensor:
        return torch.stack([hops[starts + shift, :NUM_TAGS] * (shift + 1) for shift in range(window_hops)]).sum(0)

    return add


def fixed(name: str = "simulated", window_hops: int = 2, sizes: Sequence[int] = SIZES) -> FixedSizes:
    return FixedSizes(program(window_hops), device(name), hop_samples=HOP_SAMPLES, window_hops=window_hops, sizes=sizes)


def hops_of(num_hops: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(-99, 99, (num_hops, HOP_SAMPLES), generator=generator).float()


@pytest.mark.parametrize("name", DEVICES)
@pytest.mark.parametrize("window_hops", [1, 2, 5])
def test_any_batch_gives_what_it_gives_unpadded(name: str, window_hops: int) -> None:
    runner = fixed(name, window_hops)

    @LAW
    @given(num_windows=st.integers(1, 50), seed=st.integers(0, 99), data=st.data())
    def law(num_windows: int, seed: int, data: st.DataObject) -> None:
        starts = data.draw(st.lists(st.integers(0, num_windows - 1), min_size=1, max_size=60))
        hops = hops_of(num_windows + window_hops - 1, seed)
        for each in (torch.arange(num_windows), torch.tensor(starts)):
            assert torch.equal(runner(hops, each), program(window_hops)(hops, each))

    law()


@LAW
@given(starts=st.lists(st.integers(0, 99), min_size=1, max_size=60), size=st.integers(1, 20))
def test_calls_hold_every_window_once_and_no_more_than_fits(starts: list[int], size: int) -> None:
    parts = list(calls(np.array(starts), size))
    assert sorted(np.concatenate(parts)) == list(range(len(starts)))
    for part in parts:
        of_call = np.array(starts)[part]
        assert len(part) <= size
        assert 0 <= of_call[-1] - of_call[0] < size
        assert (np.diff(of_call) >= 0).all()


def test_a_full_batch_is_one_call() -> None:
    assert [len(part) for part in calls(np.arange(16), 16)] == [16]
    assert [len(part) for part in calls(np.arange(40), 16)] == [16, 16, 8]


@pytest.mark.parametrize("name", DEVICES)
def test_threads_at_once_get_their_own_answers(name: str) -> None:
    runner = fixed(name)
    batches = [hops_of(num_hops, seed=num_hops) for num_hops in (*range(2, 30), *range(29, 1, -1))] * 3

    def score(hops: torch.Tensor) -> torch.Tensor:
        return runner(hops, torch.arange(len(hops) - 1))

    with ThreadPoolExecutor(NUM_STAGINGS + 2) as threads:
        for hops, answer in zip(batches, threads.map(score, batches), strict=True):
            assert torch.equal(answer, program(2)(hops, torch.arange(len(hops) - 1)))


@pytest.mark.parametrize("name", DEVICES)
def test_an_answer_stays_when_the_next_one_comes(name: str) -> None:
    runner = fixed(name)
    first = runner(hops_of(5), torch.arange(4))
    kept = first.clone()
    runner(hops_of(5, seed=1), torch.arange(4))
    assert torch.equal(first, kept)


def test_every_size_is_recorded_at_the_start() -> None:
    gpu = SimulatedGpu()
    runner = FixedSizes(program(2), gpu, hop_samples=HOP_SAMPLES, window_hops=2, sizes=SIZES)
    assert gpu.num_recorded == len(SIZES)
    runner(hops_of(30), torch.arange(29))
    assert gpu.num_recorded == len(SIZES)


def test_a_fault_leaves_room_for_the_next_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    gpu = SimulatedGpu()
    runner = FixedSizes(program(2), gpu, hop_samples=HOP_SAMPLES, window_hops=2, sizes=SIZES)

    def fail() -> None:
        raise RuntimeError("out of memory")

    with monkeypatch.context() as patch:
        patch.setattr(gpu, "mark", fail)
        for _ in range(NUM_STAGINGS + 1):
            with pytest.raises(RuntimeError, match="out of memory"):
                runner(hops_of(5), torch.arange(4))
    assert runner(hops_of(5), torch.arange(4)).shape == (4, NUM_TAGS)


@pytest.mark.parametrize(("max_hops", "num_recorded"), [(17, 3), (16, 2), (5, 2), (4, 1), (0, 1)])
def test_long_hops_go_in_smaller_batches(max_hops: int, num_recorded: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cuda_graphs, "_MAX_STAGING_BYTES", max_hops * HOP_SAMPLES * 4)
    gpu = SimulatedGpu()
    runner = FixedSizes(program(2), gpu, hop_samples=HOP_SAMPLES, window_hops=2, sizes=SIZES)
    assert gpu.num_recorded == num_recorded
    assert torch.equal(runner(hops_of(30), torch.arange(29)), program(2)(hops_of(30), torch.arange(29)))
