"""A process that decodes request after request, watched: what kills it, hangs it or fills the memory is a finding."""

from __future__ import annotations

import time
import traceback
from dataclasses import dataclass
from multiprocessing import get_context
from multiprocessing.connection import Connection
from types import TracebackType

import numpy as np
import psutil
import torch

from handler.audio.stream import AudioStream
from handler.errors import CallerError
from handler.settings import Settings
from handler.wire.request import read_request
from tests.support.audio import Floats

MAX_SECONDS = 30.0
# The process itself has some 300 MB.
MAX_BYTES = 1 << 30
_POLL_SECONDS = 0.02
# As the server's default. Only the first samples come back.
_MAX_AUDIO_SECONDS, _KEPT_SECONDS = 360_000, 30
_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload([__name__])


@dataclass(frozen=True)
class Outcome:
    """What became of a request: samples, a refusal, or a fault of ours.

    Attributes:
        samples: The first 30 s, float32 of shape (samples,), or None.
        num_samples: Of the whole recording.
        refusal: The caller's error.
        fault: What happened that must not: a traceback, a death, or a limit that was broken.
    """

    samples: Floats | None = None
    num_samples: int = 0
    refusal: str = ""
    fault: str = ""


class WatchedDecoder:
    """Decodes in another process, which is started anew if it dies or has to be killed.

    Args:
        max_seconds: For one request.
        max_bytes: Of the process's memory.
    """

    def __init__(self, max_seconds: float = MAX_SECONDS, max_bytes: int = MAX_BYTES) -> None:
        self._max_seconds, self._max_bytes = max_seconds, max_bytes
        self._start()

    def __enter__(self) -> WatchedDecoder:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def decode(self, body: bytes, content_type: str = "application/octet-stream", sample_rate: int = 16_000) -> Outcome:
        """Sends one request through the handler's request reader and its decoder."""
        self._connection.send((body, content_type, sample_rate))
        outcome = self._wait()
        if outcome.fault and not self._process.is_alive():
            self._start()
        return outcome

    def memory_bytes(self) -> int:
        """Returns what the process holds."""
        return int(psutil.Process(self._process.pid).memory_info().rss)

    def close(self) -> None:
        """Ends the process."""
        self._process.kill()
        self._process.join()
        self._connection.close()

    def _start(self) -> None:
        self._connection, theirs = _CONTEXT.Pipe()
        self._process = _CONTEXT.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()

    def _wait(self) -> Outcome:
        end_seconds = time.monotonic() + self._max_seconds
        while not self._connection.poll(_POLL_SECONDS):
            if time.monotonic() > end_seconds:
                return self._killed(f"it takes longer than {self._max_seconds} s")
            if self._process.is_alive() and self.memory_bytes() > self._max_bytes:
                return self._killed(f"it takes more than {self._max_bytes} bytes")
        try:
            outcome: Outcome = self._connection.recv()
        except EOFError:
            self._process.join()
            return Outcome(fault=f"the process died: exit code {self._process.exitcode}")
        return outcome

    def _killed(self, fault: str) -> Outcome:
        self.close()
        return Outcome(fault=fault)


def _serve(connection: Connection) -> None:
    torch.set_num_threads(1)
    while True:
        body, content_type, sample_rate = connection.recv()
        connection.send(_outcome(body, content_type, sample_rate))


def _outcome(body: bytes, content_type: str, sample_rate: int) -> Outcome:
    try:
        return _decoded(body, content_type, sample_rate)
    except CallerError as error:
        return Outcome(refusal=str(error))
    except BaseException:  # of any kind: that is what is looked for
        return Outcome(fault=traceback.format_exc())


def _decoded(body: bytes, content_type: str, sample_rate: int) -> Outcome:
    request = read_request({"body": bytearray(body)}, {"Content-Type": content_type}, Settings())
    assert request is not None
    stream = AudioStream(request.body, request.media, sample_rate=sample_rate, max_seconds=_MAX_AUDIO_SECONDS)
    kept, num_samples = [np.empty(0, np.float32)], 0
    for block in stream:
        assert block.isfinite().all()
        if num_samples < _KEPT_SECONDS * sample_rate:
            kept.append(block.numpy())
        num_samples += len(block)
    return Outcome(np.concatenate(kept), num_samples)
