"""Puts the report's figures into the model card and the model's record: a table or two for each pair of marks."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from catalogue.catalogue import load_catalogue
from training.errors import TrainingError
from training.judging.metrics import PREVALENCE
from training.judging.recordings_report import KEPT_ASIDE, means, sha256, shared_tags
from training.tags import TAGS

Report = dict[str, Any]
_AT_PREVALENCE = f"at {100 * PREVALENCE:.0f} %"
_MEANINGS = {tag.name: tag.meaning for tag in TAGS}
_SETS = {"held_out": "held-out", "unseen": "unseen"}
_SHOWN_CLIPS = 10
_JUDGING_TEXT = "Nothing was trained or chosen on these"
_KEPT_ASIDE_TEXT = "Thresholds and tags were chosen on these, and nothing was trained:"
_NOT_JUDGED = "No recordings have judged this model file. `python -m training recordings --recordings PLACE` does."
_PRECISIONS = ("average_precision_as_drawn", "average_precision")


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], texts: int = 1) -> str:
    """A Markdown table; the first `texts` columns stand left, numbers right."""
    ruler = f"|{'|'.join([' --- '] * texts + [' ---: '] * (len(header) - texts))}|"
    return "\n".join([f"| {' | '.join(header)} |", ruler, *(f"| {' | '.join(row)} |" for row in rows)])


def _share(value: float) -> str:
    return f"{100 * value:.1f} %"


def _code(name: str) -> str:
    return f"`{name}`"


def _synthetic(report: Report, ships: bool = True) -> list[dict[str, Any]]:
    """Tags that both sets of synthetic sounds have."""
    return [tag for tag in _shipped(report, ships) if tag["held_out"] and tag["unseen"]]


def _shipped(report: Report, ships: bool = True) -> list[dict[str, Any]]:
    return [tag for tag in report["tags"] if tag["ships"] == ships]


def _shown_set(recordings: Report, tag: str) -> dict[str, Any] | None:
    """A tag's figures on recordings that nothing was chosen on, if enough have the tag, else on those kept aside."""
    title = f"{recordings['model']} {recordings['version']}"
    for each in recordings["sets"].values():
        for figures in each["models"][title]:
            if figures["tag"] == tag and figures["clips"] >= _SHOWN_CLIPS:
                return dict(figures)
    return None


def _card(report: Report, recordings: Report) -> str:
    """What each tag means, what judged it, and how well it is found in recordings and in unseen synthesis."""
    known, rows = load_catalogue().by_name, []
    for tag in _shipped(report):
        entry, heard = known[tag["name"]], _shown_set(recordings, tag["name"])
        category = entry.category if entry.category_attested else f"{entry.category}?"
        rows.append(
            [_code(entry.name), category, _MEANINGS[entry.name], tag["evidence"], f"{tag['threshold']:.3f}"]
            + (
                [f"{heard['clips']} ({heard['sources']})", f"{heard['area_under_curve']:.3f}"]
                + [_share(heard["recall"]), _share(heard["false_alarms"])]
                if heard
                else [""] * 4
            )
            + [f"{tag['unseen']['average_precision']:.2f}" if tag["unseen"] else ""]
        )
    header = ["tag", "category", "what it stands for", "judged on", "threshold", "clips (sources)", "AUC", "recall"]
    return _table([*header, "false alarms", "AP, synthesis"], rows, texts=4)


def _tags(report: Report) -> str:
    middle = report["sensitivities"].index(0)
    header, rows = ["tag", "threshold"], []
    for name in _SETS.values():
        header += [f"{name} AP", _AT_PREVALENCE, "precision", "recall", "windows"]
    for tag in _synthetic(report):
        cells = [_code(tag["name"]), f"{tag['threshold']:.3f}"]
        for each in (tag[kind] for kind in _SETS):
            rates = (*(each[name] for name in _PRECISIONS), each["precision"][middle], each["recall"][middle])
            cells += [*(f"{rate:.2f}" for rate in rates), str(each["windows_with"])]
        rows.append(cells)
    means = [f"**{report['macro_map'][kind][name]:.3f}**" for kind in _SETS for name in _PRECISIONS]
    rows.append([f"**mean of the {len(rows)} tags**", "", *means[:2], "", "", "", *means[2:], "", "", ""])
    return _table(header, rows)


def _left_out(report: Report) -> str:
    """Tags that were tried and do not ship, with what there is on them."""
    rows = []
    for tag in _shipped(report, ships=False):
        recorded = tag["recorded"]
        rows.append(
            [_code(tag["name"]), _MEANINGS[tag["name"]]]
            + (
                [str(recorded["clips"]), f"{recorded['area_under_curve']:.3f}", _share(recorded["recall"])]
                if recorded
                else [""] * 3
            )
            + [f"{tag[kind]['average_precision_as_drawn']:.2f}" if tag[kind] else "" for kind in _SETS]
        )
    header = ["tag", "what it would have stood for", "recordings kept aside", "AUC", "recall"]
    return _table([*header, *(f"{name} AP" for name in _SETS.values())], rows, texts=2)


def _steps(report: Report) -> str:
    sensitivities = [f"{each:+d}" if each else "0" for each in report["sensitivities"]]
    rows = [
        [
            _code(tag["name"]),
            *(f"{p:.2f} / {r:.2f}" for p, r in zip(tag["unseen"]["precision"], tag["unseen"]["recall"], strict=True)),
        ]
        for tag in _synthetic(report)
    ]
    extremes = [_extreme(report, kind) for kind in _SETS]
    return "\n\n".join([_table(["unseen: precision / recall at", *sensitivities], rows), *extremes])


