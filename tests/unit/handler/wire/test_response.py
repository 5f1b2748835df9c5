from __future__ import annotations

import json
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.windows import WindowGrid
from handler.wire import response
from handler.wire.response import (
    encode_answer,
    encode_answered_error,
    encode_description,
    encode_error,
    encode_metadata,
    encode_warnings,
    encode_windows,
    model_label,
)
from tests.support.properties import LAW

TWO_SECONDS = WindowGrid(Fraction(1), 2)
MESSAGES = st.text() | st.text(st.sampled_from('a😀\x00\x7f"\\é€\ud800'), min_size=100, max_size=3_000)


def encoded(
    rows: Sequence[Sequence[float]],
    *,
    tags: Sequence[str] = ("a", "b", "c"),
    threshold: float = 0.5,
    grid: WindowGrid = TWO_SECONDS,
    all_probabilities: bool = False,
) -> str:
    probabilities = np.array(rows, np.float32).reshape(len(rows), -1)
    thresholds = np.full(probabilities.shape[1], threshold, np.float32)
    return encode_windows(
        probabilities,
        thresholds=thresholds,
        tags=tags[: probabilities.shape[1]],
        grid=grid,
        all_probabilities=all_probabilities,
    )


def names(rows: Sequence[Sequence[float]]) -> list[list[str]]:
    return [[tag["name"] for tag in window["tags"]] for window in json.loads(encoded(rows))]


def metadata(**changed: Any) -> str:  # noqa: ANN401
    return encode_metadata(
        **{"content_type": "audio/mp3", "duration_seconds": 3.012, "size_bytes": 12_345, "name": "a.mp3", **changed}
    )


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.9662907719612122, "0.9662908"),
        (0.51982635, "0.51982635"),
        (0.44879228, "0.44879228"),
        (0.1, "0.1"),
        (1 / 3, "0.33333334"),
        (1.0, "1.0"),
        (0.0, "0.0"),
        (1e-05, "1e-05"),
        (0.0001, "1e-04"),
        (1.17549435e-38, "1.1754944e-38"),
        (0.99999994, "0.99999994"),
    ],
)
def test_a_probability_is_the_shortest_text_of_a_float32(value: float, text: str) -> None:
    assert (
        encoded([[value]], threshold=0.0)
        == f'[{{"tags":[{{"name":"a","probability":{text}}}],"start_time":0,"end_time":2}}]'
    )


@LAW
@given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=3))
def test_probabilities_read_back_exactly(values: list[float]) -> None:
    ((window,), expected) = json.loads(encoded([values], threshold=0.0)), sorted(values, reverse=True)
    assert [np.float32(tag["probability"]) for tag in window["tags"]] == expected


def test_tags_stand_by_falling_probability() -> None:
    assert names([[0.6, 0.9, 0.7], [0.9, 0.7, 0.8]]) == [["b", "c", "a"], ["a", "c", "b"]]


def test_equal_probabilities_keep_the_models_order() -> None:
    assert names([[0.7, 0.9, 0.7]]) == [["b", "a", "c"]]


def test_a_probability_at_the_threshold_counts() -> None:
    assert names([[0.5, np.nextafter(np.float32(0.5), np.float32(0)), 0.0]]) == [["a"]]


def test_every_tag_has_its_own_threshold() -> None:
    thresholds = np.array([0.9, 0.1], np.float32)
    text = encode_windows(np.full((1, 2), 0.5, np.float32), thresholds=thresholds, tags=["a", "b"], grid=TWO_SECONDS)
    assert [tag["name"] for tag in json.loads(text)[0]["tags"]] == ["b"]


def test_a_window_without_tags_is_listed() -> None:
    assert encoded([[0.1], [0.2]]) == (
        '[{"tags":[],"start_time":0,"end_time":2},{"tags":[],"start_time":1,"end_time":3}]'
    )


def test_all_probabilities_stand_beside_the_tags() -> None:
    assert encoded([[0.1, 0.9], [1e-5, 1 / 3]], tags=['"a"', "b"], all_probabilities=True) == (
        '[{"tags":[{"name":"b","probability":0.9}],"probabilities":{"\\"a\\"":0.1,"b":0.9},"start_time":0,"end_time":2},'
        '{"tags":[],"probabilities":{"\\"a\\"":1e-05,"b":0.33333334},"start_time":1,"end_time":3}]'
    )


def test_a_probability_that_is_no_number_is_null_among_all() -> None:
    (window,) = json.loads(encoded([[float("nan"), 0.25]], all_probabilities=True))
    assert window["probabilities"] == {"a": None, "b": 0.25}


