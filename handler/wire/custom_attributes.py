"""X-Amzn-SageMaker-Custom-Attributes, the one header that SageMaker passes on, in the three forms that clients send.

* ``X-Default-Sensitivity=1,X-Tags-Sensitivity={"Siren": 2, "Laughter": -2},X-Filename=a.mp3``
* ``{"default_sensitivity": 1, "tags_sensitivity": {"Siren": 2}, "filename": "a.mp3"}``
* ``Sensitivity={"default_sensitivity": 1}``
"""

from __future__ import annotations

import json
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
}
_NESTED = "sensitivity"
_JSON_STARTS = ("{", "[", '"')


@dataclass
class CustomAttributes:
    """What the header says.

    Attributes:
        fields: "default_sensitivity", "tags_sensitivity" and "filename", those that are set; not yet validated.
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
    """Parses the header's value.

    Args:
        header: The value as received, or None if there is none.

    Raises:
        BadRequestError: It has none of the three forms.
    """
    attributes = CustomAttributes()
    rest = (header or "").strip()
    if rest.startswith("{"):
        json_object, rest = _json_value(rest)
        _expect_end(rest)
        for key, value in _object(json_object).items():
            attributes._add(key, value)
        return attributes
    while rest:
        key, equals, rest = rest.partition("=")
        if not equals:
            raise BadRequestError(f"{HEADER}: {quoted(key)} is neither key=value nor a JSON object")
        value, rest = _value(rest.lstrip())
        attributes._add(key, value)
    return attributes


def _object(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise BadRequestError(f'{HEADER}: {quoted(value)} is not a JSON object such as {{"default_sensitivity": 1}}')
    return value


def _value(text: str) -> tuple[object, str]:
    """Splits `text` after its first value. JSON is parsed, not split, because it may hold commas."""
    if not text.startswith(_JSON_STARTS):
        value, _, rest = text.partition(",")
        return value.strip(), rest.strip()
    json_value, rest = _json_value(text)
    if rest and not rest.startswith(","):
        raise BadRequestError(f"{HEADER}: a comma is missing before {quoted(rest)}")
    return json_value, rest[1:].strip()


def _json_value(text: str) -> tuple[object, str]:
    try:
        value, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        raise BadRequestError(f"{HEADER}: {quoted(text)} is not valid JSON") from None
    return value, text[end:].strip()


def _expect_end(rest: str) -> None:
    if rest:
        raise BadRequestError(f"{HEADER}: {quoted(rest)} follows the JSON object; send the object alone")
