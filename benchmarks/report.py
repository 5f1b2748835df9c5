"""Tables, the machine they were measured on, and the folder where the last ones are kept."""

from __future__ import annotations

import datetime
import json
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

RESULTS = Path(__file__).parent / "results"
# When the measuring process began: the load that others put on the machine, before it adds its own.
_START = datetime.datetime.now().astimezone(datetime.timezone.utc)
_LOAD_AT_START = os.getloadavg()[0]


def machine() -> str:
    """Describes what a figure was measured on, and when, in one line."""
    cores = len(os.sched_getaffinity(0))
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    return (
        f"{_START:%Y-%m-%d %H:%M} UTC, {_processor()}, {cores} cores, {gpu}, Python {platform.python_version()}, "
        f"torch {torch.__version__}, load average {_LOAD_AT_START:.1f} at the start"
    )


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Returns a Markdown table, its columns aligned for people who read it in a terminal."""
    lines = [list(header), ["-" * len(title) for title in header], *map(list, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    )


def keep(
    name: str, title: str, text: str, *, folder: Path = RESULTS, figures: Mapping[str, float] | None = None
) -> None:
    """Prints a result and keeps it.

    Args:
        name: Of the file, FOLDER/NAME.md.
        title: Its heading.
        text: Markdown.
        folder: Where to.
        figures: What benchmarks/bars.py compares; kept as FOLDER/NAME.json.
    """
    folder.mkdir(parents=True, exist_ok=True)
    page = f"# {title}\n\n{machine()}\n\n{text}\n"
    (folder / f"{name}.md").write_text(page)
    if figures is not None:
        (folder / f"{name}.json").write_text(json.dumps(dict(figures), indent=2) + "\n")
    print(page)


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
