"""Scores batches in a few threads at once.

On a CPU each thread runs the model on its own batch and on one core. Torch would split every operation of one batch
over the cores: its threads wait for each other dozens of times per batch, and longer where decoding needs the cores.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass

import torch

from handler.arrays import Floats
from handler.cores import CORE_SLOTS, num_cores
from handler.model.cuda_graphs import NUM_STAGINGS
from handler.model.loading import Model

# A call of the model that takes longer is divided, so that all threads share the few windows of a clip. Each part
# calculates the hops again that it shares with its neighbour: little, beside windows that take so long.
_LONGEST_CALL_SECONDS = 0.1


@dataclass(frozen=True)
class Scored:
    """One batch, scored.

    Attributes:
        probabilities: float32 of shape (windows, tags).
        seconds: How long the model took.
    """

    probabilities: Floats
    seconds: float


class ScoringPool:
    """Threads that run a model.

    Args:
        model: The model, which all threads share.
        num_threads: Batches that are scored at once.
    """

    def __init__(self, model: Model, num_threads: int) -> None:
        self.model = model
        self.num_threads = num_threads
        divides = num_threads > 1 and model.device.type == "cpu"  # a GPU is one device, however many threads feed it
        self._call_windows = _call_windows(model.seconds_per_window) if divides else sys.maxsize
        # Holds for every thread of the process: decoding runs beside the pool, with threads of its own.
        torch.set_num_threads(1)
        self._executor = ThreadPoolExecutor(num_threads, "scoring")
        # Scoring on a GPU takes no core from decoding.
        self._slots = CORE_SLOTS if model.device.type == "cpu" else nullcontext()

    def submit(self, hops: torch.Tensor, starts: torch.Tensor, *, here: bool = False) -> list[Future[Scored]]:
        """Scores windows as `Model.score` does, as soon as a thread is free.

        Args:
            hops: As in `Model.score`.
            starts: Likewise, ascending.
            here: Whether the caller's own thread scores the last part, because it would only wait.

        Returns:
            The scores of consecutive parts of the windows.
        """
        parts = list(self._parts(hops, starts))
        own = parts.pop() if here else None
        futures = [self._executor.submit(self._score, *part) for part in parts]
        return futures if own is None else [*futures, self._scored_here(*own)]

    def _parts(self, hops: torch.Tensor, starts: torch.Tensor) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        if len(starts) <= self._call_windows:
            yield hops, starts
            return
        for part in torch.split(starts, self._call_windows):
            first, last = int(part[0]), int(part[-1])
            yield hops[first : last + self.model.info.grid.window_hops], part - first

    def _scored_here(self, hops: torch.Tensor, starts: torch.Tensor) -> Future[Scored]:
        future: Future[Scored] = Future()
        try:
            future.set_result(self._score(hops, starts))
        except Exception as error:  # the result raises it, as from any other thread
            future.set_exception(error)
        return future

    def _score(self, hops: torch.Tensor, starts: torch.Tensor) -> Scored:
        with self._slots:
            start_seconds = time.perf_counter()
            probabilities = self.model.score(hops, starts)
            return Scored(probabilities, time.perf_counter() - start_seconds)


def _call_windows(seconds_per_window: float) -> int:
    return max(1, int(_LONGEST_CALL_SECONDS / seconds_per_window)) if seconds_per_window else sys.maxsize


def default_num_threads(device: torch.device) -> int:
    """Batches at once: one for each core. On a GPU one runs while the next is copied to it."""
    return NUM_STAGINGS if device.type == "cuda" else num_cores()


def default_batch_hops(device: torch.device) -> int:
    """Hops in a batch. On a CPU more than a few dozen gain nothing and make callers wait.

    An H200 scored five times as many hops a second in batches of 512 as in batches of 32.
    """
    return 512 if device.type == "cuda" else 32
