"""Text from outside: how errors quote it, and how numbers and switches are read from it."""

from __future__ import annotations

from handler.errors import BadRequestError

_MAX_QUOTED_CHARACTERS = 120
_MAX_DIGITS = 12


def quoted(value: object) -> str:
    """Returns the repr of `value`, cut to a length that fits an error message."""
    text = repr(value)
    return text if len(text) <= _MAX_QUOTED_CHARACTERS else f"{text[:_MAX_QUOTED_CHARACTERS]}..."


def whole_number(text: str) -> int | None:
    """Reads up to 12 ASCII digits as a number. Returns None for anything else.

    int() is too generous for a protocol: it also takes '1_000', ' 8 ' and the digits of other scripts.
    """
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS else None


def parse_switch(value: object, *, source: str) -> bool:
    """Reads a switch.

    Args:
        value: "0" or "1" as text from a header or the environment, or 0, 1, true or false from JSON.
        source: Its name in errors, such as the header's name.

    Raises:
        BadRequestError: It is anything else.
    """
    text = value.strip() if isinstance(value, str) else str(int(value)) if isinstance(value, int) else ""
    if text not in ("0", "1"):
        raise BadRequestError(f"{source}: {quoted(value)} is neither 0 nor 1")
    return text == "1"
