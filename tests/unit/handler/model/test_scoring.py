from __future__ import annotations

import threading
from concurrent.futures import wait
from fractions import Fraction
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
import torch

from handler.arrays import Floats
from handler.model.loading import Model
from handler.model.scoring import ScoringPool, default_num_threads
from handler.windows import WindowGrid

HOPS, STARTS = torch.zeros(3, 4), torch.tensor([0, 1])


class Meeting:
    """Stands in for a Model whose calls wait until so many of them run at once."""

    device = torch.device("cpu")
    seconds_per_window = 0.0

    def __init__(self, num_calls: int) -> None:
        self._barrier = threading.Barrier(num_calls, timeout=5)

    def score(self, hops: torch.Tensor, starts: torch.Tensor) -> Floats:
        self._barrier.wait()
        return np.full((len(starts), 1), float(hops.sum()), np.float32)


class Slow:
    """Stands in for a Model with windows of two hops, each of which takes so long; scores a window by its samples."""

    device = torch.device("cpu")
    info = SimpleNamespace(grid=WindowGrid(Fraction(1), 2))

    def __init__(self, seconds_per_window: float) -> None:
        self.seconds_per_window = seconds_per_window
        self.calls: list[tuple[str, int]] = []

    def score(self, hops: torch.Tensor, starts: torch.Tensor) -> Floats:
        self.calls.append((threading.current_thread().name, len(starts)))
        return torch.stack([hops[starts].sum(1), hops[starts + 1].sum(1)], 1).numpy()


class Broken:
    device = torch.device("cpu")
    seconds_per_window = 0.0

    def score(self, hops: torch.Tensor, starts: torch.Tensor) -> Floats:
        raise RuntimeError("out of memory")


@pytest.mark.parametrize("num_threads", [1, 3])
def test_as_many_batches_as_threads_are_scored_at_once(num_threads: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handler.model.scoring.CORE_SLOTS", threading.Semaphore(num_threads))
    pool = ScoringPool(cast(Model, Meeting(num_threads)), num_threads)
    futures = [pool.submit(HOPS + index, STARTS)[0] for index in range(num_threads)]
    scores = [future.result(timeout=6).probabilities[0, 0] for future in futures]
    assert scores == [12.0 * index for index in range(num_threads)]


@pytest.mark.parametrize(("device", "waits"), [("cpu", True), ("cuda", False)])
def test_scoring_waits_for_a_core_if_it_needs_one(device: str, waits: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    slots = threading.Semaphore(0)
    monkeypatch.setattr("handler.model.scoring.CORE_SLOTS", slots)
    model = Slow(0.0)
    model.device = torch.device(device)
    (future,) = ScoringPool(cast(Model, model), 1).submit(HOPS, STARTS)
    done, _ = wait([future], timeout=0.2 if waits else 5)
    assert bool(done) is not waits
    slots.release()
    future.result(timeout=5)


@pytest.mark.parametrize("here", [False, True])
def test_a_fault_of_the_model_comes_with_the_result(here: bool) -> None:
    (future,) = ScoringPool(cast(Model, Broken()), 1).submit(HOPS, STARTS, here=here)
    with pytest.raises(RuntimeError, match="out of memory"):
        future.result(timeout=5)


def test_the_models_time_is_measured() -> None:
    (future,) = ScoringPool(cast(Model, Meeting(1)), 1).submit(HOPS, STARTS)
    assert 0 < future.result(timeout=5).seconds < 5


@pytest.mark.parametrize(
    ("seconds_per_window", "num_threads", "expected"),
    [
        (0.0, 2, [9]),
        (0.001, 2, [9]),
        (0.03, 2, [3, 3, 3]),
        (0.04, 2, [2, 2, 2, 2, 1]),
        (7.0, 2, [1] * 9),
        (7.0, 1, [9]),
    ],
)
@pytest.mark.parametrize("here", [False, True])
def test_windows_that_take_long_are_divided_among_the_threads(
    seconds_per_window: float, num_threads: int, expected: list[int], here: bool
) -> None:
    model = Slow(seconds_per_window)
    hops, starts = torch.arange(48.0).view(12, 4), torch.tensor([0, 1, 2, 3, 6, 7, 8, 9, 10])  # two streams
    futures = ScoringPool(cast(Model, model), num_threads).submit(hops, starts, here=here)
    parts = [future.result(timeout=5).probabilities for future in futures]
    assert [len(part) for part in parts] == expected
    assert np.array_equal(np.concatenate(parts), Slow(0.0).score(hops, starts))


def test_a_caller_who_would_only_wait_scores_the_last_part() -> None:
    model = Slow(0.03)
    for future in ScoringPool(cast(Model, model), 2).submit(torch.zeros(6, 4), torch.arange(5), here=True):
        future.result(timeout=5)
    own = [num_windows for name, num_windows in model.calls if name == threading.current_thread().name]
    assert (own, len(model.calls)) == ([2], 2)


def test_torch_uses_one_core_per_batch() -> None:
    ScoringPool(cast(Model, Broken()), 2)
    assert torch.get_num_threads() == 1


def test_windows_on_a_gpu_are_not_divided() -> None:
    model = Slow(7.0)
    model.device = torch.device("cuda")
    (future,) = ScoringPool(cast(Model, model), 2).submit(torch.zeros(6, 4), torch.arange(5))
    assert len(future.result(timeout=5).probabilities) == 5


def test_a_cpu_takes_a_batch_per_core_that_we_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda process: {0, 3, 5})
    assert default_num_threads(torch.device("cpu")) == 3
