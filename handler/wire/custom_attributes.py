"""X-Amzn-SageMaker-Custom-Attributes, the one header that SageMaker passes on, in the three forms that clients send.

* ``X-Default-Sensitivity=1,X-Tags-Sensitivity={"Siren": 2, "Speech": -2},X-Filename=a.mp3``
* ``{"default_sensitivity": 1, "tags_sensitivity": {"Siren": 2}, "filename": "a.mp3"}``
* ``Sensitivity={"default_sensitivity": 1}``
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from handler.errors import BadRequestError
from handler.text import quoted

HEADER = "X-Amzn-SageMaker-Custom-Attributes"

# Every spelling of a field, in lower case, and the field it means.
_FIELDS = {
    "x-default-sensitivity": "default_sensitivity",
    "default_sensitivity": "default_sensitivity",
    "x-tags-sensitivity": "tags_sensitivity",
    "tags_sensitivity": "tags_sensitivity",
    "x-filename": "filename",
    "filename": "filename",
    "x-tail-window": "tail_window",
    "tail_window": "tail_window",
    "x-all-probabilities": "all_probabilities",
    "all_probabilities": "all_probabilities",
    "describe": "describe",
}
_NESTED = "sensitivity"
_JSON_STARTS = ("{", "[", '"')
_KEY = re.compile(r"([^=]*)=\s*")
_SPACES = re.compile(r"\s*")


@dataclass
class CustomAttributes:
    """What the header says.

    Attributes:
        fields: Those of "default_sensitivity", "tags_sensitivity", "filename", "tail_window", "all_probabilities" and
            "describe" that are set; not yet validated.
        unknown: Keys that mean nothing here. They are not errors: proxies and tracing share the header.
    """

    fields: dict[str, object] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)

    def _add(self, key: str, value: object) -> None:
        """Takes a field, or the object of fields that one of the forms calls "sensitivity"."""
        if key.strip().lower() != _NESTED:
            self._set(key.strip(), value)
            return
        for inner_key, inner_value in _object(value).items():
            self._set(inner_key, inner_value)

    def _set(self, key: str, value: object) -> None:
        name = _FIELDS.get(key.lower())
        if key.lower() == _NESTED:
            raise BadRequestError(f"{HEADER}: {key} stands inside an object of the same name; send its fields alone")
        if name is None:
            self.unknown.append(key)
        elif name in self.fields:
            raise BadRequestError(f"{HEADER}: {key} is given twice; send it once")
        else:
            self.fields[name] = value


def parse_custom_attributes(header: str | None) -> CustomAttributes:
    """Parses the header's value, in time that grows linearly with its length.

    Args:
        header: The value as received, or None if there is none.

    Raises:
        BadRequestError: It has none of the three forms.
    """
    attributes = CustomAttributes()
    text = (header or "").strip()
    pairs = _whole_object(text) if text.startswith("{") else _pairs(text)
    for key, value in pairs:
        attributes._add(key, value)
    return attributes


def _whole_object(text: str) -> Iterable[tuple[str, object]]:
    value, end = _json_value(text, 0)
    if end < len(text):
        raise BadRequestError(f"{HEADER}: {_quoted_from(text, end)} follows the JSON object; send the object alone")
    return _object(value).items()


def _pairs(text: str) -> Iterator[tuple[str, object]]:
    position = 0
    while position < len(text):
        key = _KEY.match(text, position)
        if key is None:
            raise BadRequestError(f"{HEADER}: {_quoted_from(text, position)} is neither key=value nor a JSON object")
        value, position = _value(text, key.end())
        yield key[1], value


def _value(text: str, position: int) -> tuple[object, int]:
    """Reads the value at `position`. Returns it and where the next pair begins.

    JSON is parsed, not split, because it may hold commas.
    """
    if not text.startswith(_JSON_STARTS, position):
        end = text.find(",", position)
        end = len(text) if end < 0 else end
        return text[position:end].strip(), _after_spaces(text, end + 1)
    value, end = _json_value(text, position)
    if end < len(text) and text[end] != ",":
        raise BadRequestError(f"{HEADER}: a comma is missing before {_quoted_from(text, end)}")
    return value, _after_spaces(text, end + 1)


def _json_value(text: str, position: int) -> tuple[object, int]:
    """Reads the JSON at `position`. Returns it and where the next text after it begins."""
    try:
        value, end = json.JSONDecoder().raw_decode(text, position)
    except (ValueError, RecursionError):
        raise BadRequestError(f"{HEADER}: {_quoted_from(text, position)} is not valid JSON") from None
    return value, _after_spaces(text, end)


def _object(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise BadRequestError(f'{HEADER}: {quoted(value)} is not a JSON object such as {{"default_sensitivity": 1}}')
    return value


def _after_spaces(text: str, position: int) -> int:
    spaces = _SPACES.match(text, position)
    return spaces.end() if spaces else len(text)


def _quoted_from(text: str, position: int) -> str:
    return quoted(text[position:])
