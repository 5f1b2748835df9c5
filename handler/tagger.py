"""Audio streams -> probabilities. Hops of all streams share the model's batches, and no window crosses two streams."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch

from handler.decoder import AudioStream
from handler.model import Model, ModelInfo
from handler.pcm import Floats
from handler.read_ahead import read_ahead
from handler.windows import HopCutter

# How far decoding may run ahead of the model, so that neither waits for the other's slow moments.
_BATCHES_AHEAD = 2


@dataclass
class Tagged:
    """What became of one stream.

    Attributes:
        duration_seconds: Length of the decoded audio.
        probabilities: float32 of shape (windows, tags).
        error: Why there is nothing else here, or None.
    """

    duration_seconds: float = 0.0
    probabilities: Floats = field(default_factory=lambda: np.empty((0, 0), np.float32))
    error: Exception | None = None


def tag(streams: Sequence[AudioStream], model: Model, *, batch_hops: int) -> list[Tagged]:
    """Tags every window of every stream.

    Args:
        streams: Freshly made streams at the model's rate.
        model: The model.
        batch_hops: Hops in one call of the model, give or take a block of audio.

    Returns:
        One result per stream, in their order. An error of one stream stays its own; one of the model strikes all
        streams that were in that batch.
    """
    tracks = [_Track(stream, model.info, depth=_BATCHES_AHEAD * batch_hops) for stream in streams]
    turns = deque(tracks)
    while turns:
        track = turns.popleft()
        if track.read():
            turns.append(track)
        if sum(track.num_waiting for track in tracks) >= batch_hops:
            _score([track for track in tracks if track.num_waiting], model)
    _score([track for track in tracks if track.num_waiting], model)
    return [track.result() for track in tracks]


class _Track:
    """One stream's way through the model: hops that wait for a batch, and probabilities that came back."""

    def __init__(self, stream: AudioStream, info: ModelInfo, *, depth: int) -> None:
        self.error: Exception | None = None
        self._stream = stream
        self._grid = info.grid
        self._hops = read_ahead(self._cut(HopCutter(info.hop_samples)), depth=depth)
        self._waiting: list[torch.Tensor] = []
        # The hops that the next window shares with the last one scored.
        self._shared = torch.empty(0, info.hop_samples)
        self._probabilities: list[Floats] = []

    @property
    def num_waiting(self) -> int:
        return 0 if self.error else sum(map(len, self._waiting))

    def read(self) -> bool:
        """Decodes one more block; False when the stream has ended or failed."""
        if self.error:
            return False
        try:
            self._waiting.append(next(self._hops))
        except StopIteration:
            return False
        except Exception as error:  # whatever it is, it must not reach the neighbours
            self.error = error
            return False
        return True

    def take(self) -> torch.Tensor:
        """Returns the hops of the next windows, (n, hop_samples), those shared with the last window first."""
        hops = torch.cat([self._shared, *self._waiting])
        self._waiting = []
        self._shared = hops[max(0, len(hops) - (self._grid.window_hops - 1)) :]
        return hops

    def put(self, probabilities: Floats) -> None:
        self._probabilities.append(probabilities)

    def result(self) -> Tagged:
        if self.error:
            return Tagged(error=self.error)
        duration_seconds = self._stream.duration_seconds
        # Resampling rounds the length up, which can complete a hop that the recording itself does not.
        num_windows = self._grid.num_windows(duration_seconds)
        return Tagged(float(duration_seconds), np.concatenate(self._probabilities)[:num_windows])

    def _cut(self, cutter: HopCutter) -> Iterator[torch.Tensor]:
        for block in self._stream:
            yield cutter.push(block)
        yield cutter.finish(self._grid.num_hops(self._stream.duration_seconds))


def _score(tracks: Sequence[_Track], model: Model) -> None:
    """Scores all windows that the tracks' waiting hops complete, in one call of the model."""
    hops = [track.take() for track in tracks]
    counts = [max(0, len(rows) - model.info.grid.window_hops + 1) for rows in hops]
    if not sum(counts):
        return
    offsets = np.cumsum([0, *map(len, hops)])
    starts = torch.cat([torch.arange(count) + offset for count, offset in zip(counts, offsets, strict=False)])
    try:
        probabilities = model.score(torch.cat(hops), starts)
    except Exception as error:  # a fault of the model's own is every neighbour's
        for track in tracks:
            track.error = error
        return
    for track, scores in zip(tracks, np.split(probabilities, np.cumsum(counts)[:-1]), strict=True):
        track.put(scores)
