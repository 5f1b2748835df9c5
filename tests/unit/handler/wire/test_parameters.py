from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.wire.parameters import extended_value, file_name, split_header
from tests.support.properties import LAW


@pytest.mark.parametrize(
    ("header", "value", "parameters"),
    [
        ("Audio/X-Raw", "audio/x-raw", []),
        ("a; b=c;D = e ", "a", [("b", "c"), ("d", "e")]),
        (r'a; b="c;d=\"e\""; f=g', "a", [("b", 'c;d="e"'), ("f", "g")]),
        ("a; b; =c; d=", "a", [("d", "")]),
        ("a; b=1; b=2", "a", [("b", "1"), ("b", "2")]),
    ],
)
def test_a_header_is_split(header: str, value: str, parameters: list[tuple[str, str]]) -> None:
    assert split_header(header) == (value, parameters)


@LAW
@given(st.lists(st.tuples(st.from_regex(r"[a-z][a-z0-9-]*", fullmatch=True), st.text())))
def test_what_is_quoted_is_read(parameters: list[tuple[str, str]]) -> None:
    escaped = [(name, value.replace("\\", "\\\\").replace('"', '\\"')) for name, value in parameters]
    header = "".join(["x", *(f'; {name}="{value}"' for name, value in escaped)])
    without_breaks = [(name, value) for name, value in parameters if "\n" not in value]
    assert len(without_breaks) < len(parameters) or split_header(header) == ("x", parameters)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("UTF-8''na%C3%AFve.mp3", "naïve.mp3"),
        ("utf-8'en'a%20b", "a b"),
        ("iso-8859-1''%A3", "£"),
        ("UTF-8''%FF", "\ufffd"),
        ("na%C3%AFve.mp3", None),
        ("idna''x", None),
        ("UTF-8''", None),
        ("", None),
    ],
)
def test_an_extended_value_is_decoded(value: str, text: str | None) -> None:
    assert extended_value(value) == text


def test_the_extended_name_comes_first() -> None:
    assert file_name("attachment; filename=plain; filename*=UTF-8''%C3%A9") == "é"
    assert file_name("attachment; filename=plain; filename*=unknown''%C3%A9") == "plain"
    assert file_name("attachment") is None
