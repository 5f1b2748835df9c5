"""The figures in the model's page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from training.errors import TrainingError
from training.page import write_figures


def _report() -> dict[str, Any]:
    figures = {"windows_with": 40, "average_precision": 0.912, "precision": 0.9, "recall": 0.8}
    tag = {"name": "Siren", "threshold": 0.46, "held_out": figures, "unseen": figures | {"average_precision": 0.61}}
    return {
        "updates": 100,
        "parameters": 470_000,
        "macro_map": {"held_out": 0.912, "unseen": 0.61},
        "tags": [tag | {"ships": True}, tag | {"name": "Knock", "ships": False}],
        "false_alarms": {"silence": {"windows": 200, "windows_with_a_tag": 1, "worst": "Siren"}},
        "codec_differences": {"Opus": {"mean": 0.001, "p99": 0.01, "max": 0.04, "over_0.05": 0.0}},
        "hops_per_second_one_thread": 1234,
    }


@pytest.fixture
def report(tmp_path: Path) -> Path:
    path = tmp_path / "report.json"
    path.write_text(json.dumps(_report()))
    return path


def test_the_figures_stand_between_the_marks_and_replace_the_old_ones(tmp_path: Path, report: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- figures: begin -->\nyesterday\n<!-- figures: end -->\nafter\n")
    write_figures(report, page)
    once = page.read_text()
    write_figures(report, page)
    assert page.read_text() == once
    assert once.startswith("before\n")
    assert once.endswith("\nafter\n")
    assert "yesterday" not in once
    assert "| `Siren` | 0.46 | 0.91 | 0.90 | 0.80 | 0.61 | 0.90 | 0.80 | 40 |" in once
    assert "(Knock, left out)" in once
    assert "| silence | 200 | 1 | 0.5 % |" in once
    assert "1234 hops per second" in once


def test_a_page_without_marks_is_named(tmp_path: Path, report: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("nothing here")
    with pytest.raises(TrainingError, match=r"page\.md lacks the marks"):
        write_figures(report, page)
