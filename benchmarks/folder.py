"""A folder of clips by `sense tag`, beside callers that ask as many at a time: what the client costs."""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil

from benchmarks import bodies
from benchmarks.callers import closed_loop
from benchmarks.load import CLIP_SECONDS
from benchmarks.measured_server import MeasuredServer, serving
from benchmarks.processes import processor_seconds
from benchmarks.results import BUILD, TREE, machine, table

NUM_CLIPS = 1_000
NUM_CALLERS = 8
ROUNDS = 3
LOOP_SECONDS = 10.0
FOLDER = BUILD / "clips"
OUTPUT = BUILD / "clips.jsonl"


def measure(model_file: Path, num_clips: int, rounds: int) -> dict[str, Any]:
    """Measures the callers before and after each run of the client."""
    write_clips(num_clips)
    with serving(model_file) as server:
        loops = [callers_rate(server)]
        runs = []
        for _ in range(rounds):
            runs.append(tag_folder(server, num_clips))
            loops.append(callers_rate(server))
    return {"num_clips": num_clips, "num_callers": NUM_CALLERS, "loops": loops, "runs": runs}


def write_clips(count: int) -> None:
    """Makes FOLDER hold that many clips and nothing else."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    for index, body in enumerate(bodies.clips(CLIP_SECONDS, count)):
        (FOLDER / f"{index:05}.mp3").write_bytes(body)


def callers_rate(server: MeasuredServer) -> float:
    """Answers per second of callers that ask again at once."""
    body = next(bodies.clips(CLIP_SECONDS, 1))
    return closed_loop(server.url, body, NUM_CALLERS, LOOP_SECONDS).rate


def tag_folder(server: MeasuredServer, num_clips: int) -> dict[str, float]:
    """Runs the command from its start to its end.

    Returns:
        Clips per second, and the processor time for a clip of the client and of the server.
    """
    OUTPUT.unlink(missing_ok=True)
    command: list[str | Path] = [sys.executable, "-m", "sense_client", "tag", FOLDER, "-o", OUTPUT]
    command += ["--url", server.url, "--jobs", str(NUM_CALLERS)]
    before, own_before, start = processor_seconds(server.processes), children_seconds(), time.monotonic()
    subprocess.run(command, cwd=TREE / "client", check=True, stderr=subprocess.DEVNULL)
    seconds, after = time.monotonic() - start, processor_seconds(server.processes)
    files = {json.loads(line)["file"] for line in OUTPUT.read_text().splitlines()}
    assert len(files) == num_clips, f"{num_clips} clips, but {len(files)} results"
    return {
        "rate": num_clips / seconds,
        "client_seconds": (children_seconds() - own_before) / num_clips,
        "server_seconds": sum(after[kind] - before[kind] for kind in after) / num_clips,
    }


def children_seconds() -> float:
    """Processor time of this process's children that have ended."""
    times = psutil.Process().cpu_times()
    return float(times.children_user + times.children_system)


def shares(result: Mapping[str, Any]) -> Iterator[float]:
    """The rate of each run over the mean of the callers' rates before and after it."""
    loops = result["loops"]
    for run, before, after in zip(result["runs"], loops, loops[1:], strict=False):
        yield run["rate"] / statistics.mean((before, after))


def text(result: Mapping[str, Any]) -> str:
    """The figures as a table."""
    each = sorted(100 * share for share in shares(result))
    runs = result["runs"]
    rows = [
        [f"{result['num_callers']} callers, clips a second", f"{statistics.median(result['loops']):.1f}"],
        [f"`sense tag`, {result['num_clips']} clips, clips a second", f"{median(runs, 'rate'):.1f}"],
        ["share of the callers' rate", f"{statistics.median(each):.0f} % ({each[0]:.0f} to {each[-1]:.0f})"],
        ["processor time for a clip, client", f"{1000 * median(runs, 'client_seconds'):.1f} ms"],
        ["processor time for a clip, server", f"{1000 * median(runs, 'server_seconds'):.1f} ms"],
    ]
    return table(["a folder of clips of 10 s", ""], rows)


def median(runs: list[dict[str, float]], name: str) -> float:
    """The median of one figure."""
    return statistics.median(run[name] for run in runs)


def main() -> int:
    """Runs it with as many clips as asked; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.folder", description=__doc__)
    parser.add_argument("--clips", type=int, default=NUM_CLIPS, help=f"how many (default: {NUM_CLIPS})")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"how often (default: {ROUNDS})")
    parser.add_argument("--model", type=Path, default=TREE / "model" / "model.pt2", help="model file (the bundled one)")
    options = parser.parse_args()
    described = machine()
    print(f"Measured: {described}.\n\n{text(measure(options.model, options.clips, options.rounds))}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
