"""Puts the report's figures into the model card and the model's record: a table or two for each pair of marks."""

from __future__ import annotations

import json
import textwrap
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from catalogue.catalogue import load_catalogue
from training.errors import TrainingError
from training.judging.metrics import PREVALENCE
from training.tags import TAGS

Report = dict[str, Any]
_AT_PREVALENCE = f"at {100 * PREVALENCE:.0f} %"
_MEANINGS = {tag.name: tag.meaning for tag in TAGS}
_SETS = {"held_out": "held-out", "unseen": "unseen"}
_PRECISIONS = ("average_precision_as_drawn", "average_precision")


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], texts: int = 1) -> str:
    """A Markdown table; the first `texts` columns stand left, numbers right."""
    ruler = f"|{'|'.join([' --- '] * texts + [' ---: '] * (len(header) - texts))}|"
    return "\n".join([f"| {' | '.join(header)} |", ruler, *(f"| {' | '.join(row)} |" for row in rows)])


def _share(value: float) -> str:
    return f"{100 * value:.1f} %"


def _code(name: str) -> str:
    return f"`{name}`"


def _shipped(report: Report, ships: bool = True) -> list[dict[str, Any]]:
    return [tag for tag in report["tags"] if tag["ships"] == ships]


def _card(report: Report) -> str:
    """What each tag means, and how well it is found in unseen sources."""
    middle, known, rows = report["sensitivities"].index(0), load_catalogue().by_name, []
    for tag in _shipped(report):
        entry, unseen = known[tag["name"]], tag["unseen"]
        category = entry.category if entry.category_attested else f"{entry.category}?"
        rates = (unseen["average_precision"], unseen["precision"][middle], unseen["recall"][middle])
        figures = [f"{each:.2f}" for each in (tag["threshold"], *rates)]
        rows.append([_code(entry.name), category, _MEANINGS[entry.name], *figures])
    mean = report["macro_map"]["unseen"]["average_precision"]
    rows.append([f"**mean of the {len(rows)} tags**", "", "", "", f"**{mean:.3f}**", "", ""])
    return _table(["tag", "category", "what it stands for", "threshold", "AP", "precision", "recall"], rows, texts=3)


def _tags(report: Report) -> str:
    middle = report["sensitivities"].index(0)
    header, rows = ["tag", "threshold"], []
    for name in _SETS.values():
        header += [f"{name} AP", _AT_PREVALENCE, "precision", "recall", "windows"]
    for tag in _shipped(report):
        cells = [_code(tag["name"]), f"{tag['threshold']:.2f}"]
        for each in (tag[kind] for kind in _SETS):
            rates = (*(each[name] for name in _PRECISIONS), each["precision"][middle], each["recall"][middle])
            cells += [*(f"{rate:.2f}" for rate in rates), str(each["windows_with"])]
        rows.append(cells)
    means = [f"**{report['macro_map'][kind][name]:.3f}**" for kind in _SETS for name in _PRECISIONS]
    rows.append([f"**mean of the {len(rows)} tags**", "", *means[:2], "", "", "", *means[2:], "", "", ""])
    return _table(header, rows)


def _left_out(report: Report) -> str:
    left_out = _shipped(report, ships=False)
    if not left_out:
        return "None: every tag that was tried ships."
    rows = [
        [
            _code(tag["name"]),
            _MEANINGS[tag["name"]],
            *(f"{tag[kind][name]:.2f}" for kind in _SETS for name in _PRECISIONS),
            *(str(tag[kind]["windows_with"]) for kind in _SETS),
        ]
        for tag in left_out
    ]
    header = ["tag", "what it would have stood for"]
    header += [column for name in _SETS.values() for column in (f"{name} AP", _AT_PREVALENCE)]
    header += [f"{name} windows" for name in _SETS.values()]
    return _table(header, rows, texts=2)


def _steps(report: Report) -> str:
    sensitivities = [f"{each:+d}" if each else "0" for each in report["sensitivities"]]
    rows = [
        [
            _code(tag["name"]),
            *(f"{p:.2f} / {r:.2f}" for p, r in zip(tag["unseen"]["precision"], tag["unseen"]["recall"], strict=True)),
        ]
        for tag in _shipped(report)
    ]
    extremes = [_extreme(report, kind) for kind in _SETS]
    return "\n\n".join([_table(["unseen: precision / recall at", *sensitivities], rows), *extremes])


def _extreme(report: Report, kind: str) -> str:
    """Which tag suffers most from two steps up, and which from two steps down."""
    imprecise = min(_shipped(report), key=lambda tag: tag[kind]["precision"][-1])
    deaf = min(_shipped(report), key=lambda tag: tag[kind]["recall"][0])
    return (
        f"On {_SETS[kind]} mixes the lowest precision two steps up is {imprecise[kind]['precision'][-1]:.2f} "
        f"(`{imprecise['name']}`), the lowest recall two steps down {deaf[kind]['recall'][0]:.2f} (`{deaf['name']}`)."
    )


