"""How long a clip waits while two long files are tagged, behind the front: `python -m benchmarks.waiting`.

One caller sends clips of 10 s, one after the other: first alone, then until both long files are answered.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from benchmarks import bodies
from benchmarks.callers import CallError, Callers, percentile
from benchmarks.measured_server import WITHOUT_GPU, serving
from benchmarks.results import TREE
from deploy.front import RETRY_AFTER_SECONDS
from handler.cores import WORKERS_VARIABLE

CLIP_SECONDS = 10.0
# What the profiles take at most, or an hour: 25 MiB of 128 kb/s are 27 minutes.
LONG_SECONDS = {"realtime": 1_600.0, "async": 3_600.0}
WAYS: tuple[Mapping[str, str], ...] = (
    {WORKERS_VARIABLE: "2"},
    {WORKERS_VARIABLE: "2", "SENSE_MAX_LARGE_REQUESTS": "1"},
    {WORKERS_VARIABLE: "3"},
)
NUM_LONG = 2
NUM_ALONE = 20


def main() -> None:
    """Prints a line for each profile and way."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.waiting", description=__doc__)
    parser.add_argument("--model", type=Path, default=TREE / "model" / "model.pt2", help="model file (the bundled one)")
    model = parser.parse_args().model
    for profile, seconds in LONG_SECONDS.items():
        for way in WAYS:
            with serving(model, {**WITHOUT_GPU, "SENSE_PROFILE": profile, **way}) as server:
                print(f"{profile} {dict(way)}: {measured(server.url, bodies.mp3(seconds))}", flush=True)


def measured(url: str, long_file: Path) -> str:
    """Sends the long files at once, and clips until all are answered."""
    callers, clip = Callers(url), bodies.mp3(CLIP_SECONDS).read_bytes()
    alone = [timed(lambda: callers.ask(clip)) for _ in range(NUM_ALONE)]
    with ThreadPoolExecutor(NUM_LONG) as threads:
        longs = [threads.submit(timed, lambda: ask_until_answered(callers, long_file)) for _ in range(NUM_LONG)]
        beside = []
        while not all(future.done() for future in longs):
            beside.append(timed(lambda: callers.ask(clip)))
        times = sorted(future.result() for future in longs)
    return (
        f"clips alone {percentile(alone, 0.5):.2f} s, beside {percentile(beside, 0.5):.2f} s, longest "
        f"{max(beside):.2f} s ({len(beside)} clips); long files {', '.join(f'{took:.2f}' for took in times)} s"
    )


def ask_until_answered(callers: Callers, body: Path) -> None:
    """Sends a file again, after the time that the front asks for, as long as it refuses one more."""
    while True:
        try:
            callers.ask(body)
            return
        except CallError as error:
            if "status 429" not in str(error):
                raise
            time.sleep(RETRY_AFTER_SECONDS)


def timed(ask: Callable[[], object]) -> float:
    """Returns how long a call takes, in seconds."""
    start = time.monotonic()
    ask()
    return time.monotonic() - start


if __name__ == "__main__":
    main()
