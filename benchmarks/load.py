"""Many callers, and one with an hour: throughput as a share of the limit, and latency at fixed rates.

closed loop  1 and 8 callers with 10 s clips who ask again as soon as they are answered, and one file of an hour
open loop    10 s and 35 s clips, sent on time whether or not earlier ones were answered; latency counts from then
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from benchmarks import bodies
from benchmarks.calls import Callers, closed_loop, open_loop, percentile
from benchmarks.limit import Limit, measure_limit
from benchmarks.options import parser, results_folder
from benchmarks.processor_time import per_request, processor_seconds
from benchmarks.report import keep, table
from benchmarks.server import Served, serving

HOUR = 3600.0
CLIP_SECONDS = 10.0
NUM_CLIPS = 8
NUM_CALLERS = (1, 8)
QUANTILES = (0.5, 0.95, 0.99)


@dataclass(frozen=True)
class Plan:
    """How much is measured.

    Attributes:
        rates: Clip's length in seconds -> requests per second.
        run_seconds: Of each rate, and of each number of callers.
        hour_seconds: Length of the long file.
        hour_repeats: How often it is sent.
        limit_seconds: Of each measurement of the limit.
    """

    rates: dict[float, Sequence[float]]
    run_seconds: float
    hour_seconds: float
    hour_repeats: int
    limit_seconds: float


FULL = Plan({10.0: (5, 20, 40, 50), 35.0: (5, 10)}, 15.0, HOUR, 3, 4.0)
QUICK = Plan({10.0: (10,), 35.0: (2,)}, 3.0, 120.0, 1, 1.0)


def clips(seconds: float) -> list[Path]:
    """Eight different clips of that length."""
    return [bodies.mp3(seconds, seed=seed) for seed in range(NUM_CLIPS)]


def closed(served: Served, callers: Callers, plan: Plan, model: Path) -> tuple[str, dict[str, float]]:
    """The closed loop's table and figures."""
    clip_limit = measure_limit(model, clips(CLIP_SECONDS), seconds=plan.limit_seconds)
    loaded = [file.read_bytes() for file in clips(CLIP_SECONDS)]
    rows, figures, costs = [], {}, []
    for num_callers in tqdm(NUM_CALLERS, desc="closed loop", unit="run"):
        before = processor_seconds(served.processes())
        run = closed_loop(callers, loaded, num_callers, plan.run_seconds)
        cost = per_request(before, processor_seconds(served.processes()), run.num_answered)
        costs.append(f"Processor time for a clip with {_callers(num_callers)}: {cost}.")
        speed = CLIP_SECONDS * run.rate
        rows.append([f"10 s, {_callers(num_callers)}", f"{run.rate:.1f} /s", *_share(speed, clip_limit)])
        rows[-1].append(str(run.num_failed))
        figures[f"clips_{num_callers}_callers_share"] = speed / clip_limit.speed
    hour_row, hour_figures, hour_limit = _hour(callers, plan, model)
    rows.append(hour_row)
    header = ["stereo MP3 of 128 kb/s", "requests", "s of audio per s", "share of the limit", "errors"]
    notes = [*costs, f"Clips, {clip_limit.describe()}", f"Long file, {hour_limit.describe()}"]
    return "\n\n".join([table(header, rows), *notes]), {**figures, **hour_figures}


def _hour(callers: Callers, plan: Plan, model: Path) -> tuple[list[str], dict[str, float], Limit]:
    file = bodies.mp3(plan.hour_seconds)
    limit = measure_limit(model, [file], seconds=plan.limit_seconds)
    runs = tqdm(range(plan.hour_repeats), desc="long file", unit="file")
    taken = statistics.median(callers.timed(file) for _ in runs)
    speed = plan.hour_seconds / taken
    row = [f"{plan.hour_seconds / 60:g} min, 1 caller", f"{taken:.2f} s each", *_share(speed, limit), "0"]
    return row, {"hour_speed": speed, "hour_share": speed / limit.speed}, limit


def _callers(count: int) -> str:
    return "1 caller" if count == 1 else f"{count} callers"


def _share(speed: float, limit: Limit) -> list[str]:
    return [f"{speed:.0f}", f"{100 * speed / limit.speed:.0f} %"]


def opened(callers: Callers, plan: Plan) -> tuple[str, dict[str, float]]:
    """The open loop's table and figures."""
    rows, figures = [], {}
    runs = [(length, rate) for length, rates in plan.rates.items() for rate in rates]
    for length, rate in tqdm(runs, desc="open loop", unit="rate"):
        latencies = open_loop(callers, [file.read_bytes() for file in clips(length)], rate, plan.run_seconds)
        rows.append([f"{length:g} s, {rate:g} /s", *latency_cells(latencies)])
        answered = [latency for latency in latencies if latency is not None]
        figures[f"p95_{length:g}s_{rate:g}"] = percentile(answered, 0.95) if answered else float("inf")
        figures[f"errors_{length:g}s_{rate:g}"] = len(latencies) - len(answered)
    return table(["MP3 clips at a fixed rate", "p50", "p95", "p99", "requests", "errors"], rows), figures


def latency_cells(latencies: Sequence[float | None]) -> list[str]:
    """Percentiles of those that were answered, how many there were, and how many were not answered."""
    answered = [latency for latency in latencies if latency is not None]
    cells = [f"{1000 * percentile(answered, share):.0f} ms" for share in QUANTILES] if answered else ["-"] * 3
    return [*cells, str(len(latencies)), str(len(latencies) - len(answered))]


def run(options: argparse.Namespace) -> None:
    """Measures, prints and keeps the tables."""
    plan = QUICK if options.quick else FULL
    with serving(options.model, plain=options.plain) as served:
        callers = Callers(served.url)
        for file in clips(CLIP_SECONDS):
            callers.ask(file)
        opened_table, opened_figures = opened(callers, plan)
        closed_table, closed_figures = closed(served, callers, plan, options.model)
    note = f"{served.description}; each line of the first two kinds lasted {plan.run_seconds:g} s."
    keep(
        "load",
        "Many callers",
        "\n\n".join([closed_table, opened_table, note]),
        folder=results_folder(options),
        figures={**closed_figures, **opened_figures},
    )


def main() -> None:
    """Reads the command line."""
    run(parser(__doc__).parse_args())


if __name__ == "__main__":
    main()
