"""Measures the server and writes docs/benchmarks.md.

Nothing else should run on the machine meanwhile.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from benchmarks.page import PAGE, PARTS, page, section
from benchmarks.results import QUICK_RESULTS, RESULTS, TREE, keep, machine


def main() -> int:
    """Runs the parts; returns the exit status."""
    listed = "\n".join(f"  {part.name:<8} {part.title}, {part.minutes:g} minutes" for part in PARTS)
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=f"{__doc__}\nparts:\n{listed}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    names = [part.name for part in PARTS]
    parser.add_argument("parts", nargs="*", metavar="PART", help="what to measure (default: all)")
    parser.add_argument("--model", type=Path, default=TREE / "model" / "model.pt2", help="model file (the bundled one)")
    parser.add_argument("--quick", action="store_true", help="short lengths, few repeats: replaces no kept result")
    parser.add_argument("--page", action="store_true", help="measure nothing: write the page from the kept results")
    options = parser.parse_args()
    unknown = [name for name in options.parts if name not in names]
    if unknown:
        parser.error(f"unknown part {unknown[0]!r}; parts are {', '.join(names)}")
    folder, file = (QUICK_RESULTS, QUICK_RESULTS / "benchmarks.md") if options.quick else (RESULTS, PAGE)
    for part in () if options.page else PARTS:
        if part.name in (options.parts or names):
            print(f"{part.title}: about {part.minutes:g} minutes on two cores", file=sys.stderr)
            described = machine()
            keep(part.name, {"machine": described, **part.module.measure(options.model, quick=options.quick)}, folder)
            print(f"{section(part, folder)}\n", flush=True)
    file.write_text(page(folder))
    print(f"wrote {file}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
