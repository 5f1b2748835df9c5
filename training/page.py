"""Puts the report's figures into the model's page, between two marks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from training.errors import TrainingError

_BEGIN, _END = "<!-- figures: begin -->", "<!-- figures: end -->"


def _share(value: float) -> str:
    return f"{100 * value:.1f} %"


def _tag_row(tag: dict[str, Any]) -> str:
    held_out, unseen = tag["held_out"], tag["unseen"]
    cells = [f"`{tag['name']}`" if tag["ships"] else f"({tag['name']}, left out)", f"{tag['threshold']:.2f}"]
    for figures in (held_out, unseen):
        cells += [f"{figures[name]:.2f}" for name in ("average_precision", "precision", "recall")]
    cells.append(str(unseen["windows_with"]))
    return f"| {' | '.join(cells)} |"


def _table(header: list[str], rows: list[list[str]]) -> list[str]:
    ruler = f"|{'|'.join([' --- '] + [' ---: '] * (len(header) - 1))}|"
    return [f"| {' | '.join(header)} |", ruler, *(f"| {' | '.join(row)} |" for row in rows)]


def figures(report: dict[str, Any]) -> str:
    """The report as Markdown: the tags, false alarms, codecs, speed."""
    macro, shipped = report["macro_map"], sum(tag["ships"] for tag in report["tags"])
    tags = ["| tag | threshold | held-out AP | precision | recall | unseen AP | precision | recall | unseen windows |"]
    tags += ["| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"]
    tags += [_tag_row(tag) for tag in report["tags"]]
    tags += [
        f"| **mean of the {shipped} tags** | | **{macro['held_out']:.3f}** | | | **{macro['unseen']:.3f}** | | | |"
    ]
    alarms = _table(
        ["sound with nothing in it", "windows", "windows with a tag", "share"],
        [
            [
                kind,
                str(each["windows"]),
                str(each["windows_with_a_tag"]),
                _share(each["windows_with_a_tag"] / each["windows"]),
            ]
            for kind, each in report["false_alarms"].items()
        ],
    )
    codecs = _table(
        ["against 16-bit WAV", "mean difference", "99 % are under", "largest", "over 0.05"],
        [
            [codec, f"{each['mean']:.4f}", f"{each['p99']:.3f}", f"{each['max']:.3f}", _share(each["over_0.05"])]
            for codec, each in report["codec_differences"].items()
        ],
    )
    speed = (
        f"{report['parameters'] / 1e6:.2f} million parameters, {report['updates']} updates; "
        f"{report['hops_per_second_one_thread']} hops per second on one thread of the machine that judged."
    )
    return "\n".join([*tags, "", *alarms, "", *codecs, "", speed])


def write_figures(report_file: Path, page: Path) -> None:
    """Replace what stands between the page's marks.

    Raises:
        TrainingError: the page has not both marks.
    """
    before, begin, rest = page.read_text().partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not begin or not end:
        raise TrainingError(f"{page} lacks the marks {_BEGIN} and {_END}")
    report = json.loads(report_file.read_text())
    page.write_text(f"{before}{begin}\n\n{figures(report)}\n\n{end}{after}")
