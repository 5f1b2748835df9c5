"""Every output format, read back by the tool that it is for or by a parser of its documented form."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pandas
import pytest
import webvtt

from sense_client import Result
from sense_client.cli.exits import Exit
from sense_client.outputs import FORMATS, Layout, Tagged, format_of
from tests.conftest import TREE
from tests.support.scripted_server import answer

STREET = Tagged("street.mp3", Result.from_dict(answer("Siren Speech", "Siren", "", "Siren")))
QUIET = Tagged('odd "name",\n€.wav', Result.from_dict(answer("", "")))
EVENTS = [("Siren", 0, 3), ("Speech", 0, 2), ("Siren", 3, 5)]
ONE, SEVERAL = Layout(), Layout(has_several=True)


def written(name: str, *recordings: Tagged, layout: Layout | None = None) -> str:
    return "".join(FORMATS[name].write(recordings, layout or Layout(has_several=len(recordings) > 1)))


def test_json_is_the_answer_as_served() -> None:
    assert json.loads(written("json", STREET)) == answer("Siren Speech", "Siren", "", "Siren")


def test_json_of_several_is_an_array() -> None:
    both = json.loads(written("json", STREET, QUIET))
    assert [each["file"] for each in both] == [STREET.file, QUIET.file]
    assert both[1]["data"] == answer("", "")["data"]
    assert json.loads(written("json", layout=SEVERAL)) == []


def test_json_lines() -> None:
    lines = written("jsonl", STREET, QUIET).split("\n")
    assert lines.pop() == ""
    assert [json.loads(line)["file"] for line in lines] == [STREET.file, QUIET.file]


def test_csv_has_a_row_for_each_detection() -> None:
    table = pandas.read_csv(io.StringIO(written("csv", STREET, QUIET)))
    expected = STREET.result.to_dataframe()
    assert list(table.columns) == ["file", *expected.columns]
    pandas.testing.assert_frame_equal(table.drop(columns="file"), expected, check_dtype=False)
    assert set(table["file"]) == {STREET.file}


def test_wide_csv_has_a_row_for_each_window_and_a_column_for_each_tag() -> None:
    table = pandas.read_csv(io.StringIO(written("csv-wide", STREET, QUIET)))
    assert list(table.columns) == ["file", "start_seconds", "end_seconds", "Siren", "Speech"]
    assert list(table["file"]) == [STREET.file] * 4 + [QUIET.file] * 2
    assert table["Siren"].fillna(0).tolist() == [0.75, 0.75, 0, 0.75, 0, 0]


def test_wide_csv_with_all_probabilities() -> None:
    served = answer("Siren")
    served["data"][0]["probabilities"] = {"Speech": 0.125, "Siren": 0.75}
    table = pandas.read_csv(io.StringIO(written("csv-wide", Tagged("a", Result.from_dict(served)))))
    assert table.loc[0, ["Speech", "Siren"]].tolist() == [0.125, 0.75]


def test_audacity_labels() -> None:
    """Audacity's manual: start, tab, end, tab, label, in seconds with a decimal point; one label a line."""
    lines = written("audacity", STREET).splitlines()
    labels = [re.fullmatch(r"(\d+\.\d{6})\t(\d+\.\d{6})\t([^\t]*)", line) for line in lines]
    assert [(label[3], float(label[1]), float(label[2])) for label in labels if label] == EVENTS


def test_raven_selection_table() -> None:
    """Raven's manual: tab-separated, with these names of columns; a selection begins before it ends."""
    table = pandas.read_csv(io.StringIO(written("raven", STREET)), sep="\t")
    needed = ["Selection", "View", "Channel", "Begin Time (s)", "End Time (s)", "Low Freq (Hz)", "High Freq (Hz)"]
    assert list(table.columns) == [*needed, "Tag", "Probability"]
    assert table["Selection"].tolist() == [1, 2, 3]
    assert set(table["View"]) == {"Spectrogram 1"}
    assert list(zip(table["Tag"], table["Begin Time (s)"], table["End Time (s)"], strict=True)) == EVENTS
    assert (table["Low Freq (Hz)"] < table["High Freq (Hz)"]).all()
    assert set(table["Probability"]) == {0.75}


def test_webvtt(tmp_path: Path) -> None:
    (tmp_path / "a.vtt").write_text(written("webvtt", STREET))
    captions = webvtt.read(str(tmp_path / "a.vtt")).captions
    assert [(each.text, each.start_in_seconds, each.end_in_seconds) for each in captions] == EVENTS


def test_webvtt_of_hours_and_odd_names(tmp_path: Path) -> None:
    served = answer("a<b>&")
    served["data"][0] |= {"start_time": 360_000.9995, "end_time": 360_002}
    (tmp_path / "a.vtt").write_text(written("webvtt", Tagged("a", Result.from_dict(served))))
    assert "100:00:01.000 --> 100:00:02.000\na&lt;b&gt;&amp;\n" in (tmp_path / "a.vtt").read_text()
    assert len(webvtt.read(str(tmp_path / "a.vtt")).captions) == 1


def test_text_has_the_vendors_words() -> None:
    expected = [f"At {start}-{end}s, [{tag}] was detected" for tag, start, end in EVENTS]
    assert written("text", STREET).splitlines() == expected
    assert written("text", STREET, QUIET).splitlines() == [STREET.file, *expected, *QUIET.file.splitlines()]


def test_text_merges_by_the_margin_of_the_tag() -> None:
    merged = ["At 0-5s, [Siren] was detected", "At 0-2s, [Speech] was detected"]
    assert written("text", STREET, layout=Layout(1)).splitlines() == merged
    assert written("text", STREET, layout=Layout(0, {"Siren": 1})).splitlines() == merged
    assert len(written("text", STREET, layout=Layout(1, {"Siren": 0})).splitlines()) == 3


@pytest.mark.parametrize(
    ("file_name", "name"),
    [
        ("a.json", "json"),
        ("a.JSONL", "jsonl"),
        ("a.csv", "csv"),
        ("a.wide.csv", "csv-wide"),
        ("a.txt", "text"),
        ("a.labels.txt", "audacity"),
        ("a.selections.txt", "raven"),
        ("a.vtt", "webvtt"),
    ],
)
def test_the_ending_says_the_format(file_name: str, name: str) -> None:
    found = format_of(file_name)
    assert found is not None
    assert found.name == name


def test_an_unknown_ending() -> None:
    assert format_of("results.xlsx") is None


def test_the_page_on_the_client_lists_every_format_with_its_endings() -> None:
    page = (TREE / "docs" / "client.md").read_text()
    listed = re.findall(r"^\| `([a-z-]+)` \| (`\..+) \| .+ \|$", page, re.MULTILINE)
    endings = {name: tuple(re.findall(r"`(\.[a-z.]+)`", cell)) for name, cell in listed}
    assert endings == {each.name: each.suffixes for each in FORMATS.values()}


def test_the_page_on_the_client_lists_every_exit_code() -> None:
    page = (TREE / "docs" / "client.md").read_text()
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", page, re.MULTILINE)} == set(Exit)