def _alarms(report: Report) -> str:
    sensitivities = report["sensitivities"]
    places = [sensitivities.index(each) for each in (-2, 0, 2)]
    header = ["sound", "windows", "with a wrong tag", "share", "per hour", "at -2", "at +2", "most often"]
    rows = []
    for kind, each in report["false_alarms"].items():
        low, default, high = (f"{each['per_hour_by_sensitivity'][place]:.0f}" for place in places)
        share = f"{100 * each['windows_with_a_wrong_tag'] / each['windows']:.2f} %"
        worst = ", ".join(f"`{one['tag']}` {one['windows']}" for one in each["worst"])
        counts = [str(each["windows"]), str(each["windows_with_a_wrong_tag"])]
        rows.append([kind, *counts, share, default, low, high, worst])
    return _table(header, rows)


def _confusion(report: Report) -> str:
    rows = [
        [_code(pair["sound"]), _code(pair["reported"]), _share(pair["share"]), str(pair["windows"])]
        for pair in report["worst_pairs"]
    ]
    return _table(["what sounds", "what is reported, too", "share of windows", "windows"], rows, texts=2)


def _codecs(report: Report) -> str:
    rows = [
        [codec, f"{each['mean']:.4f}", f"{each['p99']:.3f}", f"{each['max']:.3f}", _share(each["over_0.05"])]
        for codec, each in report["codec_differences"].items()
    ]
    return _table(["against 16-bit WAV", "mean difference", "99 % are under", "largest", "over 0.05"], rows)


def _size(report: Report) -> str:
    return (
        f"{report['parameters'] / 1e6:.2f} million parameters, {report['updates']:,} updates; "
        f"{report['hops_per_second_one_thread']:,} hops per second on one thread of the machine that judged."
    )


_CARD_SECTIONS: dict[str, Callable[[Report], str]] = {"card": _card}
_RECORD_SECTIONS: dict[str, Callable[[Report], str]] = {
    "tags": _tags,
    "left-out": _left_out,
    "steps": _steps,
    "alarms": _alarms,
    "confusion": _confusion,
    "codecs": _codecs,
    "size": _size,
}


def _recordings(report: Report) -> str:
    """The recordings' sub-folders, over each line."""
    rows = []
    for line, parts in report["lines"].items():
        for folder, each in parts["folders"].items():
            share = "" if each["share"] is None else f"{_share(each['share'])} of {each['expected']}"
            falsely = ", ".join(f"`{tag}` {_share(value)}" for tag, value in each["false_shares"].items())
            others = ", ".join(f"`{tag}` {_share(value)}" for tag, value in list(each["others"].items())[:3])
            rows.append([folder, line, str(each["windows"]), share, falsely, others])
    header = ["recordings of", "line", "windows with sound", "with the tag", "wrongly", "other tags, most often"]
    return _table(header, rows, texts=2)


def _origins(report: Report) -> str:
    """Where the recordings are public, and how many are from each place."""
    files = next(iter(report["lines"].values()))["files"].values()
    counts = Counter(each["origin"].partition(", ")[0] for each in files)
    listed = ", ".join(f"{origin} ({count})" for origin, count in counts.most_common())
    return textwrap.fill(f"Files: {listed}.", 120, break_on_hyphens=False)


def _put(text: str, section: str, content: str, page: Path) -> str:
    begin, end = f"<!-- {section}: begin -->", f"<!-- {section}: end -->"
    before, has_begin, rest = text.partition(begin)
    _, has_end, after = rest.partition(end)
    if not has_begin or not has_end:
        raise TrainingError(f"{page} lacks the marks {begin} and {end}")
    return f"{before}{begin}\n\n{content}\n\n{end}{after}"


def write_figures(report_file: Path, recordings_file: Path, card: Path, record: Path) -> None:
    """Replace what stands between the marks of both pages; without a report on recordings theirs stay as they are.

    Args:
        report_file: What `training.judging.judge` found.
        recordings_file: What `training.judging.recordings_report` found.
        card: The model card.
        record: The page on how the model was judged.

    Raises:
        TrainingError: a page lacks a pair of marks.
    """
    report = json.loads(report_file.read_text())
    sections = {name: write(report) for name, write in _RECORD_SECTIONS.items()}
    if recordings_file.exists():
        recordings = json.loads(recordings_file.read_text())
        sections["recordings"] = f"{_recordings(recordings)}\n\n{_origins(recordings)}"
    _fill(card, {name: write(report) for name, write in _CARD_SECTIONS.items()})
    _fill(record, sections)


def _fill(page: Path, sections: Mapping[str, str]) -> None:
    text = page.read_text()
    for section, content in sections.items():
        text = _put(text, section, content, page)
    page.write_text(text)
