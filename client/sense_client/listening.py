"""Sound that goes on and on -> windows as they are complete, and events as they begin and end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import count

from sense_client.results import NOTHING_HEARD, Event, Window

# Starts of windows are decimal fractions, which floats hold only nearly.
_TOLERANCE_SECONDS = 1e-6


def rolling(blocks: Iterable[bytes], window_bytes: int, hop_bytes: int) -> Iterator[tuple[int, bytes]]:
    """Cuts a stream into windows that overlap.

    Args:
        blocks: Samples without a header, in pieces of any size.
        window_bytes: The size of a window.
        hop_bytes: From one window's start to the next one's; at most `window_bytes`.

    Yields:
        The number of the window, from 0, and its bytes. A stream shorter than a window makes one.
    """
    numbers, buffer = count(), b""
    for block in blocks:
        buffer += block
        while len(buffer) >= window_bytes:
            yield next(numbers), buffer[:window_bytes]
            buffer = buffer[hop_bytes:]
    number = next(numbers)
    if number == 0 and buffer:
        yield number, buffer


@dataclass(frozen=True)
class Change:
    """An event that began, or one that ended."""

    event: Event
    has_ended: bool


class Listener:
    """Follows events from window to window.

    Args:
        hop_seconds: From one window's start to the next one's.
        margin_seconds: For how long a tag may be missing within an event.
    """

    def __init__(self, hop_seconds: float, margin_seconds: float = 0.0) -> None:
        self._hop_seconds = hop_seconds
        self._longest_seconds = hop_seconds + margin_seconds + _TOLERANCE_SECONDS
        self._open: dict[str, Event] = {}
        self._last_start_seconds: dict[str, float] = {}

    def hear(self, window: Window) -> Iterator[Change]:
        """Takes the next window, and yields the events that end before it and those that begin with it."""
        heard = {tag.name: tag.probability for tag in window.tags if tag.name != NOTHING_HEARD}
        for name in list(self._open):
            since_seconds = window.start_seconds - self._last_start_seconds[name]
            # Without the tag in this window, the next one that has it is a hop further.
            if since_seconds + (0 if name in heard else self._hop_seconds) > self._longest_seconds:
                yield Change(self._open.pop(name), has_ended=True)
        for name, probability in heard.items():
            event = self._open.get(name)
            self._last_start_seconds[name] = window.start_seconds
            if event is None:
                self._open[name] = Event(name, window.start_seconds, window.end_seconds, probability)
                yield Change(self._open[name], has_ended=False)
            else:
                peak = max(event.peak_probability, probability)
                self._open[name] = replace(event, end_seconds=window.end_seconds, peak_probability=peak)

    def finish(self) -> Iterator[Change]:
        """Yields the events that last to the end of the sound."""
        yield from (Change(event, has_ended=True) for event in self._open.values())
        self._open.clear()
