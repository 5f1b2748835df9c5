r"""A program on a GPU in a few fixed sizes, each recorded once as a CUDA graph and replayed for every batch.

A replay costs the host one call instead of one for each of a hundred operations. A graph has the sizes and the memory
with which it was recorded, so a batch is copied into that memory, and what it does not fill counts for nothing:

    hops -> staging, in pinned memory -> the device's copy -> replay -> staging -> probabilities
            \___ the host ___/           \______ the device, on a stream of its own ______/

The device reads and writes pinned memory without the host, which goes on meanwhile. What is left to the host is to copy
the hops into it (33 MB for 512 of 16 kHz: 1.5 ms), about as long as a GPU should need for them. So there are two
stagings: one thread copies while the other's batch runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Lock
from typing import Protocol

import numpy as np
import torch

from handler.model.program import Program

# In windows: a clip or two, a few, and a full batch, which a block of audio may overfill by 10 s.
SIZES = (32, 128, 544)
NUM_STAGINGS = 2
# Of one staging. Larger hops than a second or two at usual rates are given to the device in smaller batches.
_MAX_STAGING_BYTES = 256 << 20
# Libraries choose how to calculate, and allocate, in the first ones.
_WARM_UP_CALLS = 3


class Device(Protocol):
    """Does what it is given in turn, while the host goes on."""

    def on_host(self, *shape: int, dtype: torch.dtype) -> torch.Tensor:
        """Returns memory of the host that the device can copy from and to without it."""

    def on_device(self, *shape: int, dtype: torch.dtype) -> torch.Tensor:
        """Returns memory of the device, zeroed."""

    def recorded(self, call: Callable[[], torch.Tensor]) -> tuple[Callable[[], None], torch.Tensor]:
        """Records what `call` does; returns a function that repeats it, and the tensor that then holds the result."""

    def turn(self) -> AbstractContextManager[object]:
        """The device does the copies and recorded calls of the `with` block one after the other."""

    def mark(self) -> Callable[[], object]:
        """Within a turn; returns a function that waits until the device has done all it was given so far."""


class FixedSizes:
    """A program that takes any number of hops and windows in the host's memory, and runs in fixed sizes.

    Args:
        program: forward(hops, starts) of a model file, which takes and gives tensors on the device.
        device: What records it.
        hop_samples: Samples in a hop.
        window_hops: Hops in a window.
        sizes: Windows in a call, ascending.
    """

    @torch.inference_mode()
    def __init__(
        self, program: Program, device: Device, *, hop_samples: int, window_hops: int, sizes: Sequence[int] = SIZES
    ) -> None:
        self._program = program  # the graphs read its weights
        self._device = device
        self._window_hops = window_hops
        max_hops = _MAX_STAGING_BYTES // (4 * hop_samples)
        self._sizes = [size for size in sizes if size + window_hops - 1 <= max_hops] or [1]
        num_hops = self._sizes[-1] + window_hops - 1
        self._hops = device.on_device(num_hops, hop_samples, dtype=torch.float32)
        self._starts = device.on_device(self._sizes[-1], dtype=torch.int64)
        # The largest first: the others find room in the memory that it leaves.
        self._recorded = {size: self._record(size) for size in reversed(self._sizes)}
        self._num_tags = self._recorded[self._sizes[0]][1].shape[1]
        # The device's memory holds one batch: a thread hands it a whole one before the next thread does.
        self._giving = Lock()
        self._free: SimpleQueue[_Staging] = SimpleQueue()
        for _ in range(NUM_STAGINGS):
            self._free.put(_Staging.made(device, num_hops, hop_samples, self._sizes[-1], self._num_tags))

    def _record(self, size: int) -> tuple[Callable[[], None], torch.Tensor]:
        hops, starts = self._hops[: size + self._window_hops - 1], self._starts[:size]
        return self._device.recorded(lambda: self._program(hops, starts))

    @torch.inference_mode()
    def __call__(self, hops: torch.Tensor, starts: torch.Tensor) -> torch.Tensor:
        """Scores windows.

        Args:
            hops: float32 of shape (N, hop_samples), in the host's memory.
            starts: int64 of shape (M,), in [0, N - window_hops], in any order.

        Returns:
            float32 of shape (M, tags), in the host's memory.
        """
        probabilities = torch.empty(len(starts), self._num_tags)
        for windows in calls(starts.numpy(), self._sizes[-1]):
            of_call = starts[windows]
            first, last = int(of_call[0]), int(of_call[-1])
            probabilities[windows] = self._score(hops[first : last + self._window_hops], of_call - first)
        return probabilities

    def _score(self, hops: torch.Tensor, starts: torch.Tensor) -> torch.Tensor:
        num_hops, num_windows = len(hops), len(starts)
        size = next(size for size in self._sizes if size >= max(num_windows, num_hops - self._window_hops + 1))
        replay, output = self._recorded[size]
        staging = self._free.get()
        try:
            staging.hops[:num_hops] = hops
            staging.starts[:num_windows] = starts
            staging.starts[num_windows:size] = 0  # a valid window whose result is not read
            with self._giving, self._device.turn():
                self._hops[:num_hops].copy_(staging.hops[:num_hops], non_blocking=True)
                self._starts[:size].copy_(staging.starts[:size], non_blocking=True)
                replay()
                staging.probabilities[:num_windows].copy_(output[:num_windows], non_blocking=True)
                wait = self._device.mark()
            wait()
            return staging.probabilities[:num_windows].clone()
        finally:
            self._free.put(staging)


def calls(starts: np.ndarray, size: int) -> Iterator[np.ndarray]:
    """Divides windows among calls of a fixed size.

    Args:
        starts: Where the windows begin, in any order; the same start may come again.
        size: The most windows in a call, and how far apart the first and the last may begin, plus one.

    Yields:
        The numbers of the windows of one call, by their starts; each window once.
    """
    order = np.argsort(starts, kind="stable")
    ascending = starts[order]
    begin = 0
    while begin < len(order):
        end = min(begin + size, int(np.searchsorted(ascending, ascending[begin] + size)))
        yield order[begin:end]
        begin = end


@dataclass(frozen=True)
class _Staging:
    """The host's memory for one batch on its way to the device and back, as large as the largest batch."""

    hops: torch.Tensor
    starts: torch.Tensor
    probabilities: torch.Tensor

    @classmethod
    def made(cls, device: Device, num_hops: int, hop_samples: int, num_windows: int, num_tags: int) -> _Staging:
        return cls(
            device.on_host(num_hops, hop_samples, dtype=torch.float32),
            device.on_host(num_windows, dtype=torch.int64),
            device.on_host(num_windows, num_tags, dtype=torch.float32),
        )


