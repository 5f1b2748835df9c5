"""The soak: mixed traffic for minutes, and more than the server takes for a moment."""

from __future__ import annotations

import itertools
import statistics
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from tqdm import tqdm

from benchmarks.callers import percentile
from benchmarks.results import machine
from handler.cores import num_cores
from tests.soak.callers import MIX, Caller, Crowd, Outcome, ask_together, quiet_answers
from tests.soak.host import MAX_REQUESTS, PROFILE, Host
from tests.soak.results import Check
from tests.soak.traffic import good_requests
from tests.soak.watch import Held, held, num_connections, series, slope, watched
from tests.support.waiting import eventually

NUM_TOGETHER, TOGETHER_CALLERS = 1_000, 20
NUM_CALLERS = 12
# The longest pause of a caller between two requests: enough that two cores are busy but not full.
PAUSE_SECONDS = 1.5
# Mixed traffic before the minutes that count: a part of these, at most that many seconds.
WARM_UP_SHARE, MOST_WARM_UP_SECONDS = 0.2, 300.0
OVERLOAD_SECONDS = 20.0
OVERLOAD_CALLERS = 3 * MAX_REQUESTS
# nginx closes its connections to TorchServe when they were idle for 60 s.
IDLE_SECONDS = 120.0
MOST_SLOPE, MOST_RECOVERY_SECONDS = 1.0, 5.0
# p99 of the last third of the minutes against that of the first third.
MOST_DRIFT = 2.0


@dataclass(frozen=True)
class Seen:
    """What was seen, phase by phase.

    Attributes:
        together: As many requests as NUM_TOGETHER at once.
        warming: Mixed traffic before the minutes that count.
        before: What the processes hold when all connections are closed.
        outcomes: Mixed traffic.
        samples: What the processes hold meanwhile.
        shed: More callers than the server takes.
        recovery_seconds: Until a lone caller is served again.
        after: What the processes hold when all connections are closed.
        left: Bodies and connections that are left over.
    """

    together: list[Outcome]
    warming: list[Outcome]
    before: list[Held]
    outcomes: list[Outcome]
    samples: list[Held]
    shed: list[Outcome]
    recovery_seconds: float
    after: list[Held]
    left: dict[str, int]


def soak(minutes: float) -> dict[str, Any]:
    """Runs all of it; returns the figures and the checks."""
    described = machine()
    warm_up_seconds = min(MOST_WARM_UP_SECONDS, 60 * minutes * WARM_UP_SHARE)
    with Host("soak") as host:
        seen = phases(host, warm_up_seconds, 60 * minutes)
    given = {"machine": described, "profile": PROFILE, "minutes": minutes, "warm_up_seconds": warm_up_seconds}
    result = {**given, **figures(seen)}
    return {**result, "checks": [asdict(check) for check in checks(result)]}


def phases(host: Host, warm_up_seconds: float, seconds: float) -> Seen:
    """Runs one phase after the other."""
    host.wait_until_full(num_cores())
    quiet = quiet_answers(host.url())
    together = ask_together(host.url(), quiet, NUM_TOGETHER, TOGETHER_CALLERS)
    warming, _ = mixed(host, quiet, warm_up_seconds, "warm-up")
    before = idle(host)
    outcomes, samples = mixed(host, quiet, seconds, "mixed traffic")
    shed, recovery_seconds = overload(host, quiet)
    after = idle(host)
    left = {"bodies": len(host.bodies()), "connections": num_connections(host)}
    return Seen(together, warming, before, outcomes, samples, shed, recovery_seconds, after, left)


def figures(seen: Seen) -> dict[str, Any]:
    """What is kept of it."""
    everything = (*seen.together, *seen.warming, *seen.outcomes, *seen.shed)
    return {
        "together": counted(seen.together),
        "requests": counted([*seen.warming, *seen.outcomes]),
        "shed": counted(seen.shed),
        "problems": [each.problem for each in everything if ending(each) == "wrong"][:20],
        "by_minute": by_minute(seen.outcomes),
        "recovery_seconds": seen.recovery_seconds,
        "memory": memory(seen.samples),
        "before": [asdict(each) for each in seen.before],
        "after": [asdict(each) for each in seen.after],
        "left": seen.left,
    }


def idle(host: Host) -> list[Held]:
    """Waits until no connection is open, and says what the processes hold then."""
    eventually(lambda: num_connections(host) == 0, IDLE_SECONDS, 0.5)
    return held(host.processes())


def mixed(host: Host, quiet: Mapping[str, bytes], seconds: float, description: str) -> tuple[list[Outcome], list[Held]]:
    """The mixed traffic."""
    crowd = Crowd(host.url, quiet, MIX, PAUSE_SECONDS)
    with watched(host, lambda: len(crowd.outcomes)) as samples, crowd.calling(NUM_CALLERS):
        end = time.monotonic() + seconds
        with tqdm(total=round(seconds), desc=description, unit="s") as bar:
            while (left := end - time.monotonic()) > 0:
                time.sleep(min(1.0, left))
                bar.update(min(1, bar.total - bar.n))
                bar.set_postfix(requests=len(crowd.outcomes), wrong=sum(bool(each.problem) for each in crowd.outcomes))
    return crowd.outcomes, samples


