"""What was found, held against the bars, and kept."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.archive import TREE

FOLDER = TREE / "tests" / "soak" / "results"


@dataclass(frozen=True)
class Check:
    """A bar, and whether it was reached.

    Attributes:
        bar: What is asked for.
        found: What was measured.
        passed: Whether that is enough.
    """

    bar: str
    found: str
    passed: bool


def summary(checks: Sequence[Check]) -> str:
    """A line for each check."""
    return "\n".join(f"{'pass' if check.passed else 'FAIL'}  {check.bar}: {check.found}" for check in checks)


def keep(name: str, result: Mapping[str, Any], folder: Path = FOLDER) -> None:
    """Writes FOLDER/NAME.json."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(result, separators=(",", ":"))
    (folder / f"{name}.json").write_text(re.sub(r'([\]}],)(["{])', r"\1\n\2", text) + "\n")


def kept(name: str, folder: Path = FOLDER) -> dict[str, Any] | None:
    """Reads it, or returns None where there is none."""
    file = folder / f"{name}.json"
    result: dict[str, Any] | None = json.loads(file.read_text()) if file.exists() else None
    return result
