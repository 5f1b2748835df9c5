from __future__ import annotations

import json
from typing import SupportsIndex

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.errors import BadRequestError
from handler.wire.custom_attributes import CustomAttributes, parse_custom_attributes
from tests.support.attempt import attempt
from tests.support.properties import LAW

ALL_FIELDS = {"default_sensitivity": 1, "tags_sensitivity": {"Siren": 2, "Laughter": -2}, "filename": "a.mp3"}


@pytest.mark.parametrize(
    "header",
    [
        'X-Default-Sensitivity=1,X-Tags-Sensitivity={"Siren": 2, "Laughter": -2},X-Filename=a.mp3',
        'X-Tags-Sensitivity={"Siren": 2, "Laughter": -2},X-Filename=a.mp3,X-Default-Sensitivity=1',
        'X-Filename=a.mp3 ,\tX-Default-Sensitivity = 1 , X-Tags-Sensitivity= {"Siren":2,"Laughter":-2} ',
        'x-default-sensitivity=1,X-TAGS-SENSITIVITY={"Siren": 2, "Laughter": -2},x-fileName="a.mp3"',
        'default_sensitivity=1,tags_sensitivity={"Siren": 2, "Laughter": -2},filename=a.mp3',
    ],
)
def test_pairs_are_read_in_any_order_and_spelling(header: str) -> None:
    fields = parse_custom_attributes(header).fields
    assert {**fields, "default_sensitivity": int(str(fields["default_sensitivity"]))} == ALL_FIELDS


@pytest.mark.parametrize(
    "header",
    [
        json.dumps(ALL_FIELDS),
        json.dumps(ALL_FIELDS, separators=(",", ":")),
        f"  {json.dumps(ALL_FIELDS, indent=1)} ",
        f"Sensitivity={json.dumps(ALL_FIELDS)}",
        f"sensitivity = {json.dumps(ALL_FIELDS)}",
        json.dumps({"Sensitivity": ALL_FIELDS}),
        json.dumps({key.upper(): value for key, value in ALL_FIELDS.items()}),
        json.dumps(
            {"X-Default-Sensitivity": 1, "X-Tags-Sensitivity": {"Siren": 2, "Laughter": -2}, "X-Filename": "a.mp3"}
        ),
    ],
)
def test_json_forms_give_the_same_fields(header: str) -> None:
    assert parse_custom_attributes(header) == CustomAttributes(fields=ALL_FIELDS)


def test_forms_can_be_mixed() -> None:
    header = 'Sensitivity={"default_sensitivity": 1, "tags_sensitivity": {"Siren": 2, "Laughter": -2}},X-Filename=a.mp3'
    assert parse_custom_attributes(header).fields == ALL_FIELDS


@pytest.mark.parametrize("header", [None, "", "  ", "{}", "Sensitivity={}"])
def test_nothing_said_is_nothing(header: str | None) -> None:
    assert parse_custom_attributes(header) == CustomAttributes()


@pytest.mark.parametrize("tag", ["a,b", "a=b", "a}b", 'quote"', "back\\slash", "Gebrüll", "{", "X-Filename=x"])
def test_json_inside_a_pair_may_hold_any_character(tag: str) -> None:
    header = f"X-Tags-Sensitivity={json.dumps({tag: 1})},X-Filename=z"
    assert parse_custom_attributes(header).fields == {"tags_sensitivity": {tag: 1}, "filename": "z"}


def test_a_value_may_hold_an_equals_sign() -> None:
    assert parse_custom_attributes("X-Filename=a=b.mp3").fields == {"filename": "a=b.mp3"}


def test_a_quoted_value_may_hold_a_comma() -> None:
    header = 'X-Filename="a, b.mp3",X-Default-Sensitivity=2'
    assert parse_custom_attributes(header).fields == {"filename": "a, b.mp3", "default_sensitivity": "2"}


def test_a_trailing_comma_is_harmless() -> None:
    assert parse_custom_attributes("X-Default-Sensitivity=2,").fields == {"default_sensitivity": "2"}


@pytest.mark.parametrize(
    "header", ["Trace-Id=x,X-Default-Sensitivity=1", '{"Trace-Id": [1], "default_sensitivity": "1"}']
)
def test_unknown_keys_are_kept_apart(header: str) -> None:
    assert parse_custom_attributes(header) == CustomAttributes({"default_sensitivity": "1"}, unknown=["Trace-Id"])


@pytest.mark.parametrize("text", ["{", '{"a"}', "{'a': 1}", '{"a": 1', '{"a": 01}', '["a"', '"a', "{" * 1000])
@pytest.mark.parametrize("form", ["X-Tags-Sensitivity={}", "Sensitivity={}", "X-Default-Sensitivity=1,Other={}"])
def test_malformed_json_is_quoted(form: str, text: str) -> None:
    with pytest.raises(BadRequestError, match="is not valid JSON") as caught:
        parse_custom_attributes(form.replace("{}", text))
    assert repr(text)[:100] in str(caught.value)


