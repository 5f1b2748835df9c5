"""Labels for editors and players: Audacity, Raven, WebVTT. Each event is one label."""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator

from sense_client.outputs.tagged import Layout, Tagged
from sense_client.results import Event

_RAVEN_COLUMNS = (
    "Selection",
    "View",
    "Channel",
    "Begin Time (s)",
    "End Time (s)",
    "Low Freq (Hz)",
    "High Freq (Hz)",
    "Tag",
    "Probability",
)
# Raven draws a selection as a box, and a tag has no frequencies. The bundled model hears up to 8 kHz.
_LOW_HERTZ, _HIGH_HERTZ = 0, 8_000


def write_audacity(recordings: Iterable[Tagged], layout: Layout) -> Iterator[str]:
    """Writes a label track: start, end and text, with tabs between them.

    https://manual.audacityteam.org/man/importing_and_exporting_labels.html
    """
    for event in _events(recordings, layout):
        yield f"{event.start_seconds:.6f}\t{event.end_seconds:.6f}\t{_on_one_line(event.tag)}\n"


def write_raven(recordings: Iterable[Tagged], layout: Layout) -> Iterator[str]:
    """Writes a selection table, with the columns that Raven needs and two annotations: the tag and its probability.

    https://www.ravensoundsoftware.com/knowledge-base/
    """
    yield "\t".join(_RAVEN_COLUMNS) + "\n"
    for number, event in enumerate(_events(recordings, layout), 1):
        box = f"{event.start_seconds:.6f}\t{event.end_seconds:.6f}\t{_LOW_HERTZ}\t{_HIGH_HERTZ}"
        yield f"{number}\tSpectrogram 1\t1\t{box}\t{_on_one_line(event.tag)}\t{event.peak_probability:.4f}\n"


def write_webvtt(recordings: Iterable[Tagged], layout: Layout) -> Iterator[str]:
    """Writes subtitles: https://www.w3.org/TR/webvtt1/ has the form."""
    yield "WEBVTT\n"
    for event in _events(recordings, layout):
        text = html.escape(_on_one_line(event.tag), quote=False)
        yield f"\n{_clock(event.start_seconds)} --> {_clock(event.end_seconds)}\n{text}\n"


def _events(recordings: Iterable[Tagged], layout: Layout) -> Iterator[Event]:
    for tagged in recordings:
        yield from layout.events(tagged.result)


def _clock(seconds: float) -> str:
    """A time as hours:minutes:seconds.milliseconds."""
    minutes, milliseconds = divmod(round(seconds * 1000), 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{milliseconds // 1000:02}.{milliseconds % 1000:03}"


def _on_one_line(text: str) -> str:
    return " ".join(text.split())
