from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit

from handler.arrays import Floats
from handler.errors import BadRequestError
from handler.sensitivity import Sensitivity, parse_by_tag, parse_default, parse_thresholds, replaced, thresholds
from tests.support.properties import LAW

levels = st.integers(-2, 2)
# float32 with room to both sides: a threshold of 1 - 2^-24 cannot rise any further.
usual_thresholds = st.floats(2.0**-13, 1 - 2.0**-13, width=32)
NO_SENSITIVITIES: list[object] = [
    True,
    False,
    None,
    1.0,
    0.5,
    3,
    -3,
    10**400,
    float("nan"),
    float("inf"),
    [],
    [1],
    {},
    b"1",
]
NO_TEXTS = ["", " ", "3", "-3", "1.0", "one", "+-1", "1 2", "٢", "²", "true", "0x1", "00", "1e0", "9" * 5_000]


def moved(default: float, level: int) -> np.float32:
    threshold: np.float32 = thresholds(np.array([default], np.float32), ["Siren"], Sensitivity(level))[0]
    return threshold


@pytest.mark.parametrize("level", range(-2, 3))
@pytest.mark.parametrize("form", ["{}", "{:+}", " {} "])
def test_a_level_is_read_from_text(form: str, level: int) -> None:
    assert parse_default(form.format(level), source="x") == level


@pytest.mark.parametrize("level", range(-2, 3))
def test_a_level_is_read_from_a_number(level: int) -> None:
    assert parse_default(level, source="x") == level


@pytest.mark.parametrize("value", [*NO_SENSITIVITIES, *NO_TEXTS])
def test_anything_else_is_refused_and_named(value: object) -> None:
    with pytest.raises(BadRequestError, match="is not a whole number from -2 to 2") as caught:
        parse_default(value, source="X-Default-Sensitivity")
    assert str(value)[:100] in str(caught.value).removeprefix("X-Default-Sensitivity: sensitivity ")


@pytest.mark.parametrize("value", ['{"Siren": 2, "Laughter": -2}', ' {"Siren":2,"Laughter":-2}\n'])
def test_tags_are_read_from_json_text(value: str) -> None:
    assert parse_by_tag(value, source="x") == {"Siren": 2, "Laughter": -2}


def test_tags_are_read_from_an_object() -> None:
    assert parse_by_tag({"Siren": 2, "Laughter": -2}, source="x") == {"Siren": 2, "Laughter": -2}


@pytest.mark.parametrize("value", ["[]", "1", "null", '"Siren"', "true", [], 1, None, True, ["Siren"]])
def test_tags_that_are_no_object_are_refused(value: object) -> None:
    with pytest.raises(BadRequestError, match="is not a JSON object of tags; send one such as"):
        parse_by_tag(value, source="x")


@pytest.mark.parametrize("text", ["", "{", "Siren=2", "{'Siren': 2}", '{"Siren": 2', '{"Siren": 2}}', "{" * 100_000])
def test_tags_that_are_no_json_are_refused(text: str) -> None:
    with pytest.raises(BadRequestError, match="is not valid JSON; send an object") as caught:
        parse_by_tag(text, source="X-Tags-Sensitivity")
    assert str(caught.value).startswith(f"X-Tags-Sensitivity: {repr(text)[:100]}")


# Text is a number in a header of its own; inside JSON there are numbers for that.
@pytest.mark.parametrize("value", [True, None, 1.0, 3, -3, float("nan"), [], "1", "0", ""])
def test_a_bad_level_of_a_tag_is_refused_and_both_are_named(value: object) -> None:
    with pytest.raises(BadRequestError, match=r"x, tag 'Siren': sensitivity .* from -2 to 2"):
        parse_by_tag({"Laughter": 1, "Siren": value}, source="x")


@pytest.mark.parametrize("number", ["1.0", "1e0", "NaN", "Infinity", "true", "null", '"1"', "[1]", "3"])
def test_a_bad_level_in_json_text_is_refused(number: str) -> None:
    with pytest.raises(BadRequestError, match="tag 'Siren'"):
        parse_by_tag(f'{{"Siren": {number}}}', source="x")


