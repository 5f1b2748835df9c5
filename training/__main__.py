"""The command line: ``python -m training [STEP]``. Without a step it runs all of them in their order."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from training.errors import TrainingError
from training.settings import (
    MODEL_CARD,
    MODEL_FILE,
    MODEL_RECORD,
    PICTURES_FOLDER,
    RECORDINGS_FILE,
    REPORT_FILE,
    ROOT,
    SAMPLE_FILE,
    WORK_FOLDER,
)
from training.sources.debian_packages import install_missing


def _prepare(options: argparse.Namespace) -> None:
    install_missing()


def _synthesise(options: argparse.Namespace) -> None:
    from training.sources.synthesis import synthesise

    synthesise(options.work, options.processes)


def _pool(options: argparse.Namespace) -> None:
    from training.mixes.coded_pool import make_coded_pool

    make_coded_pool(options.work)


def _fit(options: argparse.Namespace) -> None:
    from training.fitting.fit import fit

    fit(options.work, options.updates, options.threads)


def _judge(options: argparse.Namespace) -> None:
    import torch

    from training.judging.judge import judge

    torch.set_num_threads(options.threads)
    report = judge(options.work, REPORT_FILE)
    print(f"mean average precision: {report['macro_map']}")


def _export(options: argparse.Namespace) -> None:
    from training.fitting.export import export

    export(options.work, REPORT_FILE, MODEL_FILE)


def _page(options: argparse.Namespace) -> None:
    from training.judging.page import write_figures

    write_figures(REPORT_FILE, RECORDINGS_FILE, MODEL_CARD, MODEL_RECORD)


def _sample(options: argparse.Namespace) -> None:
    from training.mixes.demo import write_sample

    write_sample(SAMPLE_FILE)


def _plots(options: argparse.Namespace) -> None:
    from training.judging.plots import make_pictures

    make_pictures(options.work, REPORT_FILE, MODEL_FILE, SAMPLE_FILE, PICTURES_FOLDER)


def _recordings(options: argparse.Namespace) -> None:
    from training.judging.recordings_report import judge_recordings

    if options.path is None:
        raise TrainingError("name the folder of recordings: python -m training recordings FOLDER")
    judge_recordings(options.path, MODEL_FILE, RECORDINGS_FILE, options.telephone)


def _grow(options: argparse.Namespace) -> None:
    from training.fitting.deeper_network import grow

    if options.path is None:
        raise TrainingError("name the shallower network's checkpoint: python -m training grow FILE")
    grow(options.path, options.work / "checkpoint.pt")


def _named(file: Path) -> str:
    return str(file.relative_to(ROOT))


_STEPS = {
    "prepare": (_prepare, "install the speech synthesisers and sound fonts (Debian packages)"),
    "synthesise": (_synthesise, "make single sounds with their labels; writes WORK/stems"),
    "pool": (_pool, "mix clips and put them through codecs; writes WORK/pool"),
    "fit": (_fit, "train the network; writes WORK/checkpoint.pt"),
    "judge": (
        _judge,
        f"set thresholds and measure; writes WORK/judged.pt and {_named(REPORT_FILE)}",
    ),
    "export": (_export, f"write {_named(MODEL_FILE)}"),
    "page": (_page, f"put the figures into {_named(MODEL_CARD)} and {_named(MODEL_RECORD)}"),
    "sample": (_sample, f"write {_named(SAMPLE_FILE)}"),
    "plots": (_plots, f"draw the pictures in {_named(PICTURES_FOLDER)}"),
}
# These run only by name: they need a file or folder that the project does not have.
_EXTRA_STEPS = {
    "grow": (_grow, "before fit: start from the weights of a shallower network, the checkpoint FILE"),
    "recordings": (
        _recordings,
        f"judge {_named(MODEL_FILE)} on the recordings in FOLDER; writes {_named(RECORDINGS_FILE)}",
    ),
}


def _listed(steps: Mapping[str, tuple[object, str]]) -> str:
    return "\n".join(f"  {name:12} {text}" for name, (_, text) in steps.items())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training",
        description="Train the bundled model again, from nothing. Steps that were interrupted continue; "
        "docs/training.md explains them.\n\n"
        f"steps, in their order:\n{_listed(_STEPS)}\n\nonly by name:\n{_listed(_EXTRA_STEPS)}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    choices = [*_STEPS, *_EXTRA_STEPS, "all"]
    add = parser.add_argument
    add("step", nargs="?", choices=choices, default="all", metavar="STEP", help="one step, or all (%(default)s)")
    add("path", nargs="?", type=Path, metavar="PATH", help="FILE of the step grow, or FOLDER of the step recordings")
    add("--telephone", action="store_true", help="step recordings: judge them over a telephone line, too")
    add("--work", type=Path, default=WORK_FOLDER, help="folder for stems and checkpoints (%(default)s)")
    add("--processes", type=int, default=2, help="step synthesise: processes (%(default)s)")
    add("--updates", type=int, default=34_000, help="step fit: the update at which training ends (%(default)s)")
    add("--threads", type=int, default=1, help="steps fit and judge: threads (%(default)s)")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the named step, or all of them in their order."""
    options = _parser().parse_args(arguments)
    names = list(_STEPS) if options.step == "all" else [options.step]
    try:
        for name in names:
            (_STEPS | _EXTRA_STEPS)[name][0](options)
    except (TrainingError, OSError, subprocess.CalledProcessError) as error:
        print(f"training, step {name}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
