"""Many callers, and one with an hour: throughput as a share of the limit, and latency at fixed rates.

closed loop  1 and 8 callers with 10 s clips who ask again as soon as they are answered, and one file of an hour; the
             limit is measured anew before each of some rounds
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
CLOSED_HEADER = ["stereo MP3 of 128 kb/s", "requests", "s of audio per s", "share of the limit", "errors"]


@dataclass(frozen=True)
class Plan:
    """How much is measured.

    Attributes:
        rates: Clip's length in seconds -> requests per second.
        run_seconds: Of each rate.
        rounds: Of the limit and what is compared with it, in turns.
        round_seconds: Of the callers with clips, in each round.
        hour_seconds: Length of the long file.
        limit_seconds: Of each measurement of the limit.
    """

    rates: dict[float, Sequence[float]]
    run_seconds: float
    rounds: int
    round_seconds: float
    hour_seconds: float
    limit_seconds: float


FULL = Plan({10.0: (5, 20, 40, 50), 35.0: (5, 10)}, 15.0, 7, 6.0, HOUR, 2.0)
QUICK = Plan({10.0: (10,), 35.0: (2,)}, 3.0, 1, 3.0, 120.0, 1.0)


@dataclass(frozen=True)
class Round:
    """The limit, and right after it what the server does: a shared machine is not as fast every minute.

    Attributes:
        limit: The limit.
        speed: Seconds of audio per second that were answered.
        num_failed: Requests that were not answered.
    """

    limit: Limit
    speed: float
    num_failed: int = 0

    @property
    def share(self) -> float:
        """The speed as a share of the limit."""
        return self.speed / self.limit.speed


def clips(seconds: float) -> list[Path]:
    """Eight different clips of that length."""
    return [bodies.mp3(seconds, seed=seed) for seed in range(NUM_CLIPS)]


def closed(served: Served, callers: Callers, plan: Plan, model: Path) -> tuple[str, dict[str, float]]:
    """The closed loop's table and figures."""
    rows, figures, notes = [], {}, []
    for num_callers in NUM_CALLERS:
        rounds, cost = _clip_rounds(served, callers, num_callers, plan, model)
        rate = _median(rounds, "speed") / CLIP_SECONDS
        rows.append([f"10 s, {_callers(num_callers)}", f"{rate:.1f} /s", *_shared_cells(rounds)])
        notes.append(f"Processor time for a clip with {_callers(num_callers)}: {cost}.")
        figures[f"clips_{num_callers}_callers_share"] = _median(rounds, "share")
    hours = _hour_rounds(callers, plan, model)
    seconds = plan.hour_seconds / _median(hours, "speed")
    rows.append([f"{plan.hour_seconds / 60:g} min, 1 caller", f"{seconds:.2f} s each", *_shared_cells(hours)])
    figures |= {"hour_share": _median(hours, "share"), "hour_speed": _median(hours, "speed")}
    notes += [f"Clips, {_usual_limit(rounds).describe()}", f"Long file, {_usual_limit(hours).describe()}"]
    return "\n\n".join([table(CLOSED_HEADER, rows), *notes]), figures


def _clip_rounds(
    served: Served, callers: Callers, num_callers: int, plan: Plan, model: Path
) -> tuple[list[Round], str]:
    """The rounds, and what processor time each kind of process took for a clip, in words."""
    files, rounds, num_answered = clips(CLIP_SECONDS), [], 0
    loaded, taken = [file.read_bytes() for file in files], dict[str, float]()
    for _ in tqdm(range(plan.rounds), desc=_callers(num_callers), unit="round"):
        limit = measure_limit(model, files, seconds=plan.limit_seconds)
        before = processor_seconds(served.processes())
        run = closed_loop(callers, loaded, num_callers, plan.round_seconds)
        after = processor_seconds(served.processes())
        taken = {kind: taken.get(kind, 0.0) + after[kind] - before[kind] for kind in after}
        num_answered += run.num_answered
        rounds.append(Round(limit, CLIP_SECONDS * run.rate, run.num_failed))
    return rounds, per_request(taken, num_answered)


def _hour_rounds(callers: Callers, plan: Plan, model: Path) -> list[Round]:
    file, rounds = bodies.mp3(plan.hour_seconds), []
    for _ in tqdm(range(plan.rounds), desc="long file", unit="round"):
        limit = measure_limit(model, [file], seconds=plan.limit_seconds)
        rounds.append(Round(limit, plan.hour_seconds / callers.timed(file)))
    return rounds


def _median(rounds: Sequence[Round], attribute: str) -> float:
    return float(statistics.median(getattr(each, attribute) for each in rounds))


def _usual_limit(rounds: Sequence[Round]) -> Limit:
    limits = [each.limit for each in rounds]
    return Limit(
        statistics.median(limit.decoding for limit in limits),
        statistics.median(limit.scoring for limit in limits),
        limits[0].num_cores,
    )


def _callers(count: int) -> str:
    return "1 caller" if count == 1 else f"{count} callers"


def _shared_cells(rounds: Sequence[Round]) -> list[str]:
    """Median speed, median share of the limit with the least and the most, and errors."""
    shares = sorted(each.share for each in rounds)
    share = f"{100 * statistics.median(shares):.0f} % ({100 * shares[0]:.0f} to {100 * shares[-1]:.0f})"
    return [f"{_median(rounds, 'speed'):.0f}", share, str(sum(each.num_failed for each in rounds))]


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
    note = (
        f"{served.description}; closed loop: {plan.rounds} rounds of the limit and then the server, medians, "
        f"in brackets the least and the most; open loop: {plan.run_seconds:g} s each."
    )
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
