"""The benchmarks' pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib

matplotlib.use("agg")

from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from benchmarks.memory import MEBIBYTE, Timeline

SIZE_INCHES = (8.0, 3.6)
# Dark to light in the order of the layers; readable in print, too.
COLOURS = ("#1b4965", "#4f8fba", "#9cc5a1", "#e0b354", "#d9d9d9")


def memory_over_time(timeline: Timeline, title: str, file: Path) -> None:
    """Layers: what each kind of process holds itself, and on top the files that they have mapped."""
    seconds = [moment.seconds for moment in timeline.moments]
    layers = {
        kind: [moment.resident[kind].own_bytes / MEBIBYTE for moment in timeline.moments]
        for kind in timeline.moments[0].resident
    }
    layers["mapped files"] = [moment.total.file_bytes / MEBIBYTE for moment in timeline.moments]
    axes = _axes("time (s)", "resident memory (MiB)", title)
    axes.stackplot(seconds, list(layers.values()), labels=list(layers), colors=COLOURS, linewidth=0)
    axes.set_xlim(0, seconds[-1])
    axes.set_ylim(0)
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(handles[::-1], labels[::-1], loc="upper left", bbox_to_anchor=(1.01, 1.0), frameon=False)
    _save(file)


def speed_over_length(lengths_seconds: Sequence[float], speeds: Sequence[float], limit: float, file: Path) -> None:
    """Seconds of audio per second over a file's length, and the limit."""
    axes = _axes("length of the file", "seconds of audio per second", "Speed over length, one caller")
    axes.axhline(limit, color=COLOURS[3], linewidth=1.5, label="limit: decoding and model alone")
    axes.plot(lengths_seconds, speeds, color=COLOURS[0], marker="o", markersize=5, label="through HTTP")
    axes.set_xscale("log")
    axes.set_xticks(lengths_seconds, [duration_text(seconds) for seconds in lengths_seconds])
    axes.minorticks_off()
    axes.set_ylim(0, 1.1 * max(limit, *speeds))
    axes.legend(loc="lower right", frameon=False)
    _save(file)


def bars(values: Mapping[str, float], x_label: str, title: str, file: Path) -> None:
    """One horizontal bar for each name, the first on top."""
    axes = _axes(x_label, "", title)
    drawn = axes.barh(list(values), list(values.values()), color=COLOURS[0], height=0.6)
    axes.bar_label(drawn, fmt="%.2f", padding=4)
    axes.invert_yaxis()
    axes.set_xlim(0, 1.12 * max(values.values()))
    _save(file)


def duration_text(seconds: float) -> str:
    """A length as people say it: 10 s, 1 min, 18.6 h."""
    for unit_seconds, unit in ((3600, "h"), (60, "min")):
        if seconds >= unit_seconds:
            return f"{seconds / unit_seconds:.3g} {unit}"
    return f"{seconds:.3g} s"


def _axes(x_label: str, y_label: str, title: str) -> Axes:
    _, axes = plt.subplots(figsize=SIZE_INCHES, layout="constrained")
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.set_title(title, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    return axes


def _save(file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    plt.savefig(file, dpi=100, metadata={"Software": None})
    plt.close()
