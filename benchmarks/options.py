"""What every part that runs a server can be told on its command line."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.report import RESULTS

TREE = Path(__file__).resolve().parent.parent
# Bodies, archives and logs; nothing of it is committed.
BUILD = TREE / "build" / "benchmark"
QUICK_RESULTS = BUILD / "quick"


def parser(description: str | None, program: str | None = None) -> argparse.ArgumentParser:
    """Returns a parser with the options that all parts share."""
    made = argparse.ArgumentParser(
        prog=program, description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.add_argument("--model", type=Path, default=TREE / "model" / "model.pt2", help="model file (the bundled one)")
    made.add_argument("--quick", action="store_true", help="short lengths and few repeats: to see that all works")
    made.add_argument("--plain", action="store_true", help="TorchServe alone, even where nginx is installed")
    made.add_argument("--results", type=Path, help=f"folder of the results (benchmarks/results; quick: {_QUICK_NAME})")
    return made


def results_folder(options: argparse.Namespace) -> Path:
    """Where this run's results go: those of a quick run never replace kept ones."""
    given: Path | None = options.results
    return given or (QUICK_RESULTS if options.quick else RESULTS)


_QUICK_NAME = QUICK_RESULTS.relative_to(TREE)
