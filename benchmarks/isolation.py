"""What it would cost to decode in a process of its own, so that a crash of the decoder leaves the worker alone.

    python -m benchmarks.isolation

A child process maps the body, decodes it, and leaves the samples in memory that both share. Clips are tagged with the
bundled model, by turns with samples from this process and from the child. Nothing of this is served.
"""

from __future__ import annotations

import mmap
import tempfile
import time
from collections.abc import Callable, Iterator
from fractions import Fraction
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import cast

import numpy as np
import psutil
import torch

from benchmarks import bodies
from benchmarks.results import TREE
from handler.audio.stream import AudioStream
from handler.media import EncodedAudio
from handler.model.loading import load_model
from handler.model.scoring import ScoringPool
from handler.tagger import tag

_ROUNDS = 60
_SECONDS = (2, 10, 60)
_MAX_SECONDS = 600
_SAMPLE_BYTES = 4


def main() -> None:
    """Prints a line for each length of clip, and the child's memory."""
    torch.set_num_threads(1)
    model = load_model(TREE / "model" / "model.pt2", torch.device("cpu"))
    pool, rate = ScoringPool(model, num_threads=1), model.info.sample_rate
    with tempfile.NamedTemporaryFile(dir="/dev/shm") as shared:
        shared.truncate(_MAX_SECONDS * rate * _SAMPLE_BYTES)
        ours, theirs = get_context("spawn").Pipe()
        child = get_context("spawn").Process(target=_decode, args=(theirs, shared.name, rate), daemon=True)
        child.start()
        samples = torch.frombuffer(mmap.mmap(shared.fileno(), 0), dtype=torch.float32)
        for seconds in _SECONDS:
            _compare(seconds, bodies.mp3(seconds), pool, rate, lambda file: _Decoded(ours, file, samples, rate))
        used = psutil.Process(child.pid).memory_full_info()
        print(f"the child holds {used.rss >> 20} MiB, {used.uss >> 20} of them alone")
        child.terminate()


class _Decoded:
    """What the tagger needs of a stream, from the child."""

    decode_seconds = 0.0

    def __init__(self, child: Connection, file: Path, samples: torch.Tensor, rate: int) -> None:
        self._child, self._file, self._samples, self._rate = child, file, samples, rate
        self.duration_seconds = Fraction(0)

    def __iter__(self) -> Iterator[torch.Tensor]:
        self._child.send(self._file)
        end, self.duration_seconds = self._child.recv()
        # Out of the shared memory, which the next recording needs.
        samples = self._samples[:end].clone()
        yield from (samples[start : start + 10 * self._rate] for start in range(0, end, 10 * self._rate))


def _decode(parent: Connection, shared: str, rate: int) -> None:
    torch.set_num_threads(1)
    with Path(shared).open("r+b") as file:
        samples = np.frombuffer(mmap.mmap(file.fileno(), 0), np.float32)
    while True:
        stream, end = _stream(parent.recv(), rate), 0
        for block in stream:
            samples[end : end + len(block)] = block.numpy()
            end += len(block)
        parent.send((end, stream.duration_seconds))


def _stream(file: Path, rate: int) -> AudioStream:
    with file.open("rb") as opened:
        body = memoryview(mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_COPY))
    return AudioStream(body, EncodedAudio(), sample_rate=rate, max_seconds=_MAX_SECONDS)


def _compare(seconds: float, file: Path, pool: ScoringPool, rate: int, from_child: Callable[[Path], _Decoded]) -> None:
    times: dict[str, list[float]] = {"decode here": [], "tag here": [], "tag from the child": []}
    for _ in range(_ROUNDS):
        times["decode here"].append(_seconds(lambda: list(_stream(file, rate))))
        times["tag here"].append(_seconds(lambda: _tag(_stream(file, rate), pool)))
        times["tag from the child"].append(_seconds(lambda: _tag(from_child(file), pool)))
    lowest = {name: 1e3 * float(np.quantile(values, 0.1)) for name, values in times.items()}
    more = lowest["tag from the child"] / lowest["tag here"] - 1
    print(f"{seconds} s:", ", ".join(f"{name} {value:.2f} ms" for name, value in lowest.items()), f"({more:+.1%})")


def _tag(stream: AudioStream | _Decoded, pool: ScoringPool) -> None:
    (tagged,) = tag([cast("AudioStream", stream)], pool, batch_hops=64, decode_here=True)
    if tagged.error:
        raise tagged.error


def _seconds(run: Callable[[], object]) -> float:
    start_seconds = time.perf_counter()
    run()
    return time.perf_counter() - start_seconds


if __name__ == "__main__":
    main()
