"""The command line: ``python -m training [STEP]``. Without a step it runs all of them in their order."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from evaluation.errors import EvaluationError
from handler.cores import num_cores
from training.errors import TrainingError
from training.settings import (
    CHECKPOINT_FILE,
    MODEL_CARD,
    MODEL_FILE,
    MODEL_RECORD,
    PICTURES_FOLDER,
    RECORDINGS_FILE,
    REPORT_FILE,
    ROOT,
    SAMPLE_FILE,
    SOURCES_FILE,
    UPDATES,
    WORK_FOLDER,
)
from training.sources.debian_packages import install_missing

if TYPE_CHECKING:
    from training.fitting.fit import Run
    from training.mixes.bank import Bank


def _prepare(options: argparse.Namespace) -> None:
    install_missing()


def _synthesise(options: argparse.Namespace) -> None:
    from training.sources.synthesis import synthesise

    synthesise(options.work, options.processes)


def _listen(options: argparse.Namespace) -> None:
    from training.sources.recordings import listen

    if options.recordings is None or options.teacher is None:
        print("no recordings and no teacher were named (--recordings, --teacher): training on synthesis alone")
        return
    listen(options.recordings, options.teacher, options.work)


def _bank(options: argparse.Namespace) -> Bank:
    import torch

    from training.mixes.bank import labelled_tracks, make_bank, recorded_tracks
    from training.mixes.mixing import GROUP_WEIGHTS, RECORDED_SHARE
    from training.stems import read_split

    tracks = labelled_tracks(read_split(options.work, "train")) + recorded_tracks(options.work)
    return make_bank(tracks, GROUP_WEIGHTS, RECORDED_SHARE, torch.device(options.device))


def _pool(options: argparse.Namespace) -> None:
    from training.mixes.coded_pool import make_coded_pool

    make_coded_pool(options.work, _bank(options), options.processes)


def _run(options: argparse.Namespace) -> Run:
    from training.fitting.fit import Run

    return Run(options.updates or -(-UPDATES // options.times), options.times, options.threads)


def _fit(options: argparse.Namespace) -> None:
    import torch

    from training.fitting.checkpoint import State
    from training.fitting.fit import fit
    from training.mixes.coded_pool import CodedPool

    device, checkpoint = torch.device(options.device), options.work / CHECKPOINT_FILE
    state = State.fresh(device)
    if checkpoint.exists():
        state.load(checkpoint)
    bank = _bank(options)
    fit(state, bank, CodedPool(options.work, state.update, device), _run(options), checkpoint)


def _judge(options: argparse.Namespace) -> None:
    import torch

    from training.judging.judge import judge

    torch.set_num_threads(options.threads)
    report = judge(options.work, REPORT_FILE, options.recordings)
    print(f"mean average precision on synthesis: {report['macro_map']}")


def _export(options: argparse.Namespace) -> None:
    from training.fitting.export import export
    from training.sources.recordings import write_sources

    export(options.work, REPORT_FILE, MODEL_FILE)
    write_sources(options.work, SOURCES_FILE)


def _page(options: argparse.Namespace) -> None:
    from training.reporting.page import write_figures

    write_figures(REPORT_FILE, RECORDINGS_FILE, MODEL_FILE, MODEL_CARD, MODEL_RECORD)


def _sample(options: argparse.Namespace) -> None:
    from training.mixes.demo import write_sample

    write_sample(SAMPLE_FILE)


def _plots(options: argparse.Namespace) -> None:
    from training.reporting.plots import make_pictures

    make_pictures(options.work, REPORT_FILE, MODEL_FILE, SAMPLE_FILE, PICTURES_FOLDER)


def _recordings(options: argparse.Namespace) -> None:
    from training.judging.recordings_report import judge_recordings

    if options.recordings is None:
        raise TrainingError("name the recordings that judge: python -m training recordings --recordings PLACE")
    judge_recordings(options.recordings, [MODEL_FILE, *options.beside], RECORDINGS_FILE)


def _ablate(options: argparse.Namespace) -> None:
    from training.fitting.fit import Run
    from training.judging.ablation import UPDATES as USUAL_UPDATES
    from training.judging.ablation import ablate, table

    trained = ablate(options.work, Run(options.updates or USUAL_UPDATES, threads=options.threads))
    for line in table(trained):
        print(line, flush=True)


def _named(file: Path) -> str:
    return str(file.relative_to(ROOT))


_STEPS = {
    "prepare": (_prepare, "install the speech synthesisers and sound fonts (Debian packages)"),
    "synthesise": (_synthesise, "make single sounds with their labels; writes WORK/stems"),
    "listen": (_listen, "make stems of the recordings and ask the teacher what is in them; writes WORK/stems"),
    "pool": (_pool, "mix clips and put them through codecs; writes WORK/pool"),
    "fit": (_fit, f"train the network on recordings and synthesis alike; writes WORK/{CHECKPOINT_FILE}"),
    "judge": (_judge, f"set thresholds and measure; writes {_named(REPORT_FILE)}"),
    "export": (_export, f"write {_named(MODEL_FILE)} and {_named(SOURCES_FILE)}"),
    "page": (_page, f"put the figures into {_named(MODEL_CARD)} and {_named(MODEL_RECORD)}"),
    "sample": (_sample, f"write {_named(SAMPLE_FILE)}"),
    "plots": (_plots, f"draw the pictures in {_named(PICTURES_FOLDER)}"),
}
# They run only by name: they need recordings that the project does not have.
_EXTRA_STEPS = {
    "recordings": (
        _recordings,
        f"judge {_named(MODEL_FILE)} on recordings that training never heard; writes {_named(RECORDINGS_FILE)}",
    ),
    "ablate": (_ablate, "train on without each family of synthetic sounds, and judge by recordings; prints a table"),
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
    add("--recordings", type=Path, metavar="PLACE", help="labelled recordings: a list of JSON lines, or its folder")
    add("--teacher", type=Path, metavar="FILE", help="step listen: a model of AudioSet, imported with --tags labels")
    add(
        "--beside",
        type=Path,
        metavar="FILE",
        action="append",
        default=[],
        help="step recordings: judge this model, too",
    )
    add("--work", type=Path, default=WORK_FOLDER, help="folder for stems and checkpoints (%(default)s)")
    add("--processes", type=int, default=num_cores(), help="steps synthesise and pool: at a time (%(default)s)")
    add("--updates", type=int, metavar="N", help="step fit: end at this update; step ablate: how many each family gets")
    add("--times", type=int, default=1, metavar="N", help="step fit: N batches in an update, 8 on a GPU (1)")
    add("--device", default="cpu", help="steps pool and fit: cpu or cuda (%(default)s)")
    add("--threads", type=int, default=num_cores(), help="steps fit, judge and ablate: threads (%(default)s)")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Run the named step, or all of them in their order."""
    options = _parser().parse_args(arguments)
    names = list(_STEPS) if options.step == "all" else [options.step]
    try:
        for name in names:
            (_STEPS | _EXTRA_STEPS)[name][0](options)
    except (TrainingError, EvaluationError, OSError, subprocess.CalledProcessError) as error:
        print(f"training, step {name}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
