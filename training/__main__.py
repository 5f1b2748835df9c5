"""The command line: ``python -m training [STEP]``; without a step it runs them all, each where it stopped."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from training.errors import TrainingError
from training.packages import install_missing
from training.settings import MODEL_FILE, MODEL_PAGE, REPORT_FILE, ROOT, SAMPLE_FILE, WORK_FOLDER


def _prepare(options: argparse.Namespace) -> None:
    install_missing()


def _synthesise(options: argparse.Namespace) -> None:
    from training.synthesis import synthesise

    synthesise(options.work, options.processes)


def _pool(options: argparse.Namespace) -> None:
    from training.pool import make_pool

    make_pool(options.work)


def _fit(options: argparse.Namespace) -> None:
    from training.fit import fit

    fit(options.work, options.updates, options.threads)


def _judge(options: argparse.Namespace) -> None:
    from training.judge import judge

    report = judge(options.work, REPORT_FILE)
    print(f"mean average precision: {report['macro_map']}")


def _export(options: argparse.Namespace) -> None:
    from training.export import export

    export(options.work, REPORT_FILE, MODEL_FILE)


def _page(options: argparse.Namespace) -> None:
    from training.page import write_figures

    write_figures(REPORT_FILE, MODEL_PAGE)


def _sample(options: argparse.Namespace) -> None:
    from training.sample import write_sample

    write_sample(SAMPLE_FILE)


_STEPS = {
    "prepare": (_prepare, "install the synthesisers, sound fonts and voices (Debian packages)"),
    "synthesise": (_synthesise, "synthesise the stems of every source"),
    "pool": (_pool, "mix clips and send them through codecs"),
    "fit": (_fit, "train the network"),
    "judge": (_judge, f"measure it and write {REPORT_FILE.relative_to(ROOT)}"),
    "export": (_export, f"write {MODEL_FILE.relative_to(ROOT)}"),
    "page": (_page, f"put the figures into {MODEL_PAGE.relative_to(ROOT)}"),
    "sample": (_sample, f"write {SAMPLE_FILE.relative_to(ROOT)}"),
}


def _parser() -> argparse.ArgumentParser:
    steps = "\n".join(f"  {name:12} {text}" for name, (_, text) in _STEPS.items())
    parser = argparse.ArgumentParser(
        prog="python -m training",
        description=f"Make the bundled model again, from nothing.\n\nsteps, in their order:\n{steps}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    choices = [*_STEPS, "all"]
    parser.add_argument("step", nargs="?", choices=choices, default="all", metavar="STEP", help="one step, or all")
    parser.add_argument("--work", type=Path, default=WORK_FOLDER, help="folder for stems and checkpoints (%(default)s)")
    parser.add_argument("--processes", type=int, default=2, help="processes that synthesise (%(default)s)")
    parser.add_argument("--updates", type=int, default=8_400, help="how long to train (%(default)s)")
    parser.add_argument("--threads", type=int, default=1, help="threads that train (%(default)s)")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the named step, or all of them in their order."""
    options = _parser().parse_args(arguments)
    names = list(_STEPS) if options.step == "all" else [options.step]
    try:
        for name in names:
            _STEPS[name][0](options)
    except (TrainingError, OSError, subprocess.CalledProcessError) as error:
        print(f"training, step {name}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
