"""The committed model file and the reports on it: that they belong together, meet the bars, and that it keeps calm."""

from __future__ import annotations

import json
import warnings
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from training.judging.recordings_report import means
from training.judging.verdicts import RECORDINGS, SHIPPED_AREA
from training.settings import MODEL_FILE, RECORDINGS_FILE, REPORT_FILE
from training.tags import TAGS

Model = tuple[Callable[[Tensor, Tensor], Tensor], dict[str, Any]]
HOP = 16_000
STEADY_UNSEEN = "stationary noise, unseen generators"

# What is asked of the model, by its reports.
LEAST_TAGS, LEAST_PRECISION = 45, 0.60  # average precision as drawn, on unseen synthetic sources
# Means over tags, on recordings: the least area under the ROC curve, the most false alarms.
RECORDED = {"judge": (0.95, 0.02), "judge2": (0.95, 0.025), "kept_aside": (0.97, 0.02)}
MOST_BYTES = 8_000_000


@pytest.fixture(scope="module")
def model() -> Model:
    extra = {"sense.json": ""}
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given buffer is not writable")
        program = torch.export.load(MODEL_FILE, extra_files=extra)
    return program.module(), json.loads(extra["sense.json"])


def thresholds(description: dict[str, Any]) -> Tensor:
    return torch.tensor([tag["threshold"] for tag in description["tags"]])


def test_it_describes_itself(model: Model) -> None:
    description = model[1]
    assert (description["sample_rate"], description["hop_seconds"], description["window_hops"]) == (HOP, 1, 2)
    categories = {tag.name: tag.category for tag in TAGS}
    assert len(description["tags"]) >= LEAST_TAGS
    assert {tag["name"]: tag["category"] for tag in description["tags"]}.items() <= categories.items()
    assert all(0.07 <= tag["threshold"] <= 0.98 for tag in description["tags"])


@pytest.fixture(scope="module")
def report() -> dict[str, Any]:
    report: dict[str, Any] = json.loads(REPORT_FILE.read_text())
    return report


@pytest.fixture(scope="module")
def shipped(report: dict[str, Any]) -> list[dict[str, Any]]:
    return [tag for tag in report["tags"] if tag["ships"]]


@pytest.fixture(scope="module")
def recordings() -> dict[str, Any]:
    recordings: dict[str, Any] = json.loads(RECORDINGS_FILE.read_text())
    return recordings


def test_the_reports_are_on_this_model(
    model: Model, report: dict[str, Any], shipped: list[dict[str, Any]], recordings: dict[str, Any]
) -> None:
    described = [(tag["name"], tag["threshold"]) for tag in model[1]["tags"]]
    assert [(tag["name"], tag["threshold"]) for tag in shipped] == described
    assert f" {report['updates']} updates" in model[1]["training"]
    assert (recordings["model"], recordings["version"]) == (model[1]["name"], model[1]["version"])


def test_what_judges_each_tag_finds_it_good_enough(model: Model, shipped: list[dict[str, Any]]) -> None:
    assert {tag["name"]: tag["evidence"] for tag in model[1]["tags"]} == {
        tag["name"]: tag["evidence"] for tag in shipped
    }
    for tag in shipped:
        if tag["evidence"] == RECORDINGS and tag["recorded"]:
            assert tag["recorded"]["area_under_curve"] >= SHIPPED_AREA, tag["name"]
        else:
            assert tag["unseen"]["average_precision_as_drawn"] >= LEAST_PRECISION, tag["name"]


@pytest.mark.parametrize("name", RECORDED)
def test_recordings_are_heard_well_enough_with_few_false_alarms(recordings: dict[str, Any], name: str) -> None:
    least_area, most_false_alarms = RECORDED[name]
    title = f"{recordings['model']} {recordings['version']}"
    figures = recordings["sets"][name]["models"][title]
    mean = means(figures, {each["tag"] for each in figures})
    assert mean["area_under_curve"] >= least_area
    assert mean["false_alarms"] <= most_false_alarms


@pytest.mark.parametrize("kind", ["silence, constants, hiss", "stationary noise, new draws", STEADY_UNSEEN])
def test_silence_and_steady_noise_gave_a_tag_in_less_than_a_window_of_1000(report: dict[str, Any], kind: str) -> None:
    alarms = report["false_alarms"][kind]
    assert 1000 * alarms["windows_with_a_wrong_tag"] < alarms["windows"]


def test_it_is_small() -> None:
    assert MODEL_FILE.stat().st_size <= MOST_BYTES


def test_it_names_no_path_of_the_machine_that_made_it() -> None:
    with zipfile.ZipFile(MODEL_FILE) as parts:
        assert not any(b"training/network.py" in parts.read(name) for name in parts.namelist())


@pytest.mark.parametrize(("hops", "windows"), [(2, 1), (3, 1), (2, 5), (512, 511)])
def test_any_number_of_hops_and_windows(model: Model, hops: int, windows: int) -> None:
    with torch.inference_mode():
        answer = model[0](torch.randn(hops, HOP) * 0.1, torch.arange(windows) % (hops - 1))
    assert answer.shape == (windows, len(model[1]["tags"]))
    assert answer.isfinite().all()


@pytest.mark.parametrize("level", [0.0, 1.0, -0.3], ids=["silence", "constant", "negative constant"])
def test_silence_has_no_tag(model: Model, level: float) -> None:
    with torch.inference_mode():
        answer = model[0](torch.full((3, HOP), level), torch.tensor([0, 1]))
    assert (answer < thresholds(model[1])).all()


@pytest.mark.parametrize("level_db", [-100, -80, -60, -40, -20])
def test_white_noise_has_no_tag(model: Model, level_db: int) -> None:
    noise = torch.randn(8, HOP, generator=torch.Generator().manual_seed(1)) * 10 ** (level_db / 20)
    with torch.inference_mode():
        answer = model[0](noise, torch.arange(7))
    assert (answer < thresholds(model[1])).all()


def test_odd_values_stay_finite(model: Model) -> None:
    odd = torch.randn(2, HOP)
    odd[0, ::2], odd[0, 1::7], odd[1] = float("nan"), float("inf"), odd[1] * 1e30
    with torch.inference_mode():
        answer = model[0](odd, torch.tensor([0]))
    assert ((answer >= 0) & (answer <= 1)).all()


def test_a_steady_chord_is_as_much_music_at_any_level(model: Model) -> None:
    time = torch.arange(2 * HOP) / HOP
    notes = [torch.sin(2 * torch.pi * pitch * time) for pitch in (261.6, 329.6, 392.0)]
    hops = (torch.stack(notes).mean(0) * torch.exp(-2 * (time % 0.5))).reshape(2, HOP)
    with torch.inference_mode():
        answers = torch.cat([model[0](hops * 10 ** (-gain / 20), torch.tensor([0])) for gain in (0, 20, 40)])
    assert (answers - answers[:1]).abs().max() < 0.01
    assert answers[0, [tag["name"] for tag in model[1]["tags"]].index("Music")] > 0.5
