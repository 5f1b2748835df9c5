"""The figures in the model card and the model's record."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from training.errors import TrainingError
from training.reporting.page import write_figures
from training.settings import MODEL_CARD, MODEL_FILE, MODEL_RECORD, RECORDINGS_FILE, REPORT_FILE

MODEL = b"a model file"
SECTIONS = ("tags", "left-out", "steps", "alarms", "confusion", "codecs", "size", "recordings")


def _report() -> dict[str, Any]:
    rates = {"precision": [1.0, 0.95, 0.9, 0.7, 0.41], "recall": [0.31, 0.6, 0.8, 0.9, 1.0]}
    held_out = {"windows_with": 50, "average_precision": 0.912, "average_precision_as_drawn": 0.887, **rates}
    unseen = held_out | {"windows_with": 40, "average_precision": 0.61, "average_precision_as_drawn": 0.553}
    tag = {"name": "Siren", "threshold": 0.46, "evidence": "recordings", "recorded": None}
    tag |= {"held_out": held_out, "unseen": unseen}
    laughter = {"name": "Laughter", "threshold": 0.2, "evidence": "recordings", "held_out": None, "unseen": None}
    recorded = {"clips": 5, "area_under_curve": 0.84, "recall": 0.15}
    alarm = {"windows": 200, "windows_with_a_wrong_tag": 1, "per_hour_by_sensitivity": [0.0, 9.0, 18.0, 36.0, 72.0]}
    return {
        "updates": 100,
        "parameters": 470_000,
        "macro_map": {
            "held_out": {"average_precision": 0.912, "average_precision_as_drawn": 0.887},
            "unseen": {"average_precision": 0.61, "average_precision_as_drawn": 0.553},
        },
        "sensitivities": [-2, -1, 0, 1, 2],
        "tags": [
            tag | {"ships": True},
            tag | {"name": "Knock", "ships": False},
            laughter | {"ships": True},
            laughter | {"name": "Cough", "recorded": recorded, "ships": False},
        ],
        "false_alarms": {"silence": alarm | {"worst": [{"tag": "Siren", "windows": 1}]}},
        "worst_pairs": [{"sound": "Siren", "reported": "Alarm", "share": 0.25, "count": 40, "of": "recordings"}],
        "codec_differences": {"Opus": {"mean": 0.001, "p99": 0.01, "max": 0.04, "over_0.05": 0.0}},
        "hops_per_second_one_thread": 1234,
    }


def _figures(tag: str, clips: int, area: float) -> dict[str, Any]:
    rates = {"area_under_curve": area, "reachable_recall": 0.75, "recall": 0.7, "false_alarms": 0.012}
    return {"tag": tag, "clips": clips, "sources": clips - 1, **rates}


def _recordings() -> dict[str, Any]:
    ours, theirs = [_figures("Siren", 12, 0.95), _figures("Laughter", 3, 0.5)], [_figures("Siren", 12, 0.85)]
    aside = [_figures("Siren", 11, 0.99), _figures("Laughter", 10, 0.97)]
    street = {"kind": "street", "clips": 8, "windows": 1800, "wrong": 9, "worst": {"Siren": 7, "Laughter": 2}}
    sets = {
        "judge": {
            "clips": 40,
            "origins": {"example.org/city": 40},
            "models": {"ours 4.0": ours, "theirs 1": theirs},
            "wrong_windows": {"ours 4.0": [street], "theirs 1": [street | {"wrong": 1, "worst": {}}]},
        },
        "kept_aside": {
            "clips": 30,
            "origins": {"example.org/a": 10, "example.org/b": 20},
            "models": {"ours 4.0": aside},
            "wrong_windows": {"ours 4.0": []},
        },
    }
    return {"model": "ours", "version": "4.0", "sha256": hashlib.sha256(MODEL).hexdigest(), "sets": sets}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "report.json").write_text(json.dumps(_report()))
    (tmp_path / "recordings.json").write_text(json.dumps(_recordings()))
    (tmp_path / "model.pt2").write_bytes(MODEL)
    marks = (f"<!-- {name}: begin -->\nyesterday's {name}\n<!-- {name}: end -->" for name in SECTIONS)
    (tmp_path / "record.md").write_text("before\n" + "\n\n".join(marks) + "\nafter\n")
    (tmp_path / "card.md").write_text("<!-- card: begin -->\nyesterday's card\n<!-- card: end -->\n")
    return tmp_path


def written(folder: Path) -> str:
    """The record, after both pages are written."""
    files = ("report.json", "recordings.json", "model.pt2", "card.md", "record.md")
    write_figures(*(folder / name for name in files))
    return (folder / "record.md").read_text()


def test_the_figures_stand_between_their_marks_and_replace_the_old_ones(folder: Path) -> None:
    once = written(folder)
    assert written(folder) == once
    assert once.startswith("before\n")
    assert once.endswith("\nafter\n")
    assert "yesterday" not in once
    assert "| `Siren` | 0.460 | 0.89 | 0.91 | 0.90 | 0.80 | 50 | 0.55 | 0.61 | 0.90 | 0.80 | 40 |" in once
    assert "| `Knock` | knuckles on a door or a table |  |  |  | 0.89 | 0.55 |" in once
    assert "| `Cough` | coughs | 5 | 0.840 | 15.0 % |  |  |" in once
    assert "| `Siren` | 1.00 / 0.31 | 0.95 / 0.60 | 0.90 / 0.80 | 0.70 / 0.90 | 0.41 / 1.00 |" in once
    assert "lowest precision two steps up is 0.41 (`Siren`), the lowest recall two steps down 0.31 (`Siren`)" in once
    assert "| silence | 200 | 1 | 0.50 % | 18 | 0 | 72 | `Siren` 1 |" in once
    assert "| `Siren` | `Alarm` | 25.0 % | 40 recordings |" in once
    assert "1,234 hops per second" in once


def test_the_card_has_each_shipped_tags_meaning_and_the_figures_of_what_judged_it(folder: Path) -> None:
    written(folder)
    card = (folder / "card.md").read_text()
    siren = (
        "| `Siren` | Emergency | both kinds of siren | recordings | 0.460 | 12 (11) | 0.950 | 70.0 % | 1.2 % | 0.61 |"
    )
    assert siren in card
    assert (
        "| `Laughter` | Human status? | laughter of adults and children | recordings | 0.200 | 10 (9) | 0.970 |" in card
    )
    assert "`Knock`" not in card
    assert "yesterday" not in card


def test_recordings_have_a_table_for_each_set_with_the_models_side_by_side(folder: Path) -> None:
    page = written(folder)
    assert "| `Siren` | 12 (11) | 0.950 | 75.0 % | 70.0 % | 1.2 % | 0.850 | 75.0 % | 70.0 % | 1.2 % |" in page
    assert "| `Laughter` | 3 (2) | 0.500 | 75.0 % | 70.0 % | 1.2 % |  |  |  |  |" in page
    assert "| **mean of the 1 tags of all** |  | 0.950 |" in page
    assert "| street | 8 | 1800 | 18 | 2 | `Siren` 7, `Laughter` 2 |" in page
    assert "From: example.org/b (20), example.org/a (10)." in page


def test_recordings_that_judged_another_model_file_are_left_out(folder: Path) -> None:
    (folder / "model.pt2").write_bytes(b"trained again")
    page = written(folder)
    assert "No recordings have judged this model file." in page
    assert "example.org" not in page
    assert "12 (11)" not in (folder / "card.md").read_text()


def test_a_page_without_marks_is_named(folder: Path) -> None:
    (folder / "record.md").write_text("nothing here")
    with pytest.raises(TrainingError, match=r"record\.md lacks the marks"):
        written(folder)


def test_the_pages_of_the_tree_say_what_its_reports_say(tmp_path: Path) -> None:
    copies = [Path(shutil.copy(page, tmp_path / name)) for name, page in (("c.md", MODEL_CARD), ("r.md", MODEL_RECORD))]
    write_figures(REPORT_FILE, RECORDINGS_FILE, MODEL_FILE, *copies)
    assert [copy.read_text() for copy in copies] == [MODEL_CARD.read_text(), MODEL_RECORD.read_text()]
