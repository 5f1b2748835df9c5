"""Measures the server on a GPU.

1. The real server, front and TorchServe, with each model file, called from several processes: 10 s clips, then hours.
2. The limit of the cores: decoding alone on all of them.
3. Each form of each model file (SENSE_MODEL_FORM) alone: hops per second, loading, and how far probabilities move.
4. The real server with each form.

Each figure is printed as it comes. With --device cpu everything runs without a GPU, to try the command.
"""

from __future__ import annotations

import argparse
import contextlib
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from benchmarks import bodies
from benchmarks.gpu.alone import Alone, Plan
from benchmarks.gpu.served import CLIP_SECONDS, Load, served
from benchmarks.limit import measure_limit
from benchmarks.results import RESULTS, TREE, keep, machine
from benchmarks.together import ProcessEndedError
from deploy.errors import ServingError
from deploy.torchserve.launch import default_num_workers
from handler.model.forms import AUTO, CPU_FORMS, EXPORTED, GPU_FORMS
from handler.settings import MODEL_FORMS

LONG_CALLERS = 16


@dataclass(frozen=True)
class Step:
    """A part of the run.

    Attributes:
        name: Before each of its figures.
        figures: Measures, and yields each figure in words.
    """

    name: str
    figures: Callable[[], Iterable[str]]


def steps(options: argparse.Namespace) -> list[Step]:
    """All parts, those that count most first."""
    is_cpu = options.device == "cpu"
    load = Load(tuple(options.callers), LONG_CALLERS if not is_cpu else 2, 60.0 * options.long_minutes, options.seconds)
    alone = Alone(Plan(options.device, tuple(options.batches), options.seconds / 2, tuple(options.heard)))

    def served_step(model: Path, form: str) -> Step:
        return Step(
            f"{model.name}, {form}, served", partial(served, model, form, options.workers, options.device, load)
        )

    others = [form for form in options.form if form != AUTO]
    return [
        *(served_step(model, AUTO) for model in options.model),
        Step("limit of the cores", lambda: [decoding_alone(options.model[0], options.seconds)]),
        *(
            Step(f"{model.name}, {form}, alone", partial(alone.measure, model, form))
            for model in options.model
            for form in sorted(options.form, key=lambda form: form != EXPORTED)
        ),
        *(served_step(model, form) for model in options.model for form in others),
    ]


def decoding_alone(model_file: Path, seconds: float) -> str:
    """What all cores decode where they do nothing else, in words."""
    limit = measure_limit(model_file, bodies.mp3(CLIP_SECONDS), seconds=seconds / 2)
    return f"decoding alone on {limit.cores} cores: {limit.cores / limit.decoding:,.0f} s of audio per s"


def run(parts: list[Step], minutes: float) -> list[str]:
    """Runs the parts, and prints and returns what they yield; what the time does not reach is named."""
    said: list[str] = []

    def say(text: str) -> None:
        said.append(text)
        print(text, flush=True)

    left = list(parts)
    with time_limit(minutes) as is_over:
        while left:
            print(f"[{len(parts) - len(left) + 1}/{len(parts)}] {left[0].name}", file=sys.stderr)
            try:
                for figure in left[0].figures():
                    say(f"{left[0].name}: {figure}")
            except (ServingError, ProcessEndedError, subprocess.CalledProcessError) as error:
                say(f"{left[0].name}: failed: {error}")
            left.pop(0)
    if is_over():
        say(f"not measured, since {minutes:g} minutes are over: {'; '.join(step.name for step in left)}")
    return said


@contextlib.contextmanager
def time_limit(minutes: float) -> Iterator[Callable[[], bool]]:
    """Ends the `with` block after that time as Ctrl-C would, so that what runs in it is stopped in order.

    Yields:
        What says whether the time was over.
    """
    over, main_thread = threading.Event(), threading.main_thread().ident
    assert main_thread is not None

    def interrupt() -> None:
        over.set()
        # To this thread alone: it blocks the signal while it stops a server.
        signal.pthread_kill(main_thread, signal.SIGINT)

    # A shell's background jobs ignore it.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    timer = threading.Timer(60 * minutes, interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield over.is_set
    except KeyboardInterrupt:
        if not over.is_set():
            raise
    finally:
        timer.cancel()
        signal.signal(signal.SIGINT, before)


def parse_arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gpu", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    model, number = TREE / "model" / "model.pt2", f"(default: {default_num_workers()})"
    parser.add_argument("--minutes", type=float, default=10.0, help="for everything (default: 10)")
    parser.add_argument("--model", type=Path, action="append", help="model file, repeatable (default: the bundled one)")
    parser.add_argument("--form", action="append", choices=MODEL_FORMS, help="repeatable (default: all of the device)")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda", help="(default: cuda)")
    parser.add_argument("--workers", type=int, default=default_num_workers(), help=f"of the server {number}")
    parser.add_argument("--callers", type=int, nargs="+", default=[8, 64], help="with clips, one run each (8 64)")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each run of callers (default: 5)")
    parser.add_argument("--long-minutes", type=float, default=60.0, help="length of the long files (default: 60)")
    parser.add_argument("--batches", type=int, nargs="+", help="hops, for the model alone (32 512; cpu: 32)")
    parser.add_argument("--heard", type=Path, nargs="+", default=[bodies.SAMPLE], help="sounds to compare forms on")
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for a GPU's figures (benchmarks/results)")
    options = parser.parse_args()
    forms = CPU_FORMS if options.device == "cpu" else GPU_FORMS
    options.model = options.model or [model]
    options.batches = options.batches or ([32] if options.device == "cpu" else [32, 512])
    options.form = options.form or [AUTO, EXPORTED, *(form.name for form in forms)]
    return options


def main() -> int:
    """Measures; keeps the figures of a GPU. Returns the exit status."""
    options = parse_arguments()
    if options.device == "cuda" and not torch.cuda.is_available():
        print("gpu: PyTorch finds no CUDA device here (--device cpu tries the command)", file=sys.stderr)
        return 1
    described = machine()
    print(described, flush=True)
    figures = run(steps(options), options.minutes)
    if options.device == "cuda":
        name = torch.cuda.get_device_name().replace(" ", "-")
        keep(f"gpu-{name}", {"machine": described, "figures": figures}, options.results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
