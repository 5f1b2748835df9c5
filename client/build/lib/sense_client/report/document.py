"""Answers -> HTML files that need nothing else: no server, no network."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import jinja2

from sense_client.report.spectrogram import NUM_BANDS, Spectrogram
from sense_client.results import Result

PAGE = Path(__file__).with_name("page")
SCRIPTS = ("recording.js", "spectrogram.js", "report.js")


@dataclass(frozen=True)
class IndexEntry:
    """One recording of a folder.

    Attributes:
        href: Its report, as a relative URL.
        result: What was heard in it.
    """

    href: str
    result: Result


def report_html(
    result: Result,
    *,
    description: Mapping[str, Any] | None,
    spectrogram: Spectrogram | None = None,
    audio: bytes | None = None,
) -> str:
    """Returns the report of one recording.

    Args:
        result: What the tagger answered. With all probabilities the report can move the thresholds.
        description: The server's description of its model, with each tag's threshold; None: not known.
        spectrogram: Its spectrogram; None: the browser computes one from `audio`.
        audio: The sound file, to listen to; None: the reader is asked for it.
    """
    data = {
        "answer": result.to_dict(),
        "description": description,
        "spectrogram": None if spectrogram is None else packed(spectrogram),
    }
    return _template("report.html").render(
        name=result.metadata.name,
        style=page_file("report.css"),
        scripts=[page_file(name) for name in SCRIPTS],
        data=in_script(data),
        audio="" if audio is None else base64.b64encode(audio).decode(),
    )


def index_html(entries: Sequence[IndexEntry]) -> str:
    """Returns the page over several reports: what was heard where, with search by tag."""
    rows = [
        {
            "href": entry.href,
            "name": entry.result.metadata.name,
            "seconds": entry.result.metadata.duration_seconds,
            "tags": _tags_by_length(entry.result),
        }
        for entry in entries
    ]
    names = sorted({tag["name"] for row in rows for tag in row["tags"]})  # type: ignore[attr-defined]
    return _template("index.html").render(rows=rows, names=names, style=page_file("report.css"))


def packed(spectrogram: Spectrogram) -> dict[str, Any]:
    """Returns a spectrogram as page/spectrogram.js unpacks it."""
    assert spectrogram.levels.shape[1] == NUM_BANDS
    compressed = zlib.compress(spectrogram.levels.tobytes(), 9)
    return {"column_seconds": spectrogram.column_seconds, "levels": base64.b64encode(compressed).decode()}


def in_script(value: object) -> str:
    """Returns JSON that can stand inside a script element, where "</script>" in a name would end it."""
    return json.dumps(value, separators=(",", ":")).replace("<", "\\u003c")


@cache
def page_file(name: str) -> str:
    """Returns the text of a file of page/."""
    return (PAGE / name).read_text(encoding="utf-8")


def clock(seconds: float) -> str:
    """Returns 3725.4 as 1:02:05."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def _tags_by_length(result: Result) -> list[dict[str, Any]]:
    seconds: dict[str, float] = {}
    for event in result.events():
        seconds[event.tag] = seconds.get(event.tag, 0) + event.end_seconds - event.start_seconds
    return [
        {"name": name, "seconds": length} for name, length in sorted(seconds.items(), key=lambda item: (-item[1], item))
    ]


def _template(name: str) -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["clock"] = clock
    return environment.get_template(name)
