"""Runs all benchmarks, one after the other, and writes docs/benchmarks.md from their results.

Nothing else should run on the machine meanwhile; each result says what load there was when it began. With --quick
nothing that is kept is replaced: it shows that all works.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from dataclasses import dataclass

from tqdm import tqdm

from benchmarks import page
from benchmarks.bars import bars_table, read_figures
from benchmarks.options import TREE, parser, results_folder


@dataclass(frozen=True)
class Part:
    """One benchmark.

    Attributes:
        name: Its module, and its result's name.
        minutes: About how long it takes on two cores.
        takes_options: Whether it knows --model, --quick, --plain and --results; others run in their own way, and not
            at all with --quick.
    """

    name: str
    minutes: float
    takes_options: bool = True


PARTS = (
    Part("load", 6.0),
    Part("lengths", 2.0),
    Part("served_rivals", 2.0),
    Part("rivals", 3.0),
    Part("cores", 1.0),
    Part("formats", 1.0),
    Part("decoding", 1.0, takes_options=False),
    Part("model_forms", 1.0, takes_options=False),
    Part("policies", 7.0, takes_options=False),
    Part("hop_sharing", 1.0, takes_options=False),
)


def chosen(options: argparse.Namespace) -> list[Part]:
    """The parts that are to run, in the order of PARTS."""
    asked = [part for part in PARTS if part.name in (options.only or [part.name])]
    return [part for part in asked if part.takes_options or not options.quick]


def command(part: Part, options: argparse.Namespace) -> list[str]:
    """What runs a part."""
    base = [sys.executable, "-m", f"benchmarks.{part.name}"]
    if not part.takes_options:
        return base
    flags = [flag for flag, given in (("--quick", options.quick), ("--plain", options.plain)) if given]
    return [*base, "--model", str(options.model), "--results", str(results_folder(options)), *flags]


def main() -> int:
    """Runs the parts; returns the exit status: 1 where one failed."""
    listed = "\n".join(f"  {part.name:<14} {part.minutes:g} min" for part in PARTS)
    text = f"{__doc__}\nEach part runs by itself, too (python -m benchmarks.load --help):\n{listed}"
    described = parser(text, "python -m benchmarks")
    described.add_argument(
        "--only", nargs="+", metavar="PART", choices=[part.name for part in PARTS], help="these alone"
    )
    options = described.parse_args()
    failed = []
    for part in tqdm(chosen(options), desc="benchmarks", unit="part"):
        print(f"\n{part.name}: about {part.minutes:g} minutes on two cores", flush=True)
        if subprocess.run(command(part, options), cwd=TREE, check=False).returncode != 0:
            failed.append(part.name)
    if not options.quick:  # short files say nothing about what was asked for
        print(f"{bars_table(read_figures(results_folder(options)))}\n")
    print(f"wrote {page.write(results_folder(options), quick=options.quick)}")
    if failed:
        print(f"benchmarks: failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
