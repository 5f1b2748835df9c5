"""docs/record/soak.md and its picture, from the results that are kept."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("agg")

from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from benchmarks.results import table
from deploy.archive import TREE
from tests.soak.kills import BATCH_SIZE, NUM_CALLERS, by_kind
from tests.soak.load import NUM_CALLERS as NUM_SOAK_CALLERS
from tests.soak.load import OVERLOAD_CALLERS, total_of
from tests.soak.results import kept

PAGE = TREE / "docs" / "record" / "soak.md"
PICTURE = TREE / "docs" / "pictures" / "soak.png"
COLOURS = ("#1b4965", "#c8553d", "#9fb8c8", "#588157", "#b08968", "#6d597a", "#333333", "#999999")
INTRODUCTION = """\
# Load and kills

What the real server, nginx and TorchServe with the bundled model, does under load for a long time, and when its
processes are killed. `make soak MINUTES=30` and `make soak KILLS=200` measure, and write this page. The callers run on
the machine that serves and share its cores. [tests/soak/](../../tests/soak) is the code; `tests/e2e/test_load.py` and
`tests/e2e/test_front_faults.py` are short versions.

Each section says when it was measured and on what. Where the load average is above the number of cores, other work took
the cores meanwhile: then the times are those of a server that gets a part of them.
"""
SOAK_TEXT = """\
{callers} callers send good clips in {formats} (most), bad requests, clips in pieces with pauses, a byte now and then,
minutes of MP3 and bodies over the limit; some hang up in the middle of their upload or before their answer. Each good
answer is compared with the one that the quiet server gave: equal but for the last digit of probabilities
([tuning](../tuning.md#settings)). Bad requests must get the status and the words that they get alone. Then {overload}
callers ask at once for a moment, three times what the server takes."""
KILLS_TEXT = """\
{callers} callers ask for clips all the time, while processes are killed with -9 in random order, the next one when all
workers are ready again. A killed Python worker or nginx worker is replaced by what started it. A killed part without a
substitute (Java, its launcher, the nginx master, the entry point) ends the whole container on purpose
([deploy/stack.py](../../deploy/stack.py)). SageMaker then starts another one, and so does this command. These kills are
measured apart, since most of their time is the start of a container.

"Served" is the time until a request is answered that was sent after the kill, "full" until all workers are ready.
"Lost" are requests without their answer: sent before the kill / sent after it. TorchServe hands up to {batch} requests
to a worker at once, and nginx's one worker holds every connection."""

STARVED = (
    "Other work took most of the cores meanwhile. Measure again on a machine that does nothing else before you draw "
    "conclusions from a missed bar."
)


def write_page() -> None:
    """Writes the page, and the picture where there is something to draw."""
    soak, kills = kept("soak"), kept("kills")
    if soak is not None:
        draw(soak, PICTURE)
    sections = [INTRODUCTION.rstrip(), *_soak_section(soak), *_kills_section(kills)]
    PAGE.write_text("\n\n".join(sections) + "\n")


def _soak_section(result: Mapping[str, Any] | None) -> list[str]:
    if result is None:
        return []
    slopes = [
        [each["kind"], f"{each['points'][-1][2]:.0f}", f"{each['slope']:.2f}"]
        for each in result["memory"]
        if each["slope"] is not None
    ]
    endings = [
        [kind, *(str(count.get(name, 0)) for name in ("right", "given up", "shed", "wrong"))]
        for kind, count in result["requests"].items()
    ]
    return [
        f"## {result['minutes']:g} minutes of mixed traffic",
        SOAK_TEXT.format(callers=NUM_SOAK_CALLERS, formats="30 encodings", overload=OVERLOAD_CALLERS),
        _measured(result, f"Profile `{result['profile']}`; {total_of(result['requests'])} requests."),
        _checks(result),
        "![Memory of each process and time to an answer over the minutes after the warm-up](../pictures/soak.png)",
        table(["process", "MB at the end", "MB per 1,000 requests"], slopes),
        table(["requests", "right", "given up by the caller", "429", "wrong"], endings),
    ]


def _kills_section(result: Mapping[str, Any] | None) -> list[str]:
    if result is None:
        return []
    header = ["process", "kills", "served after s: median (most)", "full after s", "lost"]
    return [
        f"## {len(result['kills'])} kills",
        KILLS_TEXT.format(callers=NUM_CALLERS, batch=BATCH_SIZE),
        _measured(result, f"{result['requests']} requests."),
        _checks(result),
        table(header, by_kind(result)),
    ]


def _measured(result: Mapping[str, Any], words: str) -> str:
    """When and on what it was measured, and whether the cores did other work, too."""
    found = re.search(r"(\d+) cores.*load average ([\d.]+)", result["machine"])
    note = STARVED if found and float(found[2]) > int(found[1]) else ""
    return textwrap.fill(f"Measured: {result['machine']}. {words} {note}", 119)


def _checks(result: Mapping[str, Any]) -> str:
    rows = [["yes" if each["passed"] else "no", each["bar"], each["found"]] for each in result["checks"]]
    return table(["passed", "bar", "measured"], rows)


def draw(result: Mapping[str, Any], path: Path) -> None:
    """Draws each process's memory, and p50 and p99 of good clips, over the minutes."""
    figure, (upper, lower) = plt.subplots(2, 1, figsize=(8.5, 6.0), sharex=True, layout="constrained")
    for colour, process in zip(COLOURS, result["memory"], strict=False):
        points = process["points"]
        label = f"{process['kind']} {process['pid']}"
        upper.plot([each[0] / 60 for each in points], [each[2] for each in points], color=colour, label=label)
    upper.set_ylabel("anonymous memory (MB)")
    _latencies(lower, result["by_minute"])
    for axes in (upper, lower):
        axes.set_ylim(bottom=0)
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5))
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=100)
    plt.close(figure)


def _latencies(axes: Axes, minutes: Sequence[Sequence[float]]) -> None:
    middles = [row[0] + 0.5 for row in minutes]
    axes.plot(middles, [row[2] for row in minutes], color=COLOURS[0], marker=".", label="p50")
    axes.plot(middles, [row[3] for row in minutes], color=COLOURS[1], marker=".", label="p99")
    axes.set_ylabel("time to a clip's answer (s)")
    axes.set_xlabel("minutes of mixed traffic")
