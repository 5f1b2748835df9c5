"""The pictures of the model's page: precision over recall, calibration, confusion, and the sample's tags over time."""

from __future__ import annotations

import json
from io import BytesIO
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("agg")

import numpy as np
import torch
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from PIL import Image
from scipy import signal

from handler.audio.stream import AudioStream
from handler.media import EncodedAudio
from handler.model.loading import Model, load_model
from handler.model.scoring import ScoringPool
from handler.tagger import tag as tag_streams
from training.errors import TrainingError
from training.judging.confusion import Confusion
from training.judging.judgement_file import JUDGEMENT_FILE, Judgement, read_judgement
from training.judging.metrics import (
    FloatArray,
    average_precision,
    precision_recall_curve,
    reliability,
    usual_share,
    weights_at,
)
from training.judging.scored_windows import ScoredWindows
from training.tags import TAG_INDEX, TAG_NAMES

_COLOURS = {"held-out": "#9fb8c8", "unseen": "#1b4965"}
_ACCENT = "#c8553d"
_CURVE_POINTS, _COLUMNS = 60, 6
_PALETTE = 96
_MAX_SECONDS = 600
_SHOWN_SHARE = 0.05  # shares of the confusion from here on are written as numbers


def _save(figure: Figure, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    drawn = BytesIO()
    figure.savefig(drawn, dpi=100)
    plt.close(figure)
    # A palette takes a third of the space of true colour.
    Image.open(drawn).convert("RGB").quantize(_PALETTE).save(path, optimize=True)


def _curve(axes: Axes, heard: ScoredWindows, tag: int, kind: str) -> None:
    scores, there = heard.of(tag)
    recalls, precisions = precision_recall_curve(scores, there, _CURVE_POINTS)
    label = f"{kind} {average_precision(scores, there):.2f}"
    axes.plot(recalls, precisions, color=_COLOURS[kind], linewidth=1.6, label=label)


def precision_recall_picture(judgement: Judgement, tags: list[dict[str, Any]], path: Path) -> None:
    """A small curve for each tag of the report, with dots where the five sensitivities are on unseen sources."""
    rows = -(-len(tags) // _COLUMNS)
    figure, grid = plt.subplots(
        rows, _COLUMNS, figsize=(11, 1.75 * rows + 0.6), sharex=True, sharey=True, squeeze=False, layout="constrained"
    )
    for axes, tag in zip(grid.flat, tags, strict=False):
        for kind, heard in (("held-out", judgement.held_out), ("unseen", judgement.unseen)):
            _curve(axes, heard, TAG_INDEX[tag["name"]], kind)
        rates = tag["unseen"]
        axes.scatter(rates["recall"], rates["precision"], s=[8, 8, 26, 8, 8], color=_ACCENT, zorder=3)
        axes.set_title(tag["name"].replace("_", " "), fontsize=8, pad=3)
        axes.legend(loc="lower left", fontsize=6.5, frameon=False, handlelength=1)
        _plain(axes)
    for axes in grid.flat[len(tags) :]:
        axes.set_visible(False)
    figure.supxlabel("recall", fontsize=9)
    figure.supylabel("precision", fontsize=9)
    figure.suptitle(
        "Numbers: average precision as drawn. Dots: sensitivity -2 to 2 on unseen sources, 0 the large one",
        fontsize=9,
    )
    _save(figure, path)


def _plain(axes: Axes) -> None:
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.03)
    axes.set_xticks([0, 0.5, 1], ["0", "½", "1"])
    axes.set_yticks([0, 0.5, 1], ["0", "½", "1"])
    axes.tick_params(labelsize=7, length=2)
    axes.spines[["top", "right"]].set_visible(False)


def calibration_picture(judgement: Judgement, shipped: list[int], path: Path) -> None:
    """How often a tag was there against the probability that was given, over all tags that ship."""
    figure, axes = plt.subplots(figsize=(5.6, 4.6), layout="constrained")
    axes.plot([0, 1], [0, 1], color="#bbbbbb", linewidth=1, linestyle="--", label="as often as it says")
    for kind, heard in (("held-out", judgement.held_out), ("unseen", judgement.unseen)):
        pooled = [heard.of(tag) for tag in shipped]
        scores, there = (np.concatenate(parts) for parts in zip(*pooled, strict=True))
        weights = np.concatenate([weights_at(there, usual_share(there)) for _, there in pooled])
        predicted, observed, _ = zip(*reliability(scores, there, weights), strict=True)
        axes.plot(predicted, observed, color=_COLOURS[kind], marker="o", linewidth=1.8, label=kind)
    axes.set_xlabel("probability in the answer (mean of each tenth)")
    axes.set_ylabel("share of windows that have the tag")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.set_aspect("equal")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="upper left")
    _save(figure, path)