class Gpu:
    """A CUDA device, on a stream of its own.

    Args:
        device: Which; without a number, the current one.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = torch.device("cuda", torch.cuda.current_device() if device.index is None else device.index)
        self._stream = torch.cuda.Stream(self._device)  # type: ignore[no-untyped-call]
        self._pool = torch.cuda.graph_pool_handle()

    def on_host(self, *shape: int, dtype: torch.dtype) -> torch.Tensor:
        """Returns pinned memory."""
        torch.cuda.set_device(self._device)
        return torch.empty(*shape, dtype=dtype, pin_memory=True)

    def on_device(self, *shape: int, dtype: torch.dtype) -> torch.Tensor:
        """Returns memory of the GPU, zeroed."""
        return torch.zeros(*shape, dtype=dtype, device=self._device)

    def recorded(self, call: Callable[[], torch.Tensor]) -> tuple[Callable[[], None], torch.Tensor]:
        """Records a CUDA graph. All graphs share their memory, since they run one after the other."""
        graph = torch.cuda.CUDAGraph()
        with self.turn():
            self._stream.wait_stream(torch.cuda.default_stream(self._device))  # which made the weights and the inputs
            for _ in range(_WARM_UP_CALLS):
                call()
            with torch.cuda.graph(graph, pool=self._pool, stream=self._stream):
                result = call()
        return graph.replay, result

    def turn(self) -> AbstractContextManager[object]:
        """Work of the `with` block goes to the stream."""
        # It stays set in this thread: setting it back to another GPU would make a context there.
        torch.cuda.set_device(self._device)
        return torch.cuda.stream(self._stream)

    def mark(self) -> Callable[[], object]:
        """Returns a function that waits for the stream without keeping a core busy: other threads decode."""
        event = torch.cuda.Event(blocking=True)  # type: ignore[no-untyped-call]
        event.record()
        return event.synchronize
