"""Runs the fast tests on other supported Pythons than .venv's. `make test-pythons` runs this.

uv finds each Python on the machine or downloads it, and makes an environment of requirements-dev.lock for it in
build/pythons.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from pathlib import Path

TREE = Path(__file__).resolve().parent.parent
PYTHONS = TREE / "build" / "pythons"
PYENV = Path.home() / ".pyenv" / "versions"
UV = Path(sys.executable).with_name("uv")
OWN = f"{sys.version_info[0]}.{sys.version_info[1]}"
# The oldest and the newest that the lock files hold.
ENDS = ("3.10", "3.13")
ABSENT = "not to be had"


def main() -> int:
    """Runs the tests; returns the exit status: 0 only if they passed on a Python other than .venv's."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "versions", nargs="*", default=ENDS, help="such as 3.12 (default: 3.10 and 3.13, without .venv's own)"
    )
    others = [version for version in parser.parse_args().versions if version != OWN]
    results = {version: tried(version) for version in others}
    for version, result in results.items():
        print(f"Python {version}: {result}")
    if set(results.values()) <= {ABSENT}:
        print(f"test-pythons: only Python {OWN} can be had here, so nothing was tried", file=sys.stderr)
    # An absent one is no failure as long as another one was tried.
    return 0 if {"passed"} <= set(results.values()) <= {"passed", ABSENT} else 1


def tried(version: str) -> str:
    """Runs the fast tests on one Python; returns what came of it."""
    environment = PYTHONS / version
    python = environment / "bin" / "python"
    if not python.exists() and not run(UV, "venv", "--python", version, environment):
        return ABSENT
    lock = TREE / "requirements-dev.lock"
    if not run(UV, "pip", "install", "--quiet", "--python", python, "--require-hashes", "--requirement", lock):
        return "its packages cannot be installed"
    return "passed" if run(python, "-m", "pytest", "tests/unit", "-m", "not slow") else "failed"


def run(*command: str | Path) -> bool:
    """Runs a command in the tree; says whether it succeeded."""
    # pyenv's shims on the PATH start only what `pyenv global` names.
    folders = [*map(str, PYENV.glob("3.*/bin")), os.environ.get("PATH", "")]
    environment = {**os.environ, "PATH": os.pathsep.join(folders)}
    return subprocess.run(command, cwd=TREE, env=environment, check=False).returncode == 0


if __name__ == "__main__":
    sys.exit(main())