def _extreme(report: Report, kind: str) -> str:
    """Which tag suffers most from two steps up, and which from two steps down."""
    imprecise = min(_synthetic(report), key=lambda tag: tag[kind]["precision"][-1])
    deaf = min(_synthetic(report), key=lambda tag: tag[kind]["recall"][0])
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
        [_code(pair["sound"]), _code(pair["reported"]), _share(pair["share"]), f"{pair['count']} {pair['of']}"]
        for pair in report["worst_pairs"]
    ]
    return _table(["what sounds", "what is reported, too", "share", "of"], rows, texts=2)


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
    """Each set of recordings: the models side by side, tag by tag, and where the recordings are public."""
    parts = [
        _one_set(_KEPT_ASIDE_TEXT if name == KEPT_ASIDE else _JUDGING_TEXT, each)
        for name, each in report["sets"].items()
    ]
    return "\n\n".join(parts) or _NOT_JUDGED


def _one_set(text: str, recordings: Report) -> str:
    by_model: dict[str, list[dict[str, Any]]] = recordings["models"]
    by_tag = {title: {each["tag"]: each for each in figures} for title, figures in by_model.items()}
    shared = shared_tags(by_model)
    header = ["tag", "clips (sources)"]
    for title in by_model:
        header += [f"{title}: AUC", "recall at 2 %", "recall", "false alarms"]
    rows = []
    for tag in dict.fromkeys(name for figures in by_tag.values() for name in figures):
        first = next(figures[tag] for figures in by_tag.values() if tag in figures)
        cells = [_code(tag), f"{first['clips']} ({first['sources']})"]
        rows.append([*cells, *(cell for figures in by_tag.values() for cell in _rates(figures.get(tag)))])
    averages = [_rates(means(figures, shared)) for figures in by_model.values()]
    rows.append([f"**mean of the {len(shared)} tags of all**", "", *(cell for each in averages for cell in each)])
    alarms = _wrong_windows(recordings["wrong_windows"])
    parts = [f"{text} {recordings['clips']} recordings.", _table(header, rows), alarms, _origins(recordings["origins"])]
    return "\n\n".join(part for part in parts if part)


def _wrong_windows(by_model: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """Windows with a tag that their recording surely lacks, by kind of sound, the models side by side."""
    by_kind: dict[str, list[Mapping[str, Any]]] = {}
    for each in (one for counts in by_model.values() for one in counts):
        by_kind.setdefault(each["kind"], []).append(each)
    header = ["sound", "clips", "windows", *(f"{title}: wrong windows an hour" for title in by_model), "most often"]
    rows = []
    for kind, (first, *_) in by_kind.items():
        hourly = [f"{3600 * each['wrong'] / each['windows']:.0f}" for each in by_kind[kind]]
        worst = ", ".join(f"{_code(tag)} {windows}" for tag, windows in first["worst"].items())
        rows.append([kind, str(first["clips"]), str(first["windows"]), *hourly, worst])
    return _table(header, rows) if rows else ""


def _rates(figures: Mapping[str, Any] | None) -> list[str]:
    if figures is None:
        return [""] * 4
    shares = (figures[name] for name in ("reachable_recall", "recall", "false_alarms"))
    return [f"{figures['area_under_curve']:.3f}", *(_share(each) for each in shares)]


def _origins(origins: Mapping[str, int]) -> str:
    """Where the recordings are public, and how many are from each place."""
    listed = ", ".join(f"{origin} ({count})" for origin, count in sorted(origins.items(), key=lambda each: -each[1]))
    return textwrap.fill(f"From: {listed}.", 120, break_on_hyphens=False, break_long_words=False)


def _put(text: str, section: str, content: str, page: Path) -> str:
    begin, end = f"<!-- {section}: begin -->", f"<!-- {section}: end -->"
    before, has_begin, rest = text.partition(begin)
    _, has_end, after = rest.partition(end)
    if not has_begin or not has_end:
        raise TrainingError(f"{page} lacks the marks {begin} and {end}")
    return f"{before}{begin}\n\n{content}\n\n{end}{after}"


def write_figures(report_file: Path, recordings_file: Path, model_file: Path, card: Path, record: Path) -> None:
    """Replace what stands between the marks of both pages.

    Args:
        report_file: What `training.judging.judge` found.
        recordings_file: What `training.judging.recordings_report` found. What it found of another model file is left
            out.
        model_file: The bundled model.
        card: The model card.
        record: The page on how the model was judged.

    Raises:
        TrainingError: a page lacks a pair of marks.
    """
    report, recordings = (json.loads(file.read_text()) for file in (report_file, recordings_file))
    if recordings["sha256"] != sha256(model_file):
        recordings["sets"] = {}
    sections = {name: write(report) for name, write in _RECORD_SECTIONS.items()}
    _fill(card, {"card": _card(report, recordings)})
    _fill(record, sections | {"recordings": _recordings(recordings)})


def _fill(page: Path, sections: Mapping[str, str]) -> None:
    text = page.read_text()
    for section, content in sections.items():
        text = _put(text, section, content, page)
    page.write_text(text)
