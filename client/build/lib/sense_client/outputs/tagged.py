"""What every format takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sense_client.results import Event, Result


@dataclass(frozen=True)
class Tagged:
    """A recording with its result.

    Attributes:
        file: Its path as given, or its name.
        result: What was heard.
    """

    file: str
    result: Result


@dataclass(frozen=True)
class Layout:
    """How results are laid out.

    Attributes:
        margin_seconds: For how long a tag may be missing within an event.
        tag_margins_seconds: The same for single tags.
        has_several: Whether the run is about more than one recording.
    """

    margin_seconds: float = 0.0
    tag_margins_seconds: Mapping[str, float] = field(default_factory=dict)
    has_several: bool = False

    def events(self, result: Result) -> list[Event]:
        """Returns a result's events."""
        return result.events(self.margin_seconds, self.tag_margins_seconds)
