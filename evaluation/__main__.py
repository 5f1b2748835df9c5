"""The command: `python -m evaluation MODEL.pt2 RECORDINGS [--split judge]`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from evaluation.errors import EvaluationError
from evaluation.judging import judged, moved_means, table
from evaluation.recordings import read_recordings
from evaluation.scoring import clip_probabilities, read_model


def parser() -> argparse.ArgumentParser:
    """The command's options."""
    command = argparse.ArgumentParser("python -m evaluation", description="Judge a model file on labelled recordings.")
    command.add_argument("model", type=Path, help="the model file (.pt2)")
    command.add_argument("recordings", type=Path, help="a list of JSON lines, or a folder of folders named after tags")
    command.add_argument("--split", default="", help="only this part of the list")
    command.add_argument(
        "--least-clips", type=int, default=5, metavar="N", help="leave out tags that fewer clips have (default: 5)"
    )
    return command


def run(options: argparse.Namespace) -> None:
    """Prints the figures of every tag, and the means at each sensitivity.

    Raises:
        EvaluationError: The model or the recordings cannot be read, or no tag can be judged.
    """
    recordings, model = read_recordings(options.recordings, options.split), read_model(options.model)
    info, probabilities = model.info, clip_probabilities(model, recordings)
    figures = judged(recordings, probabilities, info.tags, info.thresholds, least_clips=options.least_clips)
    if not figures:
        raise EvaluationError(f"no tag of {info.name} can be judged: fewer than {options.least_clips} clips have one")
    print(f"{info.name} {info.version}, {len(recordings)} clips", *table(figures), sep="\n")
    arguments = (recordings, probabilities, info.tags, info.thresholds)
    print(*moved_means(*arguments, least_clips=options.least_clips), sep="\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command; returns its exit status."""
    try:
        run(parser().parse_args(arguments))
    except EvaluationError as failure:
        print(f"evaluation: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