@LAW
@given(st.dictionaries(st.text(), levels))
def test_what_is_written_as_json_is_read(by_tag: dict[str, int]) -> None:
    assert parse_by_tag(json.dumps(by_tag), source="x") == by_tag


@LAW
@given(usual_thresholds, levels)
def test_thresholds_move_on_the_logit_scale(default: float, level: int) -> None:
    expected = np.float32(expit(logit(np.float64(default)) - level))
    assert moved(default, level) == pytest.approx(expected, rel=2e-7)


@LAW
@given(st.lists(st.floats(2.0**-149, 1 - 2.0**-24, width=32), min_size=1))
def test_level_0_leaves_thresholds_exactly_alone(defaults: list[float]) -> None:
    values = np.array(defaults, np.float32)
    names = [str(index) for index in range(len(values))]
    assert np.array_equal(thresholds(values, names, Sensitivity(0)), values)


@LAW
@given(st.floats(2.0**-149, 1 - 2.0**-24, width=32), levels, levels, st.floats(0, 1, width=32))
def test_a_higher_level_never_removes_a_tag(default: float, one: int, other: int, probability: float) -> None:
    low, high = sorted((one, other))
    was_heard = probability >= moved(default, low)
    assert not was_heard or probability >= moved(default, high)


@LAW
@given(usual_thresholds, st.integers(-2, 1))
def test_a_step_up_lowers_the_threshold(default: float, level: int) -> None:
    assert moved(default, level + 1) < moved(default, level)


@LAW
@given(st.floats(2.0**-149, 1 - 2.0**-24, width=32), levels)
def test_thresholds_stay_probabilities(default: float, level: int) -> None:
    assert 0 <= moved(default, level) <= 1


@pytest.mark.parametrize(
    ("default", "level", "expected"), [(0.5, 1, 0.26894143), (0.5, -2, 0.880797), (0.2, 2, 0.032726556)]
)
def test_thresholds_worked_out_by_hand(default: float, level: int, expected: float) -> None:
    assert moved(default, level) == pytest.approx(expected, rel=1e-6)


def test_a_tags_own_level_goes_before_the_default() -> None:
    result = thresholds(half(3), ["Music", "Siren", "Speech"], Sensitivity(1, {"Siren": 0, "Speech": -1}))
    assert result == pytest.approx([expit(-1), 0.5, expit(1)], rel=1e-6)


def test_an_unknown_tag_has_no_effect() -> None:
    assert np.array_equal(thresholds(half(1), ["Music"], Sensitivity(0, {"Goblin": 2})), half(1))


def test_tag_names_are_case_sensitive() -> None:
    assert np.array_equal(thresholds(half(1), ["Siren"], Sensitivity(0, {"siren": 2})), half(1))


def test_thresholds_are_float32_and_the_models_own_stay() -> None:
    defaults = half(2)
    assert thresholds(defaults, ["a", "b"], Sensitivity(2)).dtype == np.float32
    assert np.array_equal(defaults, half(2))


def test_unknown_tags_are_listed_in_their_order() -> None:
    sensitivity = Sensitivity(0, {"Goblin": 1, "Siren": 1, "Elf": 1})
    assert sensitivity.unknown_tags(["Music", "Siren"]) == ["Goblin", "Elf"]


def test_an_operators_thresholds_replace_the_models() -> None:
    own = parse_thresholds('{"Siren": 0.4}', source="x")
    assert np.array_equal(replaced(half(2), ["Music", "Siren"], own), np.array([0.5, 0.4], np.float32))
    assert replaced(half(2), ["Music", "Siren"], {}).dtype == np.float32


@pytest.mark.parametrize(
    "value", ["0", "1", "1.5", "-1", "true", "null", "NaN", '"0.4"', "1e400", "1" + "0" * 400, "[0.4]"]
)
def test_a_threshold_outside_is_refused_and_its_tag_named(value: str) -> None:
    with pytest.raises(BadRequestError, match="x, tag 'Siren': threshold .* is not between 0 and 1"):
        parse_thresholds(f'{{"Siren": {value}}}', source="x")


def half(num_tags: int) -> Floats:
    return np.full(num_tags, 0.5, np.float32)
