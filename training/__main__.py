"""The command line: ``python -m training [STEP]``; without a step it runs them all, each where it stopped."""

from __future__ import annotations

import argparse
import subprocess
import sys
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


_STEPS = {
    "prepare": (_prepare, "install the synthesisers, sound fonts and voices (Debian packages)"),
    "synthesise": (_synthesise, "synthesise the stems of every source"),
    "pool": (_pool, "mix clips and send them through codecs"),
    "fit": (_fit, "train the network"),
    "judge": (_judge, f"measure it and write {REPORT_FILE.relative_to(ROOT)}"),
    "export": (_export, f"write {MODEL_FILE.relative_to(ROOT)}"),
    "page": (_page, f"put the figures into {MODEL_CARD.relative_to(ROOT)} and {MODEL_RECORD.relative_to(ROOT)}"),
    "sample": (_sample, f"write {SAMPLE_FILE.relative_to(ROOT)}"),
    "plots": (_plots, f"draw the page's pictures into {PICTURES_FOLDER.relative_to(ROOT)}"),
}
# Steps that are only taken when asked for: they need something that the project does not have.
_EXTRA_STEPS = {
    "grow": (_grow, "begin with the weights of a shallower network, in FILE, instead of with nothing"),
    "recordings": (_recordings, f"judge {MODEL_FILE.relative_to(ROOT)} on recordings in FOLDER"),
}


def _parser() -> argparse.ArgumentParser:
    steps = "\n".join(f"  {name:12} {text}" for name, (_, text) in _STEPS.items())
    extras = "\n".join(f"  {name:12} {text}" for name, (_, text) in _EXTRA_STEPS.items())
    parser = argparse.ArgumentParser(
        prog="python -m training",
        description="Make the bundled model again, from nothing.\n\n"
        f"steps, in their order:\n{steps}\n\nonly by name:\n{extras}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    choices = [*_STEPS, *_EXTRA_STEPS, "all"]
    parser.add_argument("step", nargs="?", choices=choices, default="all", metavar="STEP", help="one step, or all")
    parser.add_argument(
        "path", nargs="?", type=Path, metavar="PATH", help="FOLDER of recordings in sub-folders, or FILE to grow from"
    )
    parser.add_argument("--telephone", action="store_true", help="judge them over a telephone line too (recordings)")
    parser.add_argument("--work", type=Path, default=WORK_FOLDER, help="folder for stems and checkpoints (%(default)s)")
    parser.add_argument("--processes", type=int, default=2, help="processes that synthesise (%(default)s)")
    parser.add_argument(
        "--updates", type=int, default=34_000, help="when training ends, all stages together (%(default)s)"
    )
    parser.add_argument("--threads", type=int, default=1, help="threads that train and judge (%(default)s)")
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
