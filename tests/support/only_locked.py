"""Runs a module with only the packages of requirements.lock: python -m tests.support.only_locked MODULE [ARGUMENT ...]

Whatever else the environment holds cannot be imported, as if `make setup` alone had filled it.
"""

from __future__ import annotations

import re
import runpy
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec, PathFinder
from importlib.metadata import packages_distributions
from pathlib import Path
from types import ModuleType

TREE = Path(__file__).parents[2]
_NAME = re.compile(r"^([A-Za-z0-9][\w.-]*)==", re.MULTILINE)


class LockedFinder:
    """Finds modules along sys.path but those of hidden packages, in the place of the interpreter's PathFinder."""

    def __init__(self, hidden: frozenset[str]) -> None:
        self._hidden = hidden

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """As importlib.abc.MetaPathFinder says."""
        return None if name.partition(".")[0] in self._hidden else PathFinder.find_spec(name, path, target)


def unlocked_modules() -> frozenset[str]:
    """Top-level modules of installed packages that requirements.lock does not name."""
    locked = {_plain(name) for name in _NAME.findall((TREE / "requirements.lock").read_text())}
    return frozenset(
        module for module, names in packages_distributions().items() if not {_plain(name) for name in names} & locked
    )


def _plain(name: str) -> str:
    """PEP 503's normalised name."""
    return re.sub(r"[-_.]+", "-", name).lower()


if __name__ == "__main__":
    sys.meta_path[sys.meta_path.index(PathFinder)] = LockedFinder(unlocked_modules())
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
