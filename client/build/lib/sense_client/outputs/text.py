"""The summary that people read, in the words of the vendor's client."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sense_client.outputs.tagged import Layout, Tagged
from sense_client.results import Event, whole


def write(recordings: Iterable[Tagged], layout: Layout) -> Iterator[str]:
    """Writes a line for each event, under the recording's name if there are several."""
    for tagged in recordings:
        if layout.has_several:
            yield f"{tagged.file}\n"
        yield from (f"{line(event)}\n" for event in layout.events(tagged.result))


def line(event: Event) -> str:
    """Returns an event's line: ``At 0-3s, [Siren] was detected``."""
    return f"At {seconds(event.start_seconds)}-{seconds(event.end_seconds)}s, [{event.tag}] was detected"


def seconds(value: float) -> str:
    """Returns a time without needless digits: 3, 2.95."""
    return str(whole(round(value, 3)))
