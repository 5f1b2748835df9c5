"""The configuration file, in the shape that the vendor's Python client reads.

::

    {"sensitivity_control": {"default_sensitivity": 0, "tag_sensitivity": {"Siren": 2}},
     "result_summary": {"default_interval_margin": 0, "tag_interval_margin": {"Siren": 5}},
     "tag_filter": {"enabled_tags": ["Siren", "Speech"]}}

All parts are optional. A higher sensitivity means more detections, as the vendor's page on that file says.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


class ConfigError(ValueError):
    """A configuration file without a usable content; the message names the field."""


@dataclass(frozen=True)
class Config:
    """What a configuration file says.

    Attributes:
        sensitivity: -2 to 2; None: the server's default.
        tags_sensitivity: The same for single tags.
        margin_seconds: For how long a tag may be missing within an event.
        tag_margins_seconds: The same for single tags.
        tags: The tags to keep; empty: all.
    """

    sensitivity: int | None = None
    tags_sensitivity: Mapping[str, int] = field(default_factory=dict)
    margin_seconds: float = 0.0
    tag_margins_seconds: Mapping[str, float] = field(default_factory=dict)
    tags: tuple[str, ...] = ()


def read_config(path: Path) -> Config:
    """Reads a configuration file.

    Raises:
        ConfigError: It is not a JSON object, or a field has another type or range.
        OSError: It cannot be read.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigError(f"{path} is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise ConfigError(f"{path} is not a JSON object")
    sensitivity, summary, tag_filter = (
        _object(content, name) for name in ("sensitivity_control", "result_summary", "tag_filter")
    )
    by_tag = _object(sensitivity, "tag_sensitivity")
    margins = _object(summary, "tag_interval_margin")
    default = sensitivity.get("default_sensitivity")
    return Config(
        None if default is None else _sensitivity("default_sensitivity", default),
        {name: _sensitivity(f"tag_sensitivity of {name}", value) for name, value in by_tag.items()},
        _margin("default_interval_margin", summary.get("default_interval_margin") or 0),
        {name: _margin(f"tag_interval_margin of {name}", value) for name, value in margins.items()},
        _names(tag_filter.get("enabled_tags") or []),
    )


def _object(parent: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = parent.get(name)
    if value is not None and not isinstance(value, dict):
        raise ConfigError(f"{name}: {value!r} is not a JSON object")
    return value or {}


def _sensitivity(name: str, value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and -2 <= value <= 2:
        return value
    raise ConfigError(f"{name}: {value!r} is not a whole number from -2 to 2")


def _margin(name: str, value: object) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0:
        return value
    raise ConfigError(f"{name}: {value!r} is not a number of seconds from 0 up")


def _names(value: object) -> tuple[str, ...]:
    if isinstance(value, list) and all(isinstance(name, str) for name in value):
        return tuple(value)
    raise ConfigError(f"enabled_tags: {value!r} is not a list of tags")
