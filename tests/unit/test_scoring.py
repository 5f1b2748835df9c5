from __future__ import annotations

import threading
from typing import cast

import numpy as np
import pytest
import torch

from handler.model import Model
from handler.pcm import Floats
from handler.scoring import ScoringPool, default_batch_hops, default_num_threads

HOPS, STARTS = torch.zeros(3, 4), torch.tensor([0, 1])


class Meeting:
    """Stands in for a Model whose calls wait until so many of them run at once."""

    def __init__(self, num_calls: int) -> None:
        self._barrier = threading.Barrier(num_calls, timeout=5)

    def score(self, hops: torch.Tensor, starts: torch.Tensor) -> Floats:
        self._barrier.wait()
        return np.full((len(starts), 1), float(hops.sum()), np.float32)


class Broken:
    def score(self, hops: torch.Tensor, starts: torch.Tensor) -> Floats:
        raise RuntimeError("out of memory")


@pytest.mark.parametrize("num_threads", [1, 3])
def test_as_many_batches_as_threads_are_scored_at_once(num_threads: int) -> None:
    pool = ScoringPool(cast(Model, Meeting(num_threads)), num_threads)
    futures = [pool.submit(HOPS + index, STARTS) for index in range(num_threads)]
    scores = [future.result(timeout=6).probabilities[0, 0] for future in futures]
    assert scores == [12.0 * index for index in range(num_threads)]


def test_a_fault_of_the_model_comes_with_the_result() -> None:
    future = ScoringPool(cast(Model, Broken()), 1).submit(HOPS, STARTS)
    with pytest.raises(RuntimeError, match="out of memory"):
        future.result(timeout=5)


def test_the_models_time_is_measured() -> None:
    assert 0 < ScoringPool(cast(Model, Meeting(1)), 1).submit(HOPS, STARTS).result(timeout=5).seconds < 5


def test_torch_uses_one_core_per_batch() -> None:
    ScoringPool(cast(Model, Broken()), 2)
    assert torch.get_num_threads() == 1


def test_a_gpu_takes_one_batch_at_a_time() -> None:
    assert default_num_threads(torch.device("cuda")) == 1


def test_a_cpu_takes_a_batch_per_core_that_we_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda process: {0, 3, 5})
    assert default_num_threads(torch.device("cpu")) == 3


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_a_batch_holds_many_windows(device: str) -> None:
    assert default_batch_hops(torch.device(device)) >= 32
