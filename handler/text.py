"""Text from outside: how it is quoted in errors, and how numbers and header parameters are read from it."""

from __future__ import annotations

import re

# RFC 9110, sections 5.6.6 and 5.6.4: ;name=token, or ;name="a quoted string", in which a backslash escapes.
_PARAMETER = re.compile(r';\s*([^\s=;"]+)\s*=\s*("(?:[^"\\]|\\.)*"|[^;"]*)')
_ESCAPE = re.compile(r"\\(.)")
_MAX_QUOTED_CHARACTERS = 120
_MAX_DIGITS = 12


def quoted(value: object) -> str:
    """Returns the repr of `value`, cut to a length that fits an error message."""
    text = repr(value)
    return text if len(text) <= _MAX_QUOTED_CHARACTERS else f"{text[:_MAX_QUOTED_CHARACTERS]}..."


def whole_number(text: str) -> int | None:
    """Reads up to 12 ASCII digits as a number, or None where `text` is anything else.

    int() is too generous for a protocol: it also takes '1_000', ' 8 ' and the digits of other scripts.
    """
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MAX_DIGITS else None


def split_header(header: str) -> tuple[str, list[tuple[str, str]]]:
    """Splits a header such as ``audio/x-raw; rate=16000`` into its value and its parameters.

    Returns:
        The value in lower case, and (name, value) pairs, names in lower case, values unquoted. What is no parameter is
        left out.
    """
    value, _, rest = header.partition(";")
    parameters = [(name.lower(), _unquoted(text.strip())) for name, text in _PARAMETER.findall(f";{rest}")]
    return value.strip().lower(), parameters


def _unquoted(value: str) -> str:
    return _ESCAPE.sub(r"\1", value[1:-1]) if len(value) > 1 and value.startswith('"') else value
