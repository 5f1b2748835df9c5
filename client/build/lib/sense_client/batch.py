"""Many recordings, several at a time."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from sense_client.errors import CallError
from sense_client.results import Result


@dataclass(frozen=True)
class Outcome:
    """What became of a recording: a result, or an error."""

    file: str
    result: Result | None = None
    error: CallError | OSError | None = None


def tag_all(files: Iterable[str], tag: Callable[[str], Result], num_jobs: int) -> Iterator[Outcome]:
    """Tags recordings and yields the outcomes as they come.

    The threads end with the process, so an interrupt does not wait for answers that are on their way.

    Args:
        files: The recordings.
        tag: Tags one of them.
        num_jobs: How many at a time.

    Raises:
        BaseException: What `tag` raises beside CallError and OSError.
    """
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    outcomes: queue.SimpleQueue[Outcome | BaseException] = queue.SimpleQueue()
    num_files = 0
    for file in files:
        waiting.put(file)
        num_files += 1
    for _ in range(min(num_jobs, num_files)):
        threading.Thread(target=_work, args=(waiting, outcomes, tag), daemon=True).start()
    for _ in range(num_files):
        outcome = outcomes.get()
        if isinstance(outcome, BaseException):
            raise outcome
        yield outcome


def _work(
    waiting: queue.SimpleQueue[str],
    outcomes: queue.SimpleQueue[Outcome | BaseException],
    tag: Callable[[str], Result],
) -> None:
    while True:
        try:
            file = waiting.get_nowait()
        except queue.Empty:
            return
        try:
            outcomes.put(Outcome(file, result=tag(file)))
        except (CallError, OSError) as error:
            outcomes.put(Outcome(file, error=error))
        except BaseException as error:
            outcomes.put(error)
            return
