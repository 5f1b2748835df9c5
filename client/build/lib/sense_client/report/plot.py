"""A picture of what was heard: the spectrogram, and a lane for each tag. Needs matplotlib."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from sense_client.report.document import clock
from sense_client.report.spectrogram import LOW_HERTZ, NUM_BANDS, SAMPLE_RATE, Spectrogram
from sense_client.results import Result

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_LANES = 24
_HEARD, _QUIET, _THRESHOLD = "#1663b0", "#c5d0db", "#b4421a"
_TICK_HERTZ = (250, 1_000, 4_000)


def write_picture(
    path: Path, result: Result, *, description: Mapping[str, Any] | None, spectrogram: Spectrogram | None
) -> None:
    """Draws the tags that were heard, those of the highest probability first, up to MAX_LANES.

    Args:
        path: Where to; its ending says in which format, such as .png, .svg or .pdf.
        result: What the tagger answered.
        description: The description of its model, with the thresholds; None: not known.
        spectrogram: The recording's; None: there is none to draw.

    Raises:
        ValueError: The ending names no format.
        OSError: It cannot be written.
    """
    from matplotlib.figure import Figure

    peaks = heard_peaks(result)
    names = sorted(peaks, key=lambda name: -peaks[name])[:MAX_LANES]
    heights = [3.0] * (spectrogram is not None) + [1.0] * max(1, len(names))
    figure = Figure(figsize=(12, 1.2 + 0.5 * sum(heights)), layout="constrained")
    figure.suptitle(result.metadata.name, x=0.01, ha="left", fontweight="bold")
    rows = figure.subplots(len(heights), sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    lanes = list(rows)
    if spectrogram is not None:
        _draw_spectrogram(lanes.pop(0), spectrogram)
    thresholds = {tag["name"]: tag["threshold"] for tag in description["tags"]} if description else {}
    for axes, name in zip(lanes, names, strict=False):
        _draw_lane(axes, result, name, thresholds.get(name))
    if not names:
        lanes[0].set_yticks([])
        lanes[0].text(0.01, 0.5, "nothing was heard", transform=lanes[0].transAxes, va="center")
    rows[-1].set_xlim(0, max(result.metadata.duration_seconds, 0.1))
    rows[-1].xaxis.set_major_formatter(lambda seconds, _: clock(seconds))
    figure.savefig(path, dpi=120)


def heard_peaks(result: Result) -> dict[str, float]:
    """Returns the highest probability of each tag that was heard."""
    peaks: dict[str, float] = {}
    for window in result.windows:
        for tag in window.tags:
            peaks[tag.name] = max(peaks.get(tag.name, 0.0), tag.probability)
    return peaks


def _draw_spectrogram(axes: Axes, spectrogram: Spectrogram) -> None:
    low, high = (_mel(hertz) for hertz in (LOW_HERTZ, SAMPLE_RATE / 2))
    seconds = len(spectrogram.levels) * spectrogram.column_seconds
    extent = (0.0, seconds, 0.0, float(NUM_BANDS))
    axes.imshow(spectrogram.levels.T, origin="lower", aspect="auto", extent=extent, cmap="magma", vmin=0, vmax=255)
    ticks = [NUM_BANDS * (_mel(hertz) - low) / (high - low) for hertz in _TICK_HERTZ]
    axes.set_yticks(ticks, [f"{hertz} Hz" if hertz < 1_000 else f"{hertz // 1_000} kHz" for hertz in _TICK_HERTZ])


def _draw_lane(axes: Axes, result: Result, name: str, threshold: float | None) -> None:
    heard = [{tag.name: tag.probability for tag in window.tags} for window in result.windows]
    values = np.array(
        [(window.probabilities or tags).get(name, 0.0) for window, tags in zip(result.windows, heard, strict=True)]
    )
    # A window's probability stands at its middle, one hop wide.
    middles = [(window.start_seconds + window.end_seconds) / 2 for window in result.windows]
    colours = [_HEARD if name in tags else _QUIET for tags in heard]
    axes.bar(middles, values, width=result.hop_seconds, color=colours)
    if threshold is not None:
        axes.axhline(threshold, color=_THRESHOLD, linestyle="--", linewidth=0.8)
    axes.set_ylim(0, 1)
    axes.set_yticks([])
    axes.set_ylabel(name.replace("_", " "), rotation=0, ha="right", va="center")
    axes.spines[["top", "right", "left"]].set_visible(False)


def _mel(hertz: float) -> float:
    return float(2595 * np.log10(1 + hertz / 700))