def test_the_rest_of_an_answer_does_not_change_with_all_probabilities() -> None:
    rows = np.random.default_rng(0).random((50, 3), np.float32).tolist()
    windows = json.loads(encoded(rows, all_probabilities=True))
    assert [list(window.pop("probabilities").values()) for window in windows] == [
        [float(str(np.float32(value))) for value in row] for row in rows
    ]
    assert json.dumps(windows, separators=(",", ":")) == encoded(rows)


def test_a_probability_that_is_no_number_is_not_heard() -> None:
    assert names([[np.nan, 0.9, 0.1]]) == [["b"]]


@pytest.mark.parametrize(
    ("hop_seconds", "window_hops", "times"),
    [
        ("1", 2, "0 2 1 3 2 4"),
        ("1/2", 4, "0 2 0.5 2.5 1 3"),
        ("0.96", 1, "0 0.96 0.96 1.92 1.92 2.88"),
        ("1/10", 3, "0 0.3 0.1 0.4 0.2 0.5"),
        ("10", 1, "0 10 10 20 20 30"),
    ],
)
def test_whole_times_are_integers_and_others_decimals(hop_seconds: str, window_hops: int, times: str) -> None:
    text = encoded([[0.0]] * 3, grid=WindowGrid(Fraction(hop_seconds), window_hops))
    values = json.loads(text, parse_float=str, parse_int=str)
    assert " ".join(f"{window['start_time']} {window['end_time']}" for window in values) == times


@pytest.mark.parametrize(
    ("start_seconds", "times"),
    [(0.95, "0 2 1 3 0.95 2.95"), (1.25, "0 2 1 3 1.25 3.25"), (1.0123, "0 2 1 3 1.012 3.012"), (4.0, "0 2 1 3 4 6")],
)
def test_a_tail_windows_times_have_three_decimals(start_seconds: float, times: str) -> None:
    text = encode_windows(
        np.zeros((3, 1), np.float32),
        thresholds=np.ones(1, np.float32),
        tags=["a"],
        grid=TWO_SECONDS,
        tail_start_seconds=start_seconds,
    )
    values = json.loads(text, parse_float=str, parse_int=str)
    assert " ".join(f"{window['start_time']} {window['end_time']}" for window in values) == times


@pytest.mark.parametrize(
    "name", ['quote"', "back\\slash", "tab\t", "nul\x00", "Gebrüll", "笑い", "😀", "</script>", ""]
)
def test_any_tag_name_survives(name: str) -> None:
    text = encoded([[0.9]], tags=[name])
    assert text.isascii()
    assert json.loads(text)[0]["tags"][0]["name"] == name


@LAW
@given(st.data(), st.integers(1, 5), st.integers(1, 4))
def test_windows_are_what_was_heard(data: st.DataObject, num_windows: int, num_tags: int) -> None:
    row = st.lists(st.floats(0, 1, width=32), min_size=num_tags, max_size=num_tags)
    rows = data.draw(st.lists(row, min_size=num_windows, max_size=num_windows))
    windows = json.loads(encoded(rows, tags="abcd"))
    heard = [{"abcd"[tag]: value for tag, value in enumerate(row) if value >= 0.5} for row in rows]
    assert [{tag["name"]: np.float32(tag["probability"]) for tag in window["tags"]} for window in windows] == heard
    assert [(window["start_time"], window["end_time"]) for window in windows] == [
        (i, i + 2) for i in range(num_windows)
    ]


def test_the_metadata_are_the_vendors() -> None:
    assert metadata() == '{"content_type":"audio/mp3","length_sec":3.012,"size_byte":12345,"name":"a.mp3"}'


@pytest.mark.parametrize(
    ("seconds", "text"), [(3.0124, 3.012), (3.0126, 3.013), (2.0, 2), (1e-6, 0), (359_999.9996, 360_000)]
)
def test_the_length_has_three_decimals(seconds: float, text: float) -> None:
    assert json.loads(metadata(duration_seconds=seconds))["length_sec"] == text


@pytest.mark.parametrize("name", ["naïve.mp3", 'a"b', "😀", "\ud800", "a\nb", "\x7f"])
def test_any_file_name_survives(name: str) -> None:
    text = metadata(name=name)
    assert text.isascii()
    assert json.loads(text)["name"] == name


def test_the_answer_is_compact_ascii_json() -> None:
    answer = encode_answer(metadata(name="é"), encoded([[0.9, 0.1], [0.2, 0.7]]))
    value = json.loads(answer)
    assert list(value) == ["metadata", "data"]
    assert answer == json.dumps(value, separators=(",", ":")).encode("ascii") + b"\n"


@pytest.mark.parametrize("message", ["no audio", 'with "quotes" and 😀'])
def test_an_answered_error_has_metadata_the_message_and_no_windows(message: str) -> None:
    answer = encode_answered_error(metadata(duration_seconds=0.0), message)
    value = {"metadata": json.loads(metadata(duration_seconds=0.0)), "error": message, "data": []}
    assert answer == json.dumps(value, separators=(",", ":")).encode("ascii") + b"\n"


