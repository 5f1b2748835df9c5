"""What a tagger answers: windows with tags, and the events that they make.

A recording of 4 s has three windows of 2 s, one each second::

    Siren   [--heard--]                           start_seconds 0, end_seconds 2
                 [--heard--]                                    1              3
                      [---------]                               2              4

They make one event, Siren from 0 to 3 s.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas

# A tag with which some taggers mark a window in which they heard nothing.
NOTHING_HEARD = "Others"
# Starts of windows are decimal fractions, which floats hold only nearly.
_TOLERANCE_SECONDS = 1e-6


class MalformedResultError(ValueError):
    """JSON that is not a tagger's answer."""


@dataclass(frozen=True)
class Tag:
    """A tag in a window, with its probability from 0 to 1."""

    name: str
    probability: float


@dataclass(frozen=True)
class Window:
    """One window.

    Attributes:
        start_seconds: Where it starts.
        end_seconds: Where it ends, beyond the end of a recording that is shorter than a window.
        tags: The tags over their thresholds, as served: by falling probability.
        probabilities: Every tag of the model and its probability; None unless they were asked for.
    """

    start_seconds: float
    end_seconds: float
    tags: tuple[Tag, ...] = ()
    probabilities: Mapping[str, float] | None = None


@dataclass(frozen=True)
class Metadata:
    """What was tagged.

    Attributes:
        content_type: As sent.
        duration_seconds: Length of the decoded audio.
        size_bytes: Size of the body.
        name: As sent, or the server's word for a body without a name.
    """

    content_type: str
    duration_seconds: float
    size_bytes: int
    name: str


@dataclass(frozen=True)
class Event:
    """One tag in windows that follow one another.

    Attributes:
        tag: The tag's name.
        start_seconds: Where the first of the windows starts.
        end_seconds: Where the last of them ends.
        peak_probability: The highest probability in them.
    """

    tag: str
    start_seconds: float
    end_seconds: float
    peak_probability: float


@dataclass(frozen=True)
class Result:
    """The answer for one recording.

    Attributes:
        metadata: What was tagged.
        windows: All of them, by their start; those in which nothing was heard have no tags.
        model: Name and version of the model, where the server says so.
        warnings: What the server remarked, such as a tag that it does not know.
    """

    metadata: Metadata
    windows: tuple[Window, ...]
    model: str | None = None
    warnings: tuple[str, ...] = ()

    @staticmethod
    def from_dict(answer: object, *, model: str | None = None, warnings: tuple[str, ...] = ()) -> Result:
        """Reads an answer's JSON.

        Raises:
            MalformedResultError: It has another shape.
        """
        parts: Mapping[str, Any] = answer  # type: ignore[assignment]  # or an error below
        try:
            return Result(_metadata(parts["metadata"]), tuple(map(_window, parts["data"])), model, warnings)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise MalformedResultError(
                f"this is not a tagger's answer ({type(error).__name__}: {error}): {str(answer)[:200]}"
            ) from None

    def to_dict(self) -> dict[str, Any]:
        """Returns the JSON as served: whole seconds are integers."""
        metadata = {
            "content_type": self.metadata.content_type,
            "length_sec": self.metadata.duration_seconds,
            "size_byte": self.metadata.size_bytes,
            "name": self.metadata.name,
        }
        return {"metadata": metadata, "data": [_window_as_served(window) for window in self.windows]}

    def to_dataframe(self) -> pandas.DataFrame:
        """Returns one row a detection: start_seconds, end_seconds, tag, probability. Needs pandas."""
        import pandas  # optional

        rows = [
            (window.start_seconds, window.end_seconds, tag.name, tag.probability)
            for window in self.windows
            for tag in window.tags
        ]
        return pandas.DataFrame(rows, columns=["start_seconds", "end_seconds", "tag", "probability"])

    def filtered(self, names: Collection[str]) -> Result:
        """Returns the result with these tags only. Every window stays."""
        return replace(self, windows=tuple(_filtered(window, names) for window in self.windows))

    def events(self, margin: float = 0, margins: Mapping[str, float] | None = None) -> list[Event]:
        """Merges windows of the same tag.

        Args:
            margin: For how many seconds of windows a tag may be missing before its event ends. With a hop of 1 s, 0
                ends it at the first window without the tag, and 2 bridges two of them.
            margins: The same for single tags, in the place of `margin`.

        Returns:
            By their start, at one start by falling probability.
        """
        open_events: dict[str, _OpenEvent] = {}
        closed: list[Event] = []
        for window in self.windows:
            for tag in window.tags:
                event = open_events.get(tag.name)
                margin_seconds = (margins or {}).get(tag.name, margin)
                if event is not None and event.missed_seconds(window, self.hop_seconds) <= margin_seconds:
                    event.extend(window, tag)
                elif tag.name != NOTHING_HEARD:
                    closed += [event.closed()] if event else []
                    open_events[tag.name] = _OpenEvent.begun(window, tag)
        closed += [event.closed() for event in open_events.values()]
        return sorted(closed, key=lambda event: (event.start_seconds, -event.peak_probability, event.tag))

    @property
    def hop_seconds(self) -> float:
        """From one window's start to the next one's; the length of the window where there is but one."""
        if not self.windows:
            return 0.0
        first = self.windows[0]
        following = self.windows[1].start_seconds if len(self.windows) > 1 else first.end_seconds
        return following - first.start_seconds


@dataclass
class _OpenEvent:
    tag: str
    start_seconds: float
    last: Window
    peak_probability: float

    @staticmethod
    def begun(window: Window, tag: Tag) -> _OpenEvent:
        return _OpenEvent(tag.name, window.start_seconds, window, tag.probability)

    def missed_seconds(self, window: Window, hop_seconds: float) -> float:
        """For how many seconds of windows before this one the tag was missing."""
        return window.start_seconds - self.last.start_seconds - hop_seconds - _TOLERANCE_SECONDS

    def extend(self, window: Window, tag: Tag) -> None:
        self.last, self.peak_probability = window, max(self.peak_probability, tag.probability)

    def closed(self) -> Event:
        return Event(self.tag, self.start_seconds, self.last.end_seconds, self.peak_probability)


def _metadata(fields: Mapping[str, Any]) -> Metadata:
    return Metadata(
        str(fields["content_type"]), float(fields["length_sec"]), int(fields["size_byte"]), str(fields["name"])
    )


def _window(entry: Mapping[str, Any]) -> Window:
    tags = tuple(Tag(str(tag["name"]), float(tag["probability"])) for tag in entry["tags"])
    probabilities = entry.get("probabilities")
    every = None if probabilities is None else {str(name): float(value) for name, value in probabilities.items()}
    return Window(float(entry["start_time"]), float(entry["end_time"]), tags, every)


def _window_as_served(window: Window) -> dict[str, Any]:
    tags = [{"name": tag.name, "probability": tag.probability} for tag in window.tags]
    every = {} if window.probabilities is None else {"probabilities": dict(window.probabilities)}
    times = {"start_time": whole(window.start_seconds), "end_time": whole(window.end_seconds)}
    return {"tags": tags, **every, **times}


def whole(number: float) -> int | float:
    """Returns a whole number as an int, which JSON and people write without a decimal point."""
    return int(number) if number == int(number) else number


def _filtered(window: Window, names: Collection[str]) -> Window:
    every = window.probabilities
    kept = None if every is None else {name: value for name, value in every.items() if name in names}
    return replace(window, tags=tuple(tag for tag in window.tags if tag.name in names), probabilities=kept)
