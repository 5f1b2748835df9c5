"""`sense collect`, killed midway and run again: its rows beside the answers, and its memory.

Alone, it collects made-up answers in a folder. Their windows are merged here anew.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import shutil
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from benchmarks.results import BUILD, MEBIBYTE, TREE, machine, table

NUM_ANSWERS = 10_000
NUM_WINDOWS, NUM_TAGS, TAGS_HEARD = 9, 31, 3
FOLDER = BUILD / "answers"
TABLE = BUILD / "events.parquet"
JOURNAL = TABLE.with_name(f"{TABLE.name}.journal.duckdb")
# Of the database's log for each answer, less than half of what an answer of 10 s takes: then the command is killed.
KILL_BYTES = 60
POLL_SECONDS = 0.02

Row = tuple[str, str, float, float, float]


def write_answers(count: int) -> list[Row]:
    """Makes FOLDER hold that many answers for 10 s, with random tags; returns their events."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    dice, rows = random.Random(0), []
    metadata = {"content_type": "audio/mp3", "length_sec": 10.005, "size_byte": 160_000, "name": "sagemaker_input"}
    for index in range(count):
        windows = [
            {
                "tags": [
                    {"name": f"Tag_{tag}", "probability": dice.random()}
                    for tag in dice.sample(range(NUM_TAGS), TAGS_HEARD)
                ],
                "start_time": start,
                "end_time": start + 2,
            }
            for start in range(NUM_WINDOWS)
        ]
        answer, key = {"metadata": metadata, "data": windows}, f"day {index % 30}/{index:06}.mp3"
        file = FOLDER / f"{key}.out"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(json.dumps(answer))
        rows += merged(key, answer)
    return rows


def merged(key: str, answer: Mapping[str, Any]) -> list[Row]:
    """Merges windows of a tag that follow one another. sense_client does it another way."""
    windows = answer["data"]
    heard: dict[str, dict[int, float]] = defaultdict(dict)
    for index, window in enumerate(windows):
        for tag in window["tags"]:
            heard[tag["name"]][index] = tag["probability"]
    rows = []
    for tag, probabilities in heard.items():
        for first in (index for index in probabilities if index - 1 not in probabilities):
            last = first
            while last + 1 in probabilities:
                last += 1
            peak = max(probabilities[index] for index in range(first, last + 1))
            rows.append((key, tag, float(windows[first]["start_time"]), float(windows[last]["end_time"]), peak))
    return rows


def collect(place: str, environment: Mapping[str, str], num_answers: int, expected: Sequence[Row]) -> dict[str, Any]:
    """Runs `sense collect`, kills it midway, and runs it again.

    Args:
        place: Where the answers are.
        environment: Variables beyond this process's own.
        num_answers: How many there are.
        expected: Their events, in any order.

    Returns:
        How long both took together, the most memory that either had, and whether the rows are the events.
    """
    for file in BUILD.glob(f"{TABLE.name}*"):
        shutil.rmtree(file) if file.is_dir() else file.unlink()
    start = time.monotonic()
    killed_bytes = run_command(place, environment, kill_at_bytes=KILL_BYTES * num_answers)
    killed_seconds = time.monotonic() - start
    assert not TABLE.exists(), "the command ended before it could be killed"
    peak_bytes = max(killed_bytes, run_command(place, environment))
    seconds = time.monotonic() - start
    rows = duckdb.sql(f"FROM '{TABLE}'").fetchall()
    return {
        "killed_seconds": killed_seconds,
        "collect_seconds": seconds,
        "collect_bytes": peak_bytes,
        "num_events": len(expected),
        "num_rows": len(rows),
        "is_same": sorted(rows) == sorted(expected),
    }


def run_command(place: str, environment: Mapping[str, str], kill_at_bytes: int | None = None) -> int:
    """Runs the command to its end, or until its journal has that size; returns the most resident memory in bytes."""
    command = [sys.executable, "-m", "sense_client", "collect", place, "--output", str(TABLE)]
    variables = {**os.environ, **environment, "PYTHONPATH": str(TREE / "client")}
    process = os.posix_spawn(sys.executable, command, variables)
    log, peak_bytes = JOURNAL.with_name(f"{JOURNAL.name}.wal"), 0
    while True:
        # Not wait4's usage: its memory counts from before exec, when the process was a copy of this one.
        peak_bytes = max(peak_bytes, _peak_bytes(process))
        ended, wait_status = os.waitpid(process, os.WNOHANG)
        if ended:
            expected = 0 if kill_at_bytes is None else -signal.SIGKILL
            assert os.waitstatus_to_exitcode(wait_status) == expected, f"status {wait_status}"
            return peak_bytes
        if kill_at_bytes is not None and log.exists() and log.stat().st_size >= kill_at_bytes:
            os.kill(process, signal.SIGKILL)
        time.sleep(POLL_SECONDS)


def _peak_bytes(process: int) -> int:
    """VmHWM in /proc/PID/status (proc(5)): the most that was resident since exec; 0 where the process has ended."""
    found = re.search(r"^VmHWM:\s+(\d+) kB$", Path(f"/proc/{process}/status").read_text(), re.MULTILINE)
    return 1024 * int(found[1]) if found else 0


def collecting_rows(result: Mapping[str, Any]) -> list[list[str]]:
    """Rows for a table of figures."""
    same = "the same" if result["is_same"] else "NOT the same"
    return [
        ["`sense collect`, killed after", f"{result['killed_seconds']:.0f} s"],
        ["run again, both together", f"{result['collect_seconds']:.0f} s"],
        ["its memory at most", f"{result['collect_bytes'] / MEBIBYTE:.0f} MiB"],
        ["rows, and events in the answers", f"{result['num_rows']} and {result['num_events']}, {same}"],
    ]


def main() -> int:
    """Collects as many answers as asked; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.collecting", description=__doc__)
    parser.add_argument("--answers", type=int, default=NUM_ANSWERS, help=f"how many (default: {NUM_ANSWERS})")
    options = parser.parse_args()
    described = machine()
    result = collect(str(FOLDER), {}, options.answers, write_answers(options.answers))
    shown = table([f"{options.answers} answers in a folder", ""], collecting_rows(result))
    print(f"Measured: {described}.\n\n{shown}")
    return 0 if result["is_same"] else 1


if __name__ == "__main__":
    sys.exit(main())