@pytest.mark.parametrize("status", [400, 413, 415, 500])
def test_an_error_has_its_status_and_message(status: int) -> None:
    assert encode_error(status, "what to do") == f'{{"status_code":{status},"error":"what to do"}}\n'.encode()


@LAW
@given(MESSAGES)
def test_an_error_is_valid_json_and_short_whatever_its_message(message: str) -> None:
    body = encode_error(400, message)
    assert len(body) <= 2_000
    assert json.loads(body.decode("ascii"))["status_code"] == 400


@LAW
@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=900))
def test_a_message_that_fits_is_whole(message: str) -> None:
    assert json.loads(encode_error(400, message))["error"] == message


@pytest.mark.parametrize("size", [1_950, 1_966, 1_967, 1_968, 2_000, 5_000, 100_000])
def test_a_message_is_cut_only_as_far_as_it_must_be(size: int) -> None:
    text = json.loads(encode_error(400, "x" * size))["error"]
    assert text == "x" * size or (text.endswith("x... (truncated)") and len(encode_error(400, "x" * size)) == 2_000)


@LAW
@given(st.lists(MESSAGES, min_size=1, max_size=40))
def test_warnings_fit_a_header_whatever_they_are(warnings: list[str]) -> None:
    header = encode_warnings(warnings)
    assert len(header) <= 1_024
    assert all(" " <= character <= "~" for character in header)
    assert json.loads(header)["warnings"]


def test_warnings_that_fit_are_whole() -> None:
    assert encode_warnings(["unknown tag 'Élan'", "b"]) == '{"warnings": ["unknown tag \'\\u00c9lan\'","b"]}'.replace(
        ": ", ":"
    )


def test_warnings_left_out_are_counted() -> None:
    warnings = [f"unknown tag 'Tag_{index}' ignored" for index in range(100)]
    kept = json.loads(encode_warnings(warnings))["warnings"]
    assert kept[:-1] == warnings[: len(kept) - 1]
    assert kept[-1] == f"and {100 - len(kept) + 1} more"


def test_a_hundred_thousand_warnings_are_tried_a_few_hundred_times(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[object] = []

    def dumps(value: object) -> str:
        tried.append(value)
        return json.dumps(value)

    monkeypatch.setattr(response, "_compact", dumps)
    assert json.loads(encode_warnings(["x"] * 100_000))["warnings"][-1].startswith("and 99")
    assert len(tried) < 400


def test_as_many_warnings_as_fit_are_kept() -> None:
    warnings = ["x" * 10] * 200
    assert len(encode_warnings(warnings)) > 1_024 - 13


def test_a_warning_too_long_for_a_header_is_counted() -> None:
    assert json.loads(encode_warnings(["x" * 2_000])) == {"warnings": ["and 1 more"]}


@LAW
@given(st.text(st.sampled_from('a😀é\x00"'), min_size=2_000, max_size=2_100))
def test_a_message_of_any_characters_is_cut_only_as_far_as_it_must_be(message: str) -> None:
    # An emoji takes 12 bytes of ASCII JSON.
    assert 2_000 - 12 < len(encode_error(400, message)) <= 2_000


def test_a_cut_message_keeps_its_beginning() -> None:
    message = "X-Tags-Sensitivity, tag " + "😀" * 500
    text = json.loads(encode_error(400, message))["error"]
    assert message.startswith(text.removesuffix("... (truncated)"))
    assert len(text) > 150


def test_a_description_says_what_the_model_is() -> None:
    description = encode_description(
        name="toy",
        version="1",
        tags=["Siren", "Crying"],
        categories=["Alarm", ""],
        thresholds=np.array([0.3, 0.5], np.float32),
        grid=WindowGrid(Fraction(1, 2), 4),
        limits={"max_body_bytes": 1000},
    )
    assert description == (
        b'{"name":"toy","version":"1","windows":{"seconds":2.0,"hop_seconds":0.5},'
        b'"limits":{"max_body_bytes":1000},"tags":'
        b'[{"name":"Siren","category":"Alarm","threshold":0.3},{"name":"Crying","category":"","threshold":0.5}]}\n'
    )


@pytest.mark.parametrize(
    ("name", "version", "label"),
    [
        ("cochl-sense-synthetic", "3.0", "cochl-sense-synthetic/3.0"),
        ("a b", "1\r\nX: y", "a?b/1??X:?y"),
        ("é", "", "?/"),
    ],
)
def test_a_models_label_is_a_header_value(name: str, version: str, label: str) -> None:
    assert model_label(name, version) == label


def test_a_models_label_is_short() -> None:
    assert len(model_label("x" * 10_000, "1")) == 256
