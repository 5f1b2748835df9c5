"""Judges model files side by side on recordings that training never heard."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from evaluation.judging import judged, rounded
from evaluation.recordings import Recording, read_recordings
from evaluation.scoring import read_model, window_probabilities
from evaluation.wrong_windows import wrong_windows
from handler.model.loading import Model
from training.sources.recordings import HELD_OUT, judges_only, split_of

LEAST_CLIPS = 5
KEPT_ASIDE = "kept_aside"
_MEANS = ("area_under_curve", "reachable_recall", "recall", "false_alarms")


def recording_sets(recordings: Sequence[Recording]) -> dict[str, list[Recording]]:
    """The sets: each split that only judges, by its name, then what tags and thresholds were chosen on."""
    sets: dict[str, list[Recording]] = {}
    for each in recordings:
        if judges_only(each):
            sets.setdefault(each.split, []).append(each)
    aside = [each for each in recordings if not judges_only(each) and split_of(each) == HELD_OUT]
    return sets | ({KEPT_ASIDE: aside} if aside else {})


def judge_recordings(place: Path, model_files: Sequence[Path], report_file: Path) -> None:
    """Judges models on a list of recordings, writes the report and prints its means.

    Args:
        place: The list (`evaluation.recordings` says how it looks).
        model_files: The bundled model first, then those to show beside it.
        report_file: JSON that is written.

    Raises:
        EvaluationError: the list, one of its files or a model cannot be read.
    """
    sets = recording_sets(read_recordings(place))
    models = [read_model(file) for file in model_files]
    heard = {
        name: {title_of(model): _heard(recordings, model) for model in models} for name, recordings in sets.items()
    }
    report = {
        "model": models[0].info.name,
        "version": models[0].info.version,
        "sha256": sha256(model_files[0]),
        "sets": {
            name: {
                "clips": len(sets[name]),
                "origins": Counter(each.origin for each in sets[name]),
                "models": {title: each.figures for title, each in by_model.items()},
                "wrong_windows": {title: each.wrong_windows for title, each in by_model.items()},
            }
            for name, by_model in heard.items()
        },
    }
    report_file.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    print("\n".join(summary(report)))


def sha256(file: Path) -> str:
    """The file's sum, by which a report knows its model."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


def title_of(model: Model) -> str:
    """Name and version."""
    return f"{model.info.name} {model.info.version}"


@dataclass(frozen=True)
class _Heard:
    """What a model makes of a set: the figures of each tag, and the false alarms of each kind of sound."""

    figures: list[dict[str, Any]]
    wrong_windows: list[dict[str, Any]]


def _heard(recordings: Sequence[Recording], model: Model) -> _Heard:
    tags, thresholds = model.info.tags, model.info.thresholds
    windows = list(window_probabilities(model, recordings))
    scores = np.stack([each.max(0) for each in windows])
    figures = judged(recordings, scores, tags, thresholds, least_clips=LEAST_CLIPS)
    wrong = wrong_windows(recordings, windows, tags, thresholds)
    return _Heard([asdict(rounded(each)) for each in figures], [asdict(each) for each in wrong])


def means(figures: Sequence[dict[str, Any]], tags: set[str]) -> dict[str, float]:
    """The means of some tags' figures."""
    chosen = [each for each in figures if each["tag"] in tags]
    return {name: float(np.mean([each[name] for each in chosen])) for name in _MEANS}


def shared_tags(by_model: dict[str, list[dict[str, Any]]]) -> set[str]:
    """Tags that every model has figures of."""
    return set.intersection(*({each["tag"] for each in figures} for figures in by_model.values()))


def summary(report: dict[str, Any]) -> Iterator[str]:
    """A line for each set and model: means over the tags that all models share."""
    for name, each in report["sets"].items():
        tags = shared_tags(each["models"])
        for title, figures in each["models"].items():
            mean = means(figures, tags)
            yield (
                f"{name}, {each['clips']} clips, {len(tags)} tags, {title}: AUC {mean['area_under_curve']:.3f}, "
                f"recall at 2 % {mean['reachable_recall']:.1%}, "
                f"at its thresholds {mean['recall']:.1%} with {mean['false_alarms']:.2%} false alarms"
            )
