"""What was asked for, beside what was measured last: one table over all parts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.memory import MEBIBYTE
from benchmarks.report import table


@dataclass(frozen=True)
class Bar:
    """One demand.

    Attributes:
        text: What is asked for.
        part: The result file's name, without ending.
        figure: The figure in it.
        holds: Whether a value is good enough.
        show: The value as people read it.
    """

    text: str
    part: str
    figure: str
    holds: Callable[[float], bool]
    show: Callable[[float], str]


def _percent(value: float) -> str:
    return f"{100 * value:.0f} %"


def _milliseconds(value: float) -> str:
    return f"{1000 * value:.0f} ms"


def _mebibytes(value: float) -> str:
    return f"{value / MEBIBYTE:.0f} MiB"


def _times(value: float) -> str:
    return f"{value:.1f} times"


def _at_least(bound: float) -> Callable[[float], bool]:
    return lambda value: value >= bound


def _below(bound: float) -> Callable[[float], bool]:
    return lambda value: value < bound


BARS = (
    Bar("10 s MP3, 8 callers: 85 % of the limit", "load", "clips_8_callers_share", _at_least(0.85), _percent),
    Bar("1 h MP3: 85 % of the limit", "load", "hour_share", _at_least(0.85), _percent),
    Bar("1 h MP3: 600 s of audio per second", "load", "hour_speed", _at_least(600), "{:.0f} s".format),
    Bar(
        "an hour within 1 GiB of MP3 (18.6 h) costs as much as alone, within 10 %",
        "lengths",
        "largest_cost_over_hours",
        lambda v: 0.9 <= v <= 1.1,
        "{:.2f} times".format,
    ),
    Bar("1 GiB of MP3: answered in 150 s", "lengths", "largest_seconds", _below(150), "{:.0f} s".format),
    Bar(
        "1 GiB of MP3: all processes under 2.5 GB",
        "lengths",
        "largest_peak_bytes",
        _below(2.5e9),
        _mebibytes,
    ),
    Bar(
        "1 GiB of MP3: the worker grows by less than 400 MB, mapped files included",
        "lengths",
        "largest_worker_growth_bytes",
        _below(400e6),
        _mebibytes,
    ),
    Bar(
        "... and without mapped files",
        "lengths",
        "largest_worker_growth_own_bytes",
        _below(400e6),
        _mebibytes,
    ),
    Bar("10 s MP3, 40 requests/s: p95 under 120 ms", "load", "p95_10s_40", _below(0.12), _milliseconds),
    Bar("10 s MP3, 40 requests/s: no error", "load", "errors_10s_40", _below(1), "{:.0f} errors".format),
    *(
        Bar(f"{work}: {times:g} times the {name}", "served_rivals", f"{key}, {name}", _at_least(times), _times)
        for work, key, times in (("10 s MP3, 8 callers", "clips_ratio", 2.0), ("1 h MP3", "hour_ratio", 5.0))
        for name in ("usual handler, torch's own threads", "usual handler, one thread in each worker")
    ),
)


def read_figures(folder: Path) -> dict[str, Mapping[str, float]]:
    """Every part's figures that a folder of results holds."""
    return {file.stem: json.loads(file.read_text()) for file in sorted(folder.glob("*.json"))}


def bars_table(figures: Mapping[str, Mapping[str, float]]) -> str:
    """The table; what was not measured says so."""
    return table(["asked for", "measured", ""], [_row(bar, figures) for bar in BARS])


def _row(bar: Bar, figures: Mapping[str, Mapping[str, float]]) -> list[str]:
    value = figures.get(bar.part, {}).get(bar.figure)
    if value is None:
        return [bar.text, "not measured", ""]
    return [bar.text, bar.show(value), "held" if bar.holds(value) else "not held"]
