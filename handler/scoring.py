"""Scores batches in a few threads at once.

On a CPU each thread runs the model on its own batch and on one core. Splitting every operation of one batch over the
cores, torch's own way, makes the threads wait for each other dozens of times per batch, and long where decoding wants
the same cores.
"""

from __future__ import annotations

import os
import time
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import torch

from handler.model import Model
from handler.pcm import Floats


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
        # For every thread of the process: decoding, too, runs beside the pool and not on top of it.
        torch.set_num_threads(1)
        self._executor = ThreadPoolExecutor(num_threads, "scoring")

    def submit(self, hops: torch.Tensor, starts: torch.Tensor) -> Future[Scored]:
        """Scores windows as `Model.score` does, as soon as a thread is free."""
        return self._executor.submit(self._score, hops, starts)

    def _score(self, hops: torch.Tensor, starts: torch.Tensor) -> Scored:
        start_seconds = time.perf_counter()
        probabilities = self.model.score(hops, starts)
        return Scored(probabilities, time.perf_counter() - start_seconds)


def default_num_threads(device: torch.device) -> int:
    """As many batches at once as there are cores to run them; one on a GPU, which is one device."""
    return 1 if device.type == "cuda" else len(os.sched_getaffinity(0))


def default_batch_hops(device: torch.device) -> int:
    """Hops in a batch: on a CPU, more than a few dozen gain nothing and make callers wait.

    The figure for a GPU is a guess: none was at hand to measure it.
    """
    return 512 if device.type == "cuda" else 32
