from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.errors import BadRequestError
from handler.text import parse_switch, quoted, whole_number
from tests.support.properties import LAW


@pytest.mark.parametrize(("text", "number"), [("0", 0), ("16000", 16_000), ("007", 7), ("9" * 12, 10**12 - 1)])
def test_digits_are_a_number(text: str, number: int) -> None:
    assert whole_number(text) == number


@pytest.mark.parametrize(
    "text",
    ["", " ", "-1", "+1", "1.0", "1e3", "1_000", " 8", "8 ", "8\n", "0x10", "٣", "²", "１", "9" * 13, "9" * 5000],
)
def test_anything_else_is_no_number(text: str) -> None:
    assert whole_number(text) is None


@LAW
@given(st.text())
def test_only_ascii_digits_are_ever_read(text: str) -> None:
    assert (whole_number(text) is not None) == (0 < len(text) <= 12 and set(text) <= set("0123456789"))


@pytest.mark.parametrize("value", ["", "Siren", 3, None, 1.5, True, "tab\tand \x00 nul"])
def test_a_short_value_is_quoted_whole(value: object) -> None:
    assert quoted(value) == repr(value)


@LAW
@given(st.text(min_size=119))
def test_a_long_value_is_cut(value: str) -> None:
    assert quoted(value) == repr(value)[:120] + "..."


@LAW
@given(st.text())
def test_quoting_leaves_no_line_break(value: str) -> None:
    assert len(quoted(value).splitlines()) == 1


@pytest.mark.parametrize(("value", "expected"), [("0", False), (" 1\t", True), (0, False), (1, True), (True, True)])
def test_a_switch_is_read(value: object, expected: bool) -> None:
    assert parse_switch(value, source="x") is expected


@pytest.mark.parametrize("value", ["", "2", "true", "01", 2, -1, 1.0, None, [], {}])
def test_anything_else_is_not_a_switch(value: object) -> None:
    with pytest.raises(BadRequestError, match="^x: .* is neither 0 nor 1"):
        parse_switch(value, source="x")
