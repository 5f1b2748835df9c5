"""Tables, the machine they were measured on, and the folder where the last ones are kept."""

from __future__ import annotations

import datetime
import os
import platform
from collections.abc import Sequence
from pathlib import Path

import torch

RESULTS = Path(__file__).parent / "results"


def machine() -> str:
    """Describes what a figure was measured on, in one line."""
    cores = len(os.sched_getaffinity(0))
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    return (
        f"{datetime.date.today()}, {_processor()}, {cores} cores, {gpu}, Python {platform.python_version()}, "
        f"torch {torch.__version__}"
    )


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Returns a Markdown table, its columns aligned for people who read it in a terminal."""
    lines = [list(header), ["-" * len(title) for title in header], *map(list, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    )


def keep(name: str, title: str, text: str) -> None:
    """Prints a result and keeps it as results/NAME.md."""
    RESULTS.mkdir(exist_ok=True)
    page = f"# {title}\n\n{machine()}\n\n{text}\n"
    (RESULTS / f"{name}.md").write_text(page)
    print(page)


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
