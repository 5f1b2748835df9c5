"""The vendor's configuration file: the examples of its documentation, and what is wrong with others."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sense_client.config import Config, ConfigError, read_config


def read(folder: Path, content: object) -> Config:
    (folder / "config.json").write_text(content if isinstance(content, str) else json.dumps(content))
    return read_config(folder / "config.json")


def test_the_documented_defaults(tmp_path: Path) -> None:
    content = {
        "sensitivity_control": {"default_sensitivity": 0, "tag_sensitivity": {}},
        "result_summary": {"default_interval_margin": 0, "tag_interval_margin": {}},
        "tag_filter": {"enabled_tags": []},
    }
    assert read(tmp_path, content) == Config(sensitivity=0)


def test_the_documented_values(tmp_path: Path) -> None:
    content = {
        "sensitivity_control": {"default_sensitivity": -1, "tag_sensitivity": {"Baby_cry": -2, "Gunshot": 1}},
        "result_summary": {"default_interval_margin": 2, "tag_interval_margin": {"Baby_cry": 5, "Gunshot": 3}},
        "tag_filter": {"enabled_tags": ["Baby_cry", "Gunshot"]},
    }
    expected = Config(-1, {"Baby_cry": -2, "Gunshot": 1}, 2, {"Baby_cry": 5, "Gunshot": 3}, ("Baby_cry", "Gunshot"))
    assert read(tmp_path, content) == expected


@pytest.mark.parametrize("content", [{}, {"sensitivity_control": {"default_sensitivity": None}}, {"tag_filter": None}])
def test_all_parts_are_optional(tmp_path: Path, content: object) -> None:
    assert read(tmp_path, content) == Config()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("{", "is not JSON"),
        ([], "not a JSON object"),
        ({"sensitivity_control": 1}, "sensitivity_control: 1"),
        ({"sensitivity_control": {"default_sensitivity": 3}}, "default_sensitivity: 3"),
        ({"sensitivity_control": {"tag_sensitivity": {"Siren": True}}}, "tag_sensitivity of Siren: True"),
        ({"result_summary": {"default_interval_margin": -1}}, "default_interval_margin: -1"),
        ({"result_summary": {"tag_interval_margin": {"Siren": "2"}}}, "tag_interval_margin of Siren: '2'"),
        ({"tag_filter": {"enabled_tags": "Siren"}}, "enabled_tags: 'Siren'"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, content: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read(tmp_path, content)