def overload(host: Host, quiet: Mapping[str, bytes]) -> tuple[list[Outcome], float]:
    """More callers than the server takes; returns what they saw, and the seconds until one is served again."""
    crowd = Crowd(host.url, quiet, {"good": 100}, 0.0)
    caller = Caller(host.url, quiet)
    with crowd.calling(OVERLOAD_CALLERS):
        time.sleep(OVERLOAD_SECONDS)
        crowd.stop()
        began = time.monotonic()
        while caller.judged("good", good_requests()[0]).status == 429:
            time.sleep(0.05)
        recovery_seconds = time.monotonic() - began
    caller.close()
    return crowd.outcomes, recovery_seconds


def counted(outcomes: Sequence[Outcome]) -> dict[str, dict[str, int]]:
    """How many there were of each kind, and how they ended: right, shed, wrong, given up."""
    counts: dict[str, Counter[str]] = {}
    for outcome in outcomes:
        counts.setdefault(outcome.kind, Counter())[ending(outcome)] += 1
    return {kind: dict(count) for kind, count in sorted(counts.items())}


def ending(outcome: Outcome) -> str:
    """How a request ended."""
    if outcome.problem is None:
        return "given up" if outcome.status == 0 else "right"
    return "shed" if outcome.status == 429 else "wrong"


def total(counts: Mapping[str, Mapping[str, int]], *endings: str) -> int:
    """How many requests ended so, of any kind."""
    return sum(count.get(name, 0) for count in counts.values() for name in endings)


def by_minute(outcomes: Sequence[Outcome]) -> list[list[float]]:
    """For each minute: its number, good clips that were answered, their p50 and p99 in seconds."""
    start = min((outcome.asked for outcome in outcomes), default=0.0)
    clips = sorted((outcome for outcome in outcomes if outcome.kind == "good"), key=lambda outcome: outcome.asked)
    found = []
    for minute, group in itertools.groupby(clips, lambda outcome: int((outcome.asked - start) // 60)):
        times = [outcome.took for outcome in group]
        found.append([minute, len(times), round(percentile(times, 0.5), 3), round(percentile(times, 0.99), 3)])
    return found


def memory(samples: Sequence[Held]) -> list[dict[str, Any]]:
    """Each process's memory over time, and its slope."""
    found = []
    for (kind, pid), some in series(samples).items():
        points = [[round(each.seconds), each.requests, round(each.megabytes, 1)] for each in some]
        found.append({"kind": kind, "pid": pid, "slope": slope(some), "points": points})
    return found


def drift(minutes: Sequence[Sequence[float]]) -> float:
    """The median p99 of the last third of the minutes, as a multiple of the first third's."""
    third = max(1, len(minutes) // 3)
    first, last = (statistics.median(row[3] for row in part) for part in (minutes[:third], minutes[-third:]))
    return last / first


def checks(result: Mapping[str, Any]) -> list[Check]:
    """The bars."""
    together, mixed_counts, shed = result["together"], result["requests"], result["shed"]
    slopes = [each for each in result["memory"] if each["slope"] is not None]
    steepest = max(slopes, key=lambda each: each["slope"], default=None)
    more = more_held(result["before"], result["after"])
    wrong = total(mixed_counts, "wrong", "shed")
    minutes_drift = drift(result["by_minute"])
    return [
        Check(
            f"{NUM_TOGETHER:,} requests from {TOGETHER_CALLERS} callers, one in five bad, answered rightly",
            f"{total(together, 'right')} right",
            total(together, "right") == NUM_TOGETHER,
        ),
        Check("no wrong answer in mixed traffic", f"{wrong} of {total_of(mixed_counts)}", wrong == 0),
        Check(
            f"memory grows by less than {MOST_SLOPE:g} MB per 1,000 requests",
            f"{steepest['kind']}: {steepest['slope']:.2f} MB at most" if steepest else "not measured",
            steepest is not None and steepest["slope"] < MOST_SLOPE,
        ),
        Check("p99 is stable", f"{minutes_drift:.2f} times the first third's in the last", minutes_drift < MOST_DRIFT),
        Check(
            "beyond capacity: 429, or the right answer",
            f"{total(shed, 'right')} right, {total(shed, 'shed')} shed, {total(shed, 'wrong')} wrong",
            total(shed, "shed") > 0 and total(shed, "right") > 0 and total(shed, "wrong") == 0,
        ),
        Check(
            f"recovers within {MOST_RECOVERY_SECONDS:g} s",
            f"{result['recovery_seconds']:.2f} s",
            result["recovery_seconds"] < MOST_RECOVERY_SECONDS,
        ),
        Check(
            "nothing is left over",
            ", ".join(more) or "no file, thread, connection or body",
            not more and not any(result["left"].values()),
        ),
    ]


def total_of(counts: Mapping[str, Mapping[str, int]]) -> int:
    """All requests."""
    return sum(sum(count.values()) for count in counts.values())


def more_held(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]]) -> list[str]:
    """What processes hold more of than they did before."""
    former = {each["pid"]: each for each in before}
    return [
        f"{each['kind']}: {each[name]} {name} instead of {former[each['pid']][name]}"
        for each in after
        for name in ("files", "threads")
        if each["pid"] in former and each[name] > former[each["pid"]][name]
    ]
