"""Clips and an hour of MP3: this server beside its limit and beside a usual handler; and latency at fixed rates.

Callers ask again as soon as they are answered. The servers run all the time and are asked in turns, each round after
the limit was measured anew: a shared machine is not as fast every minute.
"""

from __future__ import annotations

import contextlib
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tqdm import tqdm

from benchmarks import bodies
from benchmarks.callers import closed_loop, open_loop, percentile
from benchmarks.limit import Limit, measure_limit
from benchmarks.measured_server import OURS, USUAL, MeasuredServer, serving, serving_usual
from benchmarks.processes import watched
from benchmarks.results import MEBIBYTE, duration_text, table

CLIP_SECONDS = 10.0
QUANTILES = (0.5, 0.95, 0.99)


@dataclass(frozen=True)
class Work:
    """What is sent: MP3 files of that length, by callers that ask again at once."""

    audio_seconds: float
    num_callers: int

    @property
    def name(self) -> str:
        """For the table."""
        callers = "1 caller" if self.num_callers == 1 else f"{self.num_callers} callers"
        return f"{duration_text(self.audio_seconds)} of MP3, {callers}"


@dataclass(frozen=True)
class Plan:
    """How much is measured.

    Attributes:
        works: What is sent.
        rounds: Of the limit and this server.
        usual_rounds: Those of them that ask the usual handlers, too, which take long.
        seconds: That callers ask, for each server in each round.
        limit_seconds: Of both measurements of the limit.
        rates: (length of the clips in seconds, requests per second) of the open loop.
        rate_seconds: That each rate is kept.
    """

    works: tuple[Work, ...] = (Work(CLIP_SECONDS, 1), Work(CLIP_SECONDS, 8), Work(3600.0, 1))
    rounds: int = 5
    usual_rounds: int = 2
    seconds: float = 6.0
    limit_seconds: float = 2.0
    rates: tuple[tuple[float, float], ...] = ((10, 5), (10, 20), (10, 40), (10, 50), (35, 5), (35, 10))
    rate_seconds: float = 15.0


QUICK = Plan((Work(CLIP_SECONDS, 1), Work(CLIP_SECONDS, 8), Work(120.0, 1)), 1, 1, 2.0, 0.5, ((10, 10), (35, 2)), 3.0)


@dataclass
class Measured:
    """What one server did with one work.

    Attributes:
        speeds: Seconds of audio per second, round by round.
        peak_bytes: Of all its processes together.
        num_errors: Requests that were not answered.
        processor_seconds: What each kind of its processes took for an answer, round by round.
    """

    speeds: list[float] = field(default_factory=list)
    peak_bytes: int = 0
    num_errors: int = 0
    processor_seconds: list[dict[str, float]] = field(default_factory=list)

    def ask(self, server: MeasuredServer, work: Work, seconds: float) -> None:
        """One round."""
        body = bodies.mp3(work.audio_seconds).read_bytes()
        with watched(server.processes) as usage:
            loop = closed_loop(server.url, body, work.num_callers, seconds)
        self.speeds.append(work.audio_seconds * loop.rate)
        self.peak_bytes = max(self.peak_bytes, usage.peak_bytes)
        self.num_errors += len(loop.errors)
        num_answers = max(1, len(loop.answers))
        self.processor_seconds.append({kind: taken / num_answers for kind, taken in usage.processor_seconds.items()})

    def result(self) -> dict[str, Any]:
        """For the results."""
        kinds = self.processor_seconds[0]
        costs = {kind: statistics.median(each[kind] for each in self.processor_seconds) for kind in kinds}
        return {
            "speeds": self.speeds,
            "peak_bytes": self.peak_bytes,
            "num_errors": self.num_errors,
            "processor_seconds": costs,
        }


def measure(model_file: Path, *, quick: bool) -> dict[str, Any]:
    """Measures everything."""
    plan = QUICK if quick else Plan()
    with contextlib.ExitStack() as stack:
        servers = {OURS: stack.enter_context(serving(model_file))}
        for work in plan.works:  # writes the files, and warms every worker
            closed_loop(servers[OURS].url, bodies.mp3(work.audio_seconds).read_bytes(), work.num_callers, 1.0)
        latencies = latencies_at_rates(servers[OURS], plan)
        servers |= {name: stack.enter_context(serving_usual(model_file, name)) for name in USUAL}
        works = {work.name: side_by_side(servers, work, plan, model_file) for work in plan.works}
    return {"rounds": plan.rounds, "works": works, "rates": latencies}


