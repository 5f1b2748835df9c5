"""Audio streams -> probabilities. Hops of all streams share the model's batches, and no window crosses two streams."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import count
from math import ceil

import numpy as np
import torch

from handler.arrays import Floats
from handler.audio.mono import BLOCK_SECONDS
from handler.audio.read_ahead import ReadAhead
from handler.audio.stream import AudioStream
from handler.memory import PiledUpMemory
from handler.model.file import ModelInfo
from handler.model.scoring import Scored, ScoringPool
from handler.windows import HopCutter

# How far decoding may run ahead of the model, so that neither waits when the other is slow for a moment.
_BATCHES_AHEAD = 2
# Blocks of audio (some minutes of one stream, or some short streams) after which freed memory may be worth giving back:
# in a minute, 3,000 clips of 10 s left up to 230 MB of it in a worker.
_TIDYING_BLOCKS = 32
_PILED_UP = PiledUpMemory()
_BLOCKS = count(1)
_Hops = Generator[torch.Tensor, None, None] | ReadAhead[torch.Tensor]


@dataclass
class Tagged:
    """What became of one stream.

    Attributes:
        duration_seconds: Length of the decoded audio.
        probabilities: float32 of shape (windows, tags).
        tail_start_seconds: Where the last window begins, if it is a tail window.
        decode_seconds: Core time that decoding took, in all threads together.
        model_seconds: This stream's share of the model's time, by windows.
        batch_fill: How full the batches of its windows were on average, from 0 to 1: the hops of all streams in a batch
            as a share of the hops that a batch should hold.
        error: Why the stream could not be tagged, or None.
    """

    duration_seconds: float = 0.0
    probabilities: Floats = field(default_factory=lambda: np.empty((0, 0), np.float32))
    tail_start_seconds: float | None = None
    decode_seconds: float = 0.0
    model_seconds: float = 0.0
    batch_fill: float = 0.0
    error: Exception | None = None


def tag(
    streams: Sequence[AudioStream],
    pool: ScoringPool,
    *,
    batch_hops: int,
    decode_here: bool = False,
    with_tail: Sequence[bool] | None = None,
) -> list[Tagged]:
    """Tags every window of every stream.

    Args:
        streams: Freshly made streams at the model's rate.
        pool: Runs the model.
        batch_hops: Hops in one call of the model, give or take a block of audio.
        decode_here: Whether this thread decodes short streams even if there are several. For workers with one core:
            other threads would only take turns with this one.
        with_tail: For each stream, whether a tail window is wanted (handler/windows.py). None: for no stream.

    Returns:
        One result per stream, in their order. An error of one stream does not affect the others. An error of the model
        ends all streams of that batch.
    """
    # The first batch of a single stream waits only for that stream's decoding, so a short clip needs no other thread.
    own_hops = batch_hops if decode_here or len(streams) == 1 else 0
    depth = ceil(_BATCHES_AHEAD * batch_hops / BLOCK_SECONDS)
    tracks = [
        _Track(stream, pool.model.info, own_hops=own_hops, depth=depth, with_tail=tail)
        for stream, tail in zip(streams, with_tail or [False] * len(streams), strict=True)
    ]
    batches: deque[_Batch] = deque()
    turns = deque(tracks)
    while turns:
        track = turns.popleft()
        if track.read():
            turns.append(track)
            if next(_BLOCKS) % _TIDYING_BLOCKS == 0:
                _PILED_UP.give_back_if_much()
        if sum(track.num_waiting for track in tracks) >= batch_hops:
            batches.append(_Batch(tracks, pool, batch_hops))
        # One batch more than there are threads: the next one is ready when a thread is.
        while len(batches) > pool.num_threads + 1:
            batches.popleft().collect()
    batches.append(_Batch(tracks, pool, batch_hops, is_last=True))
    for batch in batches:
        batch.collect()
    return [track.result() for track in tracks]


class _Track:
    """One stream's way through the model: hops that wait for a batch, and probabilities that came back.

    Args:
        stream: The stream.
        info: What the model takes.
        own_hops: Hops that the caller's own thread decodes before another thread decodes ahead of it.
        depth: Blocks that the other thread may be ahead.
        with_tail: Whether a tail window is wanted.
    """

    def __init__(
        self, stream: AudioStream, info: ModelInfo, *, own_hops: int, depth: int, with_tail: bool = False
    ) -> None:
        self.error: Exception | None = None
        self._stream = stream
        self._grid = info.grid
        self._num_tags = len(info.tags)
        self._cutter = HopCutter(info.hop_samples, tail_hops=info.grid.window_hops if with_tail else 0)
        self._with_tail = with_tail
        self._tail_start_seconds: Fraction | None = None
        self._own_hops, self._depth = own_hops, depth
        self._hops: _Hops = self._cut()
        if own_hops == 0:
            self._decode_ahead()
        self._waiting: list[torch.Tensor] = []
        # The hops of the tail window, which makes no window with those before it.
        self._waiting_tail = torch.empty(0, info.hop_samples)
        # The hops that the next window shares with the last one scored.
        self._shared = torch.empty(0, info.hop_samples)
        # float32, one growing block: many small ones would break up the memory that batches use again.
        self._probabilities = bytearray()
        self._model_seconds = self._summed_fill = 0.0

    @property
    def num_waiting(self) -> int:
        return 0 if self.error else sum(hops.shape[0] for hops in [*self._waiting, self._waiting_tail])

    def read(self) -> bool:
        """Decodes one more block; False when the stream has ended or failed."""
        if self.error:
            return False
        if not isinstance(self._hops, ReadAhead) and self._cutter.num_hops >= self._own_hops:
            self._decode_ahead()
        try:
            self._waiting.append(next(self._hops))
        except StopIteration:
            if self._with_tail:
                self._end_with_tail()
            return False
        except Exception as error:  # of any kind: it must not reach other requests
            self.fail(error)
            return False
        return True

    def fail(self, error: Exception) -> None:
        """Ends the track, unless it has failed before, and stops its decoding."""
        self.error = self.error or error
        self._hops.close()

    def take(self) -> tuple[list[torch.Tensor], torch.Tensor]:
        """Takes the hops of the next windows.

        Returns:
            Parts of (n, hop_samples), the hops shared with the last window first; and the row at which each window
            begins, int64 (windows,).
        """
        parts, self._waiting = [self._shared, *self._waiting], []
        num_shared = self._grid.window_hops - 1
        self._shared = _last(torch.cat([_last(part, num_shared) for part in parts]), num_shared)
        num_hops = sum(part.shape[0] for part in parts)
        tail, self._waiting_tail = self._waiting_tail, self._waiting_tail[:0]
        starts = torch.arange(max(0, num_hops - num_shared))
        return [*parts, tail], torch.cat((starts, torch.arange(num_hops, num_hops + bool(len(tail)))))

    def put(self, probabilities: Floats, model_seconds: float, batch_fill: float) -> None:
        self._probabilities += probabilities.tobytes()
        self._model_seconds += model_seconds
        self._summed_fill += batch_fill * len(probabilities)

    def result(self) -> Tagged:
        if self.error:
            # The error's frames hold this track. In a circle they would keep each other until a garbage collection.
            error, self.error = self.error, None
            return Tagged(error=error)
        duration_seconds = self._stream.duration_seconds
        # Resampling rounds the length up, which can complete a hop that the recording itself does not.
        num_windows = self._grid.num_windows(duration_seconds)
        probabilities = np.frombuffer(self._probabilities, np.float32).reshape(-1, self._num_tags)
        windows, tail_start_seconds = probabilities[:num_windows], self._tail_start_seconds
        return Tagged(
            float(duration_seconds),
            windows if tail_start_seconds is None else np.concatenate((windows, probabilities[-1:])),
            None if tail_start_seconds is None else float(tail_start_seconds),
            decode_seconds=self._stream.decode_seconds,
            model_seconds=self._model_seconds,
            batch_fill=self._summed_fill / len(probabilities),
        )

    def _end_with_tail(self) -> None:
        self._tail_start_seconds = self._grid.tail_start_seconds(self._stream.duration_seconds)
        if self._tail_start_seconds is not None:
            self._waiting_tail = self._cutter.tail()

    def _decode_ahead(self) -> None:
        self._hops = ReadAhead(self._hops, depth=self._depth)

    def _cut(self) -> Generator[torch.Tensor, None, None]:
        for block in self._stream:
            yield self._cutter.push(block)
        yield self._cutter.finish(self._grid.num_hops(self._stream.duration_seconds))


class _Batch:
    """The windows that the tracks' waiting hops complete, scored together."""

    def __init__(self, tracks: Sequence[_Track], pool: ScoringPool, batch_hops: int, *, is_last: bool = False) -> None:
        self._tracks = [track for track in tracks if track.num_waiting]
        taken = [track.take() for track in self._tracks]
        num_hops = [sum(part.shape[0] for part in parts) for parts, _ in taken]
        self._counts = [len(starts) for _, starts in taken]
        self._scores: list[Future[Scored]] = []
        if sum(self._counts):
            offsets = np.cumsum([0, *num_hops])
            self._fill = min(1.0, float(offsets[-1]) / batch_hops)
            hops = torch.cat([part for parts, _ in taken for part in parts])
            starts = torch.cat([own + offset for (_, own), offset in zip(taken, offsets, strict=False)])
            self._scores = pool.submit(hops, starts, here=is_last)

    def collect(self) -> None:
        """Waits for the probabilities and hands every track its own."""
        if not self._scores:
            return
        errors = [future.exception() for future in self._scores]
        for error in errors:
            if isinstance(error, Exception):  # the model's: it ends every stream of the batch
                for track in self._tracks:
                    track.fail(error)
                return
        parts = [future.result() for future in self._scores]
        seconds = sum(part.seconds for part in parts)
        probabilities = np.concatenate([part.probabilities for part in parts])
        shares = np.split(probabilities, np.cumsum(self._counts)[:-1])
        for track, share in zip(self._tracks, shares, strict=True):
            track.put(share, seconds * len(share) / len(probabilities), self._fill)


def _last(hops: torch.Tensor, count: int) -> torch.Tensor:
    """The last `count` hops, or as many as there are."""
    return hops[max(0, hops.shape[0] - count) :]
