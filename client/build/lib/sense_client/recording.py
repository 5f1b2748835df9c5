"""What is sent: a recording, and how it is to be tagged."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote

ANY_CONTENT_TYPE = "application/octet-stream"
# The server looks at the bytes, whatever the type says; these are only for the answer's metadata.
_CONTENT_TYPES = {".mp3": "audio/mp3", ".wav": "audio/wav", ".ogg": "audio/ogg", ".flac": "audio/flac"}
_MAX_NAME_CHARACTERS = 255
_CUSTOM_ATTRIBUTES_CHARACTERS = 1_024


@dataclass(frozen=True)
class RawFormat:
    """The shape of raw PCM.

    Attributes:
        rate: Samples per second and channel, 1,000 to 384,000.
        format: s, u or f, then 16, 24 or 32, then le or be: ``s16le``.
        channels: 1 to 64, interleaved.
    """

    rate: int
    format: str
    channels: int = 1

    @staticmethod
    def parse(text: str) -> RawFormat:
        """Reads ``rate=22050,format=s24le,channels=1``.

        Raises:
            ValueError: It has another form.
        """
        fields = dict(part.strip().partition("=")[::2] for part in text.split(","))
        if not {"rate", "format"} <= fields.keys() <= {"rate", "format", "channels"}:
            raise ValueError(f"{text!r} is not of the form rate=22050,format=s24le,channels=1")
        numbers = fields["rate"], fields.get("channels", "1")
        if not all(number.isascii() and number.isdigit() for number in numbers):
            raise ValueError(f"{text!r}: rate and channels must be whole numbers")
        if not re.fullmatch("[suf](16|24|32)(le|be)", fields["format"]):
            raise ValueError(f"{text!r}: format {fields['format']!r} is not one such as s16le, u24be, f32le")
        return RawFormat(int(numbers[0]), fields["format"], int(numbers[1]))

    @property
    def content_type(self) -> str:
        """The Content-Type of such a body."""
        return f"audio/x-raw; rate={self.rate}; format={self.format}; channels={self.channels}"

    @property
    def frame_bytes(self) -> int:
        """Bytes of one sample of every channel."""
        return int(self.format[1:3]) // 8 * self.channels


@dataclass(frozen=True)
class Recording:
    """A recording to be sent.

    Attributes:
        source: Its file, or its bytes.
        name: What the answer calls it; None: the server's word for a body without a name.
        content_type: What it is.
    """

    source: Path | bytes
    name: str | None
    content_type: str

    @staticmethod
    def of(
        source: str | Path | bytes | BinaryIO,
        *,
        name: str | None = None,
        content_type: str | None = None,
        raw: RawFormat | None = None,
    ) -> Recording:
        """Takes a path, bytes, or a file that is open for reading bytes."""
        if isinstance(source, str | Path):
            path = Path(source)
            usual = _CONTENT_TYPES.get(path.suffix.lower(), ANY_CONTENT_TYPE)
            return Recording(path, name or path.name, raw.content_type if raw else content_type or usual)
        body = source if isinstance(source, bytes) else source.read()
        return Recording(body, name, raw.content_type if raw else content_type or ANY_CONTENT_TYPE)

    def open(self) -> BinaryIO:
        """Opens it from its beginning.

        Raises:
            OSError: The file cannot be read.
        """
        return io.BytesIO(self.source) if isinstance(self.source, bytes) else self.source.open("rb")

    @property
    def size_bytes(self) -> int:
        """Its size.

        Raises:
            OSError: The file is not there.
        """
        return len(self.source) if isinstance(self.source, bytes) else self.source.stat().st_size


@dataclass(frozen=True)
class TagOptions:
    """How a recording is to be tagged. What is None or empty is left to the server's settings.

    Attributes:
        sensitivity: -2 to 2; higher means more detections.
        tags_sensitivity: The same for single tags.
        all_probabilities: Whether each window shall list the probability of every tag, too.
        tail_window: Whether a last window shall end where the recording ends.
    """

    sensitivity: int | None = None
    tags_sensitivity: Mapping[str, int] = field(default_factory=dict)
    all_probabilities: bool = False
    tail_window: bool | None = None

    def fields(self) -> dict[str, Any]:
        """Returns what is set, under the names of the JSON form of SageMaker's custom attributes."""
        fields: dict[str, Any] = {}
        if self.sensitivity is not None:
            fields["default_sensitivity"] = self.sensitivity
        if self.tags_sensitivity:
            fields["tags_sensitivity"] = dict(self.tags_sensitivity)
        if self.all_probabilities:
            fields["all_probabilities"] = 1
        if self.tail_window is not None:
            fields["tail_window"] = int(self.tail_window)
        return fields

    def headers(self, name: str | None) -> dict[str, str]:
        """Returns the HTTP headers that say this, and the recording's name."""
        headers = {_header(field): _text(value) for field, value in self.fields().items()}
        return headers if name is None else {**headers, "X-Filename": _ascii_name(name)}

    def custom_attributes(self, name: str | None) -> str:
        """Returns the value of SageMaker's custom attributes that says this. A name too long for it is left out.

        Raises:
            ValueError: The sensitivities of single tags are too many.
        """
        named = self.fields() if name is None else {**self.fields(), "filename": _ascii_name(name)}
        texts = [json.dumps(fields) if fields else "" for fields in (named, self.fields())]
        fitting = [text for text in texts if len(text) <= _CUSTOM_ATTRIBUTES_CHARACTERS]
        if not fitting:
            raise ValueError(
                f"sensitivities of {len(self.tags_sensitivity)} tags do not fit into SageMaker's custom attributes, "
                f"which take {_CUSTOM_ATTRIBUTES_CHARACTERS} characters"
            )
        return fitting[0]


def _header(field: str) -> str:
    """``default_sensitivity`` -> ``X-Default-Sensitivity``."""
    return "-".join(["X", *field.split("_")]).title()


def _text(value: object) -> str:
    return json.dumps(value) if isinstance(value, dict) else str(value)


def _ascii_name(name: str) -> str:
    """A name as a header holds it: as it is, or percent-encoded as in RFC 8187."""
    name = name[-_MAX_NAME_CHARACTERS:]
    plain = re.fullmatch(r"[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?", name)
    return name if plain else f"UTF-8''{quote(name, safe='', errors='replace')}"
