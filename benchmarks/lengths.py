"""One file at a time, from 10 s to 1 GiB of MP3: time, speed, and the memory of every process of the server.

The cost of an hour should not depend on the length, and the memory neither.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from benchmarks import bodies, plots
from benchmarks.calls import Callers
from benchmarks.limit import Limit, measure_limit
from benchmarks.memory import MEBIBYTE, Timeline, watched
from benchmarks.options import parser, results_folder
from benchmarks.report import keep, table
from benchmarks.server import Served, serving

HOUR = 3600.0
LENGTHS = (10.0, 60.0, 600.0, HOUR, 6 * HOUR)
QUICK_LENGTHS = (10.0, 60.0, 600.0)
QUICK_LARGEST_BYTES = 20 * MEBIBYTE
# Short files are sent again and again, since one answer's time says little.
LEAST_SECONDS = 2.0
MOST_REPEATS = 20
HEADER = (
    "MP3",
    "body",
    "time",
    "s of audio per s",
    "share of the limit",
    "time for an hour of audio",
    "peak of all processes",
    "without mapped files",
    "worker's growth",
    "without mapped files",
)


@dataclass(frozen=True)
class Measured:
    """One length.

    Attributes:
        audio_seconds: The length that the answer names.
        size_bytes: Of the file.
        seconds: Until the answer, the median of the repeats.
        memory: During all repeats.
    """

    audio_seconds: float
    size_bytes: int
    seconds: float
    memory: Timeline

    @property
    def speed(self) -> float:
        """Seconds of audio per second."""
        return self.audio_seconds / self.seconds

    @property
    def seconds_per_hour(self) -> float:
        """What an hour of audio costs."""
        return HOUR / self.speed


def measure(served: Served, callers: Callers, file: Path) -> Measured:
    """Sends a file once, or more often if it is short."""
    times: list[float] = []
    with watched(served.processes()) as timeline:
        while not times or (sum(times) < LEAST_SECONDS and len(times) < MOST_REPEATS):
            start = time.perf_counter()
            answer = callers.ask(file)
            times.append(time.perf_counter() - start)
    audio_seconds = json.loads(answer)["metadata"]["length_sec"]
    return Measured(audio_seconds, file.stat().st_size, statistics.median(times), timeline)


def row(measured: Measured, limit: Limit) -> list[str]:
    """A line of the table."""
    growth = measured.memory.growth()
    return [
        plots.duration_text(measured.audio_seconds),
        _mebibytes(measured.size_bytes) if measured.size_bytes >= 10 * MEBIBYTE else f"{measured.size_bytes >> 10} KiB",
        f"{measured.seconds:.3g} s",
        f"{measured.speed:.0f}",
        f"{100 * measured.speed / limit.speed:.0f} %",
        f"{measured.seconds_per_hour:.2f} s",
        _mebibytes(measured.memory.peak_bytes),
        _mebibytes(measured.memory.peak_own_bytes),
        _mebibytes(growth.total_bytes),
        _mebibytes(growth.own_bytes),
    ]


def figures(measured: Sequence[Measured]) -> dict[str, float]:
    """What the bars look at: the largest file, and an hour's cost in it against that in the file of an hour."""
    largest = measured[-1]
    hour = min(measured, key=lambda each: abs(each.audio_seconds - HOUR))
    return {
        "largest_bytes": largest.size_bytes,
        "largest_audio_seconds": largest.audio_seconds,
        "largest_seconds": largest.seconds,
        "largest_peak_bytes": largest.memory.peak_bytes,
        "largest_worker_growth_bytes": largest.memory.growth().total_bytes,
        "largest_worker_growth_own_bytes": largest.memory.growth().own_bytes,
        "hour_speed": hour.speed,
        "largest_cost_over_hours": largest.seconds_per_hour / hour.seconds_per_hour,
    }


def draw(measured: Sequence[Measured], limit: Limit, folder: Path) -> None:
    """Both pictures."""
    largest = measured[-1]
    title = f"{plots.duration_text(largest.audio_seconds)} of MP3 ({_mebibytes(largest.size_bytes)}), all processes"
    plots.memory_over_time(largest.memory, title, folder / "memory.png")
    lengths = [each.audio_seconds for each in measured]
    plots.speed_over_length(lengths, [each.speed for each in measured], limit.speed, folder / "lengths.png")


def run(options: argparse.Namespace) -> None:
    """Measures, prints and keeps the table and the pictures."""
    files = [bodies.mp3(seconds) for seconds in (QUICK_LENGTHS if options.quick else LENGTHS)]
    files.append(bodies.largest_mp3(QUICK_LARGEST_BYTES if options.quick else bodies.GIBIBYTE))
    limit = measure_limit(options.model, [bodies.mp3(600.0)], seconds=1.0 if options.quick else 4.0)
    with serving(options.model, plain=options.plain) as served:
        callers = Callers(served.url)
        callers.ask(files[0])
        measured = [measure(served, callers, file) for file in tqdm(files, unit="file")]
    folder = results_folder(options)
    draw(measured, limit, folder)
    note = (
        f"{served.description}. Stereo MP3 of 128 kb/s; what is longer than ten minutes repeats the frames of ten. "
        "Memory: the sum of what is resident in all processes, looked at ten times a second. Mapped files are "
        "libraries and the body itself, which the worker reads from the front's file; the system takes such pages back "
        "as it needs them. Growth: over the moment before the request."
    )
    pictures = "![speed over length](lengths.png)\n\n![memory over time](memory.png)"
    text = "\n\n".join(
        [table(HEADER, [row(each, limit) for each in measured]), f"Here, {limit.describe()}", note, pictures]
    )
    keep("lengths", "From a clip to 1 GiB", text, folder=folder, figures=figures(measured))


def _mebibytes(size_bytes: int) -> str:
    return f"{size_bytes / MEBIBYTE:.0f} MiB"


def main() -> None:
    """Reads the command line."""
    run(parser(__doc__).parse_args())


if __name__ == "__main__":
    main()
