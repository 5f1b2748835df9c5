"""A handler as they are usually written, served by TorchServe, beside ours: many clips at once, and one hour.

All get the same files and the same model. The usual handler (benchmarks/usual_handler.py) has one worker for each
core, which is TorchServe's default, and takes one request at a time in each. It runs twice: with torch's own number of
threads (every worker uses every core), and with one thread in each worker, as careful people set it.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tqdm import tqdm

from benchmarks import bodies
from benchmarks.calls import Callers, closed_loop
from benchmarks.limit import num_cores
from benchmarks.load import CLIP_SECONDS, NUM_CLIPS
from benchmarks.memory import MEBIBYTE, watched
from benchmarks.options import BUILD, parser, results_folder
from benchmarks.plots import duration_text
from benchmarks.report import keep, table
from benchmarks.server import ENVIRONMENT, LOGS, Served, processes_of, serving
from deploy.readiness import wait_until_ready
from deploy.torchserve.alone import started
from deploy.torchserve.launch import Options

NAME = "usual"
HANDLER = Path(__file__).with_name("usual_handler.py")
USUAL: dict[str, dict[str, str]] = {
    "usual handler, torch's own threads": {},
    "usual handler, one thread in each worker": {"OMP_NUM_THREADS": "1"},
}
NUM_CALLERS = 8


@dataclass
class Measured:
    """What one server did.

    Attributes:
        served: The server.
        rates: 10 s clips answered per second, to 8 callers, round by round.
        num_failed: Those that were not answered.
        long_seconds: Time for the long file, round by round.
        peak_bytes: All processes, with the long file.
    """

    served: Served
    rates: list[float] = field(default_factory=list)
    num_failed: int = 0
    long_seconds: list[float] = field(default_factory=list)
    peak_bytes: int = 0

    @property
    def rate(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.rates)

    @property
    def seconds(self) -> float:
        """Likewise, of the long file."""
        return statistics.median(self.long_seconds)


def pack(model_file: Path) -> Path:
    """Writes the usual handler's archive; returns its folder."""
    store = BUILD / "usual-store"
    store.mkdir(parents=True, exist_ok=True)
    config = store / "model-config.yaml"
    config.write_text(f"minWorkers: {num_cores()}\nmaxWorkers: {num_cores()}\nbatchSize: 1\nresponseTimeout: 3600\n")
    archiver = Path(sys.executable).with_name("torch-model-archiver")
    command: list[str | Path] = [archiver, "--model-name", NAME, "--version", "1.0", "--handler", HANDLER, "--force"]
    command += ["--serialized-file", model_file, "--config-file", config, "--export-path", store]
    subprocess.run(command, check=True, capture_output=True)
    return store


@contextlib.contextmanager
def serving_usual(model_file: Path, description: str, extra: Mapping[str, str]) -> Iterator[Served]:
    """Serves the usual handler, with these environment variables, for the length of the `with` block."""
    folder = LOGS / f"{NAME}-{len(extra)}"
    environment = {**os.environ, **ENVIRONMENT, **extra}
    options = Options(pack(model_file), f"{NAME}={NAME}.mar", environment)
    with started(options, folder) as server:
        wait_until_ready(server, all_workers=True)
        yield Served(server.url, lambda: processes_of(server), description)


def measure(measured: Measured, clips: Sequence[bytes], long_file: Path, seconds: float) -> None:
    """A round: clips from 8 callers for that long, then the long file."""
    callers = Callers(measured.served.url)
    clips_run = closed_loop(callers, clips, NUM_CALLERS, seconds)
    measured.rates.append(clips_run.rate)
    measured.num_failed += clips_run.num_failed
    with watched(measured.served.processes()) as timeline:
        measured.long_seconds.append(callers.timed(long_file))
    measured.peak_bytes = max(measured.peak_bytes, timeline.peak_bytes)


def rows(measured: Sequence[Measured]) -> list[list[str]]:
    """The table's lines; ours comes first."""
    ours = measured[0]
    return [
        [
            each.served.description,
            f"{each.rate:.1f} /s",
            f"{ours.rate / each.rate:.1f}",
            f"{each.seconds:.1f} s",
            f"{each.seconds / ours.seconds:.1f}",
            f"{each.peak_bytes / MEBIBYTE:.0f} MiB",
            str(each.num_failed),
        ]
        for each in measured
    ]


def measure_all(
    options: argparse.Namespace, long_seconds: float, run_seconds: float, num_rounds: int
) -> list[Measured]:
    """Starts all servers and asks them in turns; ours comes first, then those of USUAL."""
    clips = [bodies.mp3(CLIP_SECONDS, seed=seed).read_bytes() for seed in range(NUM_CLIPS)]
    with contextlib.ExitStack() as stack:
        measured = [Measured(stack.enter_context(serving(options.model, plain=options.plain)))]
        for description, extra in USUAL.items():
            measured.append(Measured(stack.enter_context(serving_usual(options.model, description, extra))))
        for each in measured:
            closed_loop(Callers(each.served.url), clips, NUM_CALLERS, 1.0)  # every worker's first clips
        for _ in tqdm(range(num_rounds), unit="round"):
            for each in measured:
                measure(each, clips, bodies.mp3(long_seconds), run_seconds)
        return measured


def run(options: argparse.Namespace) -> None:
    """Measures, prints and keeps the table."""
    long_seconds, run_seconds, num_rounds = (120.0, 2.0, 1) if options.quick else (3600.0, 6.0, 2)
    measured = measure_all(options, long_seconds, run_seconds, num_rounds)
    clips_name, long_name = f"10 s MP3, {NUM_CALLERS} callers", f"{duration_text(long_seconds)} of MP3"
    header = [
        "server",
        clips_name,
        "ours is faster by",
        long_name,
        "ours is faster by",
        "peak of all processes",
        "errors",
    ]
    note = (
        f"All servers ran all the time and were asked in turns, medians of {num_rounds} rounds. The usual handler has "
        f"{num_cores()} workers and no front. Memory: resident in all processes, libraries counted for each."
    )
    rivals = list(zip(USUAL, measured[1:], strict=True))
    figures = {
        **{f"clips_ratio, {name}": measured[0].rate / each.rate for name, each in rivals},
        **{f"hour_ratio, {name}": each.seconds / measured[0].seconds for name, each in rivals},
    }
    text = f"{table(header, rows(measured))}\n\n{note}"
    keep("served_rivals", "A usual handler under load", text, folder=results_folder(options), figures=figures)


def main() -> None:
    """Reads the command line."""
    run(parser(__doc__).parse_args())


if __name__ == "__main__":
    main()
