"""The options that say how recordings are tagged and what is kept of the results."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from sense_client.cli import values
from sense_client.client import Client
from sense_client.config import Config, ConfigError, read_config
from sense_client.recording import RawFormat, Recording, TagOptions
from sense_client.results import Result

STANDARD_INPUT = "-"


@dataclass(frozen=True)
class Wish:
    """How recordings are to be tagged.

    Attributes:
        options: What the tagger is asked.
        tags: The tags to keep; empty: all.
        raw: The shape of samples without a header.
        name: The recording's name in the answer.
        margin_seconds: For how long a tag may be missing within an event.
        tag_margins_seconds: The same for single tags.
    """

    options: TagOptions
    tags: Sequence[str] = ()
    raw: RawFormat | None = None
    name: str | None = None
    margin_seconds: float = 0.0
    tag_margins_seconds: Mapping[str, float] = field(default_factory=dict)

    def tag(self, client: Client, file: str) -> Result:
        """Tags a recording: a file, or standard input where it is "-".

        Raises:
            CallError: No result came.
            OSError: The file cannot be read.
        """
        source = sys.stdin.buffer if file == STANDARD_INPUT else Path(file)
        result = client.transport.tag(Recording.of(source, name=self.name, raw=self.raw), self.options)
        return result.filtered(self.tags) if self.tags else result

    def fields(self) -> dict[str, object]:
        """Returns what changes results, for the journal."""
        tags = {"tags": sorted(self.tags)} if self.tags else {}
        return {**self.options.fields(), **tags, **({"raw": self.raw.content_type} if self.raw else {})}


_OPTIONS = (
    click.option("--sensitivity", type=click.IntRange(-2, 2), metavar="N", help="-2 to 2; higher: more detections."),
    click.option(
        "--tag-sensitivity", type=values.tag_sensitivity, metavar="TAG=N", multiple=True, help="The same for one tag."
    ),
    click.option("--tags", type=values.names, metavar="TAG,...", help="Keep these tags only."),
    click.option(
        "--margin", type=click.FloatRange(0), metavar="SECONDS", help="How long a tag may be missing within an event."
    ),
    click.option(
        "--tag-margin", type=values.tag_margin, metavar="TAG=SECONDS", multiple=True, help="The same for one tag."
    ),
    click.option("--config", type=click.Path(path_type=Path), help="A file for what the options above do not set."),
    click.option("--all-probabilities", is_flag=True, help="List every tag's probability in each window, too."),
    click.option("--tail-window/--no-tail-window", default=None, help="A last window that ends with the recording."),
    click.option("--raw", type=values.raw, metavar="rate=HZ,format=F[,channels=N]", help="Samples without a header."),
    click.option("--name", metavar="TEXT", help="The recording's name in the answer."),
)
_NAMES = (
    "sensitivity",
    "tag_sensitivity",
    "tags",
    "margin",
    "tag_margin",
    "config",
    "all_probabilities",
    "tail_window",
    "raw",
    "name",
)


def wish_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds the options, and passes them on as the keyword argument `wish`."""

    @functools.wraps(command)
    def run(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401  # click's own
        wish = _wish(**{name: options.pop(name) for name in _NAMES})
        return command(*arguments, wish=wish, **options)

    decorated: Callable[..., Any] = run
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated


def _wish(
    *,
    sensitivity: int | None,
    tag_sensitivity: Sequence[tuple[str, int]],
    tags: Sequence[str] | None,
    margin: float | None,
    tag_margin: Sequence[tuple[str, float]],
    config: Path | None,
    all_probabilities: bool,
    tail_window: bool | None,
    raw: RawFormat | None,
    name: str | None,
) -> Wish:
    base = _read_config(config)
    level = base.sensitivity if sensitivity is None else sensitivity
    by_tag = {**base.tags_sensitivity, **dict(tag_sensitivity)}
    return Wish(
        TagOptions(level, by_tag, all_probabilities, tail_window),
        tags or base.tags,
        raw,
        name,
        base.margin_seconds if margin is None else margin,
        {**base.tag_margins_seconds, **dict(tag_margin)},
    )


def _read_config(path: Path | None) -> Config:
    try:
        return read_config(path) if path else Config()
    except (ConfigError, OSError) as error:
        raise click.UsageError(f"--config: {error}") from None
