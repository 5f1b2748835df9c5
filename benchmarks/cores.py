"""How speed grows with cores: the whole server, its callers too, on 1, 2, 4, ... cores of this machine."""

from __future__ import annotations

import argparse
import contextlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tqdm import tqdm

from benchmarks import bodies
from benchmarks.calls import Callers, closed_loop
from benchmarks.limit import num_cores
from benchmarks.load import CLIP_SECONDS, NUM_CLIPS
from benchmarks.options import parser, results_folder
from benchmarks.plots import duration_text
from benchmarks.report import keep, table
from benchmarks.server import serving

NUM_CALLERS = 8


@dataclass(frozen=True)
class Measured:
    """Seconds of audio per second on so many cores.

    Attributes:
        cores: How many.
        clips: With 10 s clips from 8 callers.
        long_file: With one long file.
    """

    cores: int
    clips: float
    long_file: float


@contextlib.contextmanager
def only_cores(count: int) -> Iterator[None]:
    """Keeps this process, and what it starts in the `with` block, on the first `count` of its cores."""
    mine = os.sched_getaffinity(0)
    os.sched_setaffinity(0, sorted(mine)[:count])
    try:
        yield
    finally:
        os.sched_setaffinity(0, mine)


def counts(most: int) -> list[int]:
    """1, 2, 4, ... and `most`."""
    return [*(1 << power for power in range(most.bit_length()) if 1 << power < most), most]


def measure(options: argparse.Namespace, cores: int) -> Measured:
    """Starts the server on so many cores and asks it."""
    long_seconds, run_seconds = (120.0, 2.0) if options.quick else (3600.0, 8.0)
    clips = [bodies.mp3(CLIP_SECONDS, seed=seed).read_bytes() for seed in range(NUM_CLIPS)]
    long_file = bodies.mp3(long_seconds)
    with only_cores(cores), serving(options.model, plain=options.plain) as served:
        callers = Callers(served.url)
        closed_loop(callers, clips, NUM_CALLERS, 1.0)
        rate = closed_loop(callers, clips, NUM_CALLERS, run_seconds).rate
        return Measured(cores, CLIP_SECONDS * rate, long_seconds / callers.timed(long_file))


def rows(measured: Sequence[Measured]) -> list[list[str]]:
    """The table's lines; how many times as fast as on one core stands beside each speed."""
    one = measured[0]
    return [
        [
            str(each.cores),
            f"{each.clips:.0f}",
            f"{each.clips / one.clips:.2f}",
            f"{each.long_file:.0f}",
            f"{each.long_file / one.long_file:.2f}",
        ]
        for each in measured
    ]


def run(options: argparse.Namespace) -> None:
    """Measures, prints and keeps the table."""
    measured = [measure(options, cores) for cores in tqdm(counts(num_cores()), unit="server")]
    long_name = duration_text(120.0 if options.quick else 3600.0)
    header = ["cores", f"10 s MP3, {NUM_CALLERS} callers: s of audio per s", "times one core"]
    header += [f"{long_name} of MP3: s of audio per s", "times one core"]
    note = "Every line is a server of its own, which with its callers was kept on that many cores (sched_setaffinity)."
    figures = {"clips_scaling": measured[-1].clips / measured[0].clips, "cores": measured[-1].cores}
    text = f"{table(header, rows(measured))}\n\n{note}"
    keep("cores", "Speed over cores", text, folder=results_folder(options), figures=figures)


def main() -> None:
    """Reads the command line."""
    run(parser(__doc__).parse_args())


if __name__ == "__main__":
    main()