@pytest.mark.parametrize(
    "header", ["foo", "1", ",,", "[1]", '"text"', "X-Default-Sensitivity=1,foo", "X-Filename=a,b.mp3"]
)
def test_what_is_neither_form_is_refused(header: str) -> None:
    with pytest.raises(BadRequestError, match=r"is neither key=value nor a JSON object"):
        parse_custom_attributes(header)


def test_a_missing_comma_is_named() -> None:
    with pytest.raises(BadRequestError, match="a comma is missing before 'X-Default-Sensitivity=1'"):
        parse_custom_attributes('X-Tags-Sensitivity={"a": 1} X-Default-Sensitivity=1')


@pytest.mark.parametrize("rest", ["x", ",X-Default-Sensitivity=1", "}", '{"a": 1}'])
def test_nothing_may_follow_a_lone_object(rest: str) -> None:
    with pytest.raises(BadRequestError, match="follows the JSON object; send the object alone"):
        parse_custom_attributes('{"default_sensitivity": 1}' + rest)


@pytest.mark.parametrize("depth", [10, 400, 600, 900, 5_000, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ('{"sensitivity":', "}")])
def test_deep_nesting_is_refused(opening: str, closing: str, depth: int) -> None:
    header = f'{{"sensitivity":{opening * depth}1{closing * depth}}}'
    with pytest.raises(BadRequestError, match="is not valid JSON|is not a JSON object such as|stands inside"):
        parse_custom_attributes(header)


@pytest.mark.parametrize(
    "header",
    [
        "X-Default-Sensitivity=1,X-Default-Sensitivity=1",
        "X-Default-Sensitivity=1,default_sensitivity=2",
        '{"default_sensitivity": 1, "X-Default-Sensitivity": 2}',
        'Sensitivity={"filename": "a"},X-Filename=b',
    ],
)
def test_a_field_given_twice_is_refused(header: str) -> None:
    with pytest.raises(BadRequestError, match="is given twice; send it once"):
        parse_custom_attributes(header)


@pytest.mark.parametrize("value", ["1", "true", '"x"', "[]", ""])
def test_sensitivity_itself_must_be_an_object(value: str) -> None:
    with pytest.raises(BadRequestError, match="is not a JSON object such as"):
        parse_custom_attributes(f"Sensitivity={value}")


def test_as_much_as_sagemaker_lets_through_is_read() -> None:
    tags = {f"Tag_{index:03}": index % 5 - 2 for index in range(65)}
    header = f"X-Tags-Sensitivity={json.dumps(tags)}"
    header += f",X-Filename={'x' * (1_024 - len(header) - len(',X-Filename='))}"
    assert (len(header), parse_custom_attributes(header).fields["tags_sensitivity"]) == (1_024, tags)


names = st.text(st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=',"[{'), min_size=1)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@LAW
@given(st.integers(-2, 2), st.dictionaries(st.text(), st.integers(-2, 2)), names, st.permutations([0, 1, 2]))
def test_what_is_built_as_pairs_parses_back(default: int, tags: dict[str, int], name: str, order: list[int]) -> None:
    pairs = [f"X-Default-Sensitivity={default}", f"X-Tags-Sensitivity={json.dumps(tags)}", f"X-Filename={name}"]
    fields = parse_custom_attributes(",".join(pairs[index] for index in order)).fields
    assert fields == {"default_sensitivity": str(default), "tags_sensitivity": tags, "filename": name}


@LAW
@given(
    st.fixed_dictionaries({}, optional=dict.fromkeys(ALL_FIELDS, json_values)), st.sampled_from(["", "Sensitivity="])
)
def test_what_is_built_as_json_parses_back(fields: dict[str, object], prefix: str) -> None:
    assert parse_custom_attributes(prefix + json.dumps(fields)) == CustomAttributes(fields=fields)


@LAW
@given(st.text(st.sampled_from('{}[]",=: a1X-Filename\\')))
def test_junk_is_at_most_a_bad_request(header: str) -> None:
    outcome = attempt(lambda: parse_custom_attributes(header))
    assert isinstance(outcome, CustomAttributes) or str(outcome).startswith("X-Amzn-SageMaker-Custom-Attributes: ")


class Counted(str):
    """Text that counts the characters that its methods read or copy, since quadratic work is mostly copies."""

    characters = 0

    def _counted(self, *results: str) -> tuple[Counted, ...]:
        Counted.characters += len(self)
        return tuple(map(Counted, results))

    def __getitem__(self, index: SupportsIndex | slice) -> Counted:
        part = Counted(super().__getitem__(index))
        Counted.characters += len(part)
        return part

    def partition(self, separator: str) -> tuple[Counted, Counted, Counted]:
        before, found, after = self._counted(*super().partition(separator))
        return before, found, after

    def strip(self, characters: str | None = None) -> Counted:
        return self._counted(super().strip(characters))[0]

    def lstrip(self, characters: str | None = None) -> Counted:
        return self._counted(super().lstrip(characters))[0]


@pytest.mark.parametrize("pair", ["a=,", "a={},", 'a="",', "a= [],\t ", "a=b = c ,  "])
def test_work_grows_linearly_with_many_pairs(pair: str) -> None:
    header = Counted(pair * 10_000)
    Counted.characters = 0
    assert len(parse_custom_attributes(header).unknown) == 10_000
    assert Counted.characters < 10 * len(header)
