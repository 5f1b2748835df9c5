"""Where results are kept, the machine that they were measured on, and tables."""

from __future__ import annotations

import datetime
import json
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from handler.cores import num_cores

TREE = Path(__file__).resolve().parent.parent
# Bodies, archives and logs. Nothing of it is committed.
BUILD = TREE / "build" / "benchmark"
RESULTS = TREE / "benchmarks" / "results"
QUICK_RESULTS = BUILD / "quick"
MEBIBYTE = 1 << 20


def machine() -> str:
    """Describes the machine, the time and the load that others put on it now, in one line."""
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"
    return (
        f"{datetime.datetime.now(datetime.timezone.utc):%Y-%m-%d %H:%M} UTC, {_processor()}, {num_cores()} cores, "
        f"{gpu}, Python {platform.python_version()}, torch {torch.__version__}, "
        f"load average {os.getloadavg()[0]:.1f} at the start"
    )


def keep(name: str, result: Mapping[str, Any], folder: Path) -> None:
    """Writes FOLDER/NAME.json."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}.json").write_text(json.dumps(result, indent=1) + "\n")


def kept(name: str, folder: Path) -> dict[str, Any] | None:
    """Reads FOLDER/NAME.json, or returns None where it was not measured."""
    file = folder / f"{name}.json"
    result: dict[str, Any] | None = json.loads(file.read_text()) if file.exists() else None
    return result


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Returns a Markdown table whose columns are aligned for people who read it in a terminal."""
    lines = [list(header), ["-" * len(title) for title in header], *map(list, rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in lines
    )


def duration_text(seconds: float) -> str:
    """A length as people say it: 22 ms, 10 s, 1 min, 18.6 h."""
    for unit_seconds, unit in ((3600, "h"), (60, "min"), (1, "s")):
        if seconds >= unit_seconds:
            return f"{seconds / unit_seconds:.3g} {unit}"
    return f"{1000 * seconds:.3g} ms"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