def side_by_side(servers: Mapping[str, MeasuredServer], work: Work, plan: Plan, model_file: Path) -> dict[str, Any]:
    """The limit and all servers in turns."""
    limits: list[Limit] = []
    measured = {name: Measured() for name in servers}
    for number in tqdm(range(plan.rounds), desc=work.name, unit="round"):
        limits.append(measure_limit(model_file, bodies.mp3(work.audio_seconds), seconds=plan.limit_seconds))
        for name, server in servers.items():
            if name == OURS or number < plan.usual_rounds:
                measured[name].ask(server, work, plan.seconds)
    return {
        "num_callers": work.num_callers,
        "audio_seconds": work.audio_seconds,
        "limits": [limit.speed for limit in limits],
        "decoding_seconds": statistics.median(limit.decoding for limit in limits),
        "scoring_seconds": statistics.median(limit.scoring for limit in limits),
        "servers": {name: each.result() for name, each in measured.items()},
    }


def latencies_at_rates(server: MeasuredServer, plan: Plan) -> list[dict[str, Any]]:
    """The open loop."""
    results = []
    for audio_seconds, rate in tqdm(plan.rates, desc="fixed rates", unit="rate"):
        latencies = open_loop(server.url, bodies.mp3(audio_seconds).read_bytes(), rate, plan.rate_seconds)
        answered = [latency for latency in latencies if latency is not None]
        results.append(
            {
                "audio_seconds": audio_seconds,
                "rate": rate,
                "latencies": [percentile(answered, share) for share in QUANTILES] if answered else [],
                "num_requests": len(latencies),
                "num_errors": len(latencies) - len(answered),
            }
        )
    return results


def text(result: Mapping[str, Any]) -> str:
    """The section of the page."""
    works, rounds = result["works"], result["rounds"]
    notes = [
        f"Medians; rounds: {rounds}. In brackets: the least and the most. Memory: the most that is resident in all "
        "processes together, libraries counted for each. The usual handler loads the whole file and scores window "
        "after window; it has one worker for each core and no front.",
        *(_cost_note(name, work) for name, work in works.items() if work["audio_seconds"] == CLIP_SECONDS),
    ]
    rates = table(
        ["MP3 at a fixed rate", "p50", "p95", "p99", "requests", "errors"], [*map(_rate_row, result["rates"])]
    )
    return "\n\n".join([table(["s of audio per s", *works, "memory", "errors"], _rows(works)), *notes, rates])


def _rows(works: Mapping[str, Any]) -> list[list[str]]:
    """The limit, this server, its share, its time for an answer, and the usual handlers."""
    all_works = list(works.values())
    limit = ["limit", *(f"{statistics.median(work['limits']):.0f}" for work in all_works), "", ""]
    shares = ["share of the limit", *map(_share_cell, all_works), "", ""]
    answers = ["time to an answer", *map(_answer_cell, all_works), "", ""]
    ours, *usual = ([name, *_server_cells(name, all_works)] for name in all_works[-1]["servers"])
    return [limit, ours, shares, answers, *usual]


def _server_cells(name: str, works: Sequence[Mapping[str, Any]]) -> list[str]:
    found = [work["servers"].get(name) for work in works]
    measured = [each for each in found if each is not None]
    speeds = ["" if each is None else f"{statistics.median(each['speeds']):.0f}" for each in found]
    peak_bytes = max(each["peak_bytes"] for each in measured)
    return [*speeds, f"{peak_bytes / MEBIBYTE:.0f} MiB", str(sum(each["num_errors"] for each in measured))]


def _share_cell(work: Mapping[str, Any]) -> str:
    speeds = work["servers"][OURS]["speeds"]
    shares = sorted(100 * speed / limit for speed, limit in zip(speeds, work["limits"], strict=True))
    around = f" ({shares[0]:.0f} to {shares[-1]:.0f})" if len(shares) > 1 else ""
    return f"{statistics.median(shares):.0f} %{around}"


def _answer_cell(work: Mapping[str, Any]) -> str:
    speed = statistics.median(work["servers"][OURS]["speeds"])
    return duration_text(work["num_callers"] * work["audio_seconds"] / speed)


def _cost_note(name: str, work: Mapping[str, Any]) -> str:
    costs = work["servers"][OURS]["processor_seconds"]
    shown = ", ".join(f"{kind} {1000 * cost:.1f}" for kind, cost in costs.items())
    return (
        f"Processor time for an answer, {name}: {shown}, together {1000 * sum(costs.values()):.1f} ms. Alone on all "
        f"cores, decoding takes {work['audio_seconds'] * 1000 * work['decoding_seconds']:.1f} ms and scoring "
        f"{work['audio_seconds'] * 1000 * work['scoring_seconds']:.1f} ms."
    )


def _rate_row(rate: Mapping[str, Any]) -> list[str]:
    latencies = [f"{1000 * latency:.0f} ms" for latency in rate["latencies"]] or ["-"] * len(QUANTILES)
    name = f"{duration_text(rate['audio_seconds'])}, {rate['rate']:g} a second"
    return [name, *latencies, str(rate["num_requests"]), str(rate["num_errors"])]
