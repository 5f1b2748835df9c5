"""Summaries have the lines of the vendor's own Python client, which made tests/data/vendor_summaries.json."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from sense_client.config import read_config
from sense_client.outputs.tagged import Layout, Tagged
from sense_client.outputs.text import write
from sense_client.results import Result

DATA = Path(__file__).resolve().parents[2] / "data" / "vendor_summaries.json"
CASES: list[dict[str, Any]] = json.loads(DATA.read_text())["cases"]


def served(windows: list[str]) -> Result:
    """The answer whose windows of 2 s, one each second, have these tags."""
    data = [
        {
            "tags": [{"name": name, "probability": 0.0 if name == "Others" else 0.75} for name in names.split()],
            "start_time": start,
            "end_time": start + 2,
        }
        for start, names in enumerate(windows)
    ]
    metadata = {"content_type": "audio/wav", "length_sec": len(data) + 1.0, "size_byte": 1, "name": "a"}
    return Result.from_dict({"metadata": metadata, "data": data})


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{len(case['summary'])} lines")
def test_the_vendors_lines(case: dict[str, Any], tmp_path: Path) -> None:
    """Ours come by their start, the vendor's by their end."""
    config_json = {
        "result_summary": {key: case[key] for key in ("default_interval_margin", "tag_interval_margin")},
        "tag_filter": {"enabled_tags": case["enabled_tags"]},
    }
    (tmp_path / "config.json").write_text(json.dumps(config_json))
    config = read_config(tmp_path / "config.json")
    result = served(case["windows"])
    if config.tags:
        result = result.filtered(set(config.tags))
    lines = write([Tagged("a", result)], Layout(config.margin_seconds, config.tag_margins_seconds))
    assert sorted(line.rstrip("\n") for line in lines) == sorted(case["summary"])
