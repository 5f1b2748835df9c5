"""One runner for recordings that are decoded in pieces, by as many threads as there are cores."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import replace
from functools import partial
from typing import TypeVar

from handler.audio.mono import Mono
from handler.cores import CORE_SLOTS, num_cores

_Piece = TypeVar("_Piece")
_Decode = Callable[[_Piece], Mono | None]

# All recordings share these threads.
_POOL = ThreadPoolExecutor(num_cores(), "decoding")
# Pieces of one recording that are decoded or wait: enough to keep all cores busy while one is consumed.
_PIECES_AHEAD = num_cores() + 1


def decoded(
    pieces: Iterable[_Piece], decode: _Decode[_Piece], *, is_single: bool
) -> Generator[tuple[_Piece, Mono | None], None, None]:
    """Decodes pieces, a bounded number of them ahead of the consumer.

    Args:
        pieces: Taken one by one, as results are consumed.
        decode: Returns the samples of a piece, or None where it is not as it must be. The runner takes a RuntimeError
            or ValueError of torchcodec's for None.
        is_single: Whether there is but one piece. It is not worth the way through another thread.

    Yields:
        Each piece with its samples and the core time that they took, in the order of the pieces.
    """
    if is_single:
        for piece in pieces:
            yield piece, _timed(decode, piece)
    else:
        yield from _ahead(pieces, decode)


def here(blocks: Iterable[Mono]) -> Iterator[Mono]:
    """Decodes in the caller's thread. Takes a core's slot for each block, and notes the block's core time."""
    blocks = iter(blocks)
    while True:
        with CORE_SLOTS:
            start_seconds = time.thread_time()
            block = next(blocks, None)
            seconds = time.thread_time() - start_seconds
        if block is None:
            return
        yield replace(block, decode_seconds=seconds)


def _ahead(pieces: Iterable[_Piece], decode: _Decode[_Piece]) -> Generator[tuple[_Piece, Mono | None], None, None]:
    running: deque[tuple[_Piece, Future[Mono | None]]] = deque()
    try:
        for piece in pieces:
            running.append((piece, _POOL.submit(partial(_timed, decode, piece))))
            if len(running) > _PIECES_AHEAD:
                first, future = running.popleft()
                yield first, future.result()
        while running:
            first, future = running.popleft()
            yield first, future.result()
    finally:
        # Cancels what has not begun, and waits some milliseconds for what has: it still reads from the body.
        wait([future for _, future in running if not future.cancel()])


def _timed(decode: _Decode[_Piece], piece: _Piece) -> Mono | None:
    with CORE_SLOTS:
        start_seconds = time.thread_time()
        try:
            mono = decode(piece)
        except (RuntimeError, ValueError):
            return None
        return mono and replace(mono, decode_seconds=time.thread_time() - start_seconds)