def confusion_picture(confusion: Confusion, path: Path) -> None:
    """The matrix; in each cell the share in hundredths, from 5 on."""
    names, size = [TAG_NAMES[tag].replace("_", " ") for tag in confusion.tags], len(confusion.tags)
    figure, axes = plt.subplots(figsize=(0.26 * size + 2.6, 0.26 * size + 2.4), layout="constrained")
    axes.imshow(confusion.shares, cmap="Blues", vmin=0, vmax=1)
    axes.set_xticks(range(size), names, rotation=90, fontsize=7.5)
    axes.set_yticks(range(size), names, fontsize=7.5)
    axes.tick_params(length=0)
    axes.set_xlabel("what is reported: on the diagonal rightly, elsewhere wrongly (percent)", fontsize=9)
    axes.set_ylabel("what sounds", fontsize=9)
    axes.set_xticks(np.arange(size + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(size + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="#e8e8e8", linewidth=0.5)
    axes.tick_params(which="minor", length=0)
    for (row, column), share in np.ndenumerate(confusion.shares):
        if share >= _SHOWN_SHARE:
            colour = "white" if share > 0.5 else "#333333"
            axes.text(column, row, f"{100 * share:.0f}", ha="center", va="center", fontsize=6, color=colour)
    _save(figure, path)


def _decoded(path: Path, model: Model) -> FloatArray:
    """The samples of a file at the model's rate."""
    stream = _stream(path, model)
    return np.asarray(torch.cat(list(stream)).numpy())


def _stream(path: Path, model: Model) -> AudioStream:
    body = memoryview(bytearray(path.read_bytes()))
    return AudioStream(body, EncodedAudio(), sample_rate=model.info.sample_rate, max_seconds=_MAX_SECONDS)


def sample_picture(model_file: Path, sample_file: Path, path: Path) -> None:
    """The sample's spectrogram, and under it the probabilities of all tags that are reported anywhere in it."""
    model = load_model(model_file, torch.device("cpu"))
    samples = _decoded(sample_file, model)
    (tagged,) = tag_streams([_stream(sample_file, model)], ScoringPool(model, 1), batch_hops=32)
    reported = (tagged.probabilities >= model.info.thresholds).any(0)
    figure, (upper, lower) = plt.subplots(
        2, 1, figsize=(8.5, 2.6 + 0.3 * reported.sum()), sharex=True, layout="constrained"
    )
    _spectrogram(upper, samples, model.info.sample_rate)
    _tag_rows(lower, tagged.probabilities, model, np.flatnonzero(reported))
    lower.set_xlim(0, tagged.duration_seconds)
    _save(figure, path)


def _spectrogram(axes: Axes, samples: FloatArray, rate: int) -> None:
    hertz, seconds, power = signal.spectrogram(samples, rate, "hann", nperseg=512, noverlap=192)
    decibels = 10 * np.log10(power / power.max() + 1e-8)
    axes.pcolormesh(seconds, hertz / 1000, decibels, cmap="magma", vmin=-70, vmax=0, shading="auto", rasterized=True)
    axes.set_ylabel("frequency (kHz)")


def _tag_rows(axes: Axes, probabilities: FloatArray, model: Model, tags: np.ndarray[Any, np.dtype[np.intp]]) -> None:
    """A row for each tag, the earliest on top; each window is a bar around its middle, darker where it is reported."""
    order = sorted(tags, key=lambda tag: int((probabilities[:, tag] >= model.info.thresholds[tag]).argmax()))
    middle = float(model.info.grid.window_seconds) / 2 + np.arange(len(probabilities))
    for row, tag in enumerate(order):
        values = probabilities[:, tag]
        colours = np.where(values >= model.info.thresholds[tag], _COLOURS["unseen"], _COLOURS["held-out"])
        axes.bar(middle, 0.9 * values, 0.96, bottom=-row, color=colours)
        axes.axhline(-row, color="#cccccc", linewidth=0.6)
    axes.set_yticks([0.4 - row for row in range(len(order))], [model.info.tags[tag] for tag in order], fontsize=8)
    axes.tick_params(axis="y", length=0)
    axes.set_ylim(-len(order) + 0.95, 1)
    axes.set_xlabel("time (s); each bar is a window of 2 s, drawn around its middle; dark: reported at sensitivity 0")
    axes.spines[["top", "right"]].set_visible(False)


def make_pictures(work: Path, report_file: Path, model_file: Path, sample_file: Path, folder: Path) -> None:
    """Draw all pictures from the report, from WORK's judgement and from the model file.

    Raises:
        TrainingError: the judgement is missing, or the report is on another one.
    """
    report, judgement = json.loads(report_file.read_text()), read_judgement(work / JUDGEMENT_FILE)
    if report["updates"] != judgement.updates:
        raise TrainingError(f"{work / JUDGEMENT_FILE} is not the report's; run the step: judge")
    tags = [tag for tag in report["tags"] if tag["ships"] and tag["held_out"] and tag["unseen"]]
    precision_recall_picture(judgement, tags, folder / "model_precision_recall.png")
    calibration_picture(judgement, [TAG_INDEX[tag["name"]] for tag in tags], folder / "model_calibration.png")
    confusion_picture(judgement.confusion, folder / "model_confusion.png")
    sample_picture(model_file, sample_file, folder / "model_sample.png")
