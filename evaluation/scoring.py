"""What a model file says of recordings, by the way that the server takes: decoded, cut into windows, scored."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from evaluation.errors import EvaluationError
from evaluation.recordings import Recording
from handler.arrays import Floats
from handler.audio.stream import AudioStream
from handler.media import EncodedAudio
from handler.model.file import ModelFileError
from handler.model.loading import Model, load_model
from handler.model.scoring import ScoringPool, default_batch_hops, default_num_threads
from handler.tagger import tag

MAX_SECONDS = 4 * 3600
# Short clips fill the model's batches together.
_TOGETHER = 16
_CPU = torch.device("cpu")


def read_model(file: Path) -> Model:
    """Loads a model file as the server does, on the CPU.

    Raises:
        EvaluationError: It is not one.
    """
    try:
        return load_model(file, _CPU)
    except ModelFileError as error:
        raise EvaluationError(f"{file}: {error}") from None


def clip_probabilities(model: Model, recordings: Sequence[Recording]) -> Floats:
    """Returns each tag's highest probability of all windows of a recording: float32 of shape (clips, tags).

    Raises:
        EvaluationError: A file is not there or holds no audio.
    """
    return np.stack([windows.max(0) for windows in window_probabilities(model, recordings)])


def window_probabilities(model: Model, recordings: Sequence[Recording]) -> Iterator[Floats]:
    """Yields each recording's probabilities, float32 of shape (windows, tags), and shows progress.

    A recording shorter than a window is padded with silence. An incomplete window at the end is left out.

    Raises:
        EvaluationError: A file is not there or holds no audio.
    """
    pool = ScoringPool(model, default_num_threads(_CPU))
    with tqdm(total=len(recordings), desc=model.info.name, unit="clip") as progress:
        for first in range(0, len(recordings), _TOGETHER):
            part = recordings[first : first + _TOGETHER]
            yield from _scored(pool, part)
            progress.update(len(part))


def _scored(pool: ScoringPool, recordings: Sequence[Recording]) -> Iterator[Floats]:
    streams = [_stream(recording, pool.model.info.sample_rate) for recording in recordings]
    tagged = tag(streams, pool, batch_hops=default_batch_hops(_CPU))
    for recording, each in zip(recordings, tagged, strict=True):
        if each.error is not None:
            raise EvaluationError(f"{recording.path}: {each.error}")
        yield each.probabilities


def _stream(recording: Recording, sample_rate: int) -> AudioStream:
    try:
        body = np.fromfile(recording.path, np.uint8).data  # torch warns of bytes: it may not write them
    except OSError as error:
        raise EvaluationError(f"{recording.path} cannot be read: {error.strerror}") from None
    return AudioStream(body, EncodedAudio(), sample_rate=sample_rate, max_seconds=MAX_SECONDS)
