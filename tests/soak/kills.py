"""The kills: any process, in random order, with -9, while callers ask."""

from __future__ import annotations

import random
import statistics
import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from random import Random
from typing import Any

import psutil
from tqdm import tqdm

from benchmarks.results import machine
from handler.cores import num_cores
from tests.soak.callers import Caller, Crowd, Outcome, quiet_answers
from tests.soak.host import MAX_REQUESTS, Host
from tests.soak.results import Check
from tests.soak.traffic import good_requests
from tests.support.waiting import eventually

NUM_CALLERS = 20
PAUSE_SECONDS = 1.0
# Of a hundred kills. Those of the second group end the container, as deploy/stack.py wants it; its host starts another.
MENDED = {"worker": 55, "nginx worker": 35}
ENDING = {"Java": 3, "launcher": 2, "nginx master": 3, "entry point": 2}
WEIGHTS = MENDED | ENDING
MOST_RECOVERY_SECONDS = 10.0
# TorchServe hands that many requests to a worker at once (model-config.yaml).
BATCH_SIZE = 3
CAPACITY_ROUNDS = 3
POLL_SECONDS = 0.1
NO_CAPACITY = {"at_once": {}, "ready_workers": 0, "wanted_workers": num_cores(), "bodies_left": 0}
IDLE_SECONDS = 120.0


@dataclass(frozen=True)
class Kill:
    """A kill. Times are in seconds.

    Attributes:
        kind: Of the process.
        at: time.monotonic() before it.
        killed: The same after it: a request that was sent between the two may have met the process.
        served: Until a request was answered that was sent after the kill.
        full: Until every worker was ready again, and /ping said 200.
        ended: Until the container had ended, None where it did not.
        lost_before: Good requests without their answer that were sent before the kill.
        lost_after: Those that were sent after it.
    """

    kind: str
    at: float
    killed: float
    served: float
    full: float
    ended: float | None
    lost_before: int = 0
    lost_after: int = 0


def kills(num_kills: int, most_minutes: float | None = None) -> dict[str, Any]:
    """Runs them, or those of them that the minutes suffice for; returns the figures and the checks."""
    described = machine()
    end = time.monotonic() + 60 * (most_minutes or float("inf"))
    with Host("kills") as host:
        host.wait_until_full(num_cores())
        quiet = quiet_answers(host.url())
        crowd = Crowd(host.url, quiet, {"good": 100}, PAUSE_SECONDS)
        done: list[Kill] = []
        with crowd.calling(NUM_CALLERS):
            failure = kill_all(host, quiet, num_kills, end, done)
        result: dict[str, Any] = {
            "machine": described,
            "requests": len(crowd.outcomes),
            "kills": [asdict(each) for each in with_losses(done, crowd.outcomes)],
            "failure": failure,
            "wrong": [each.problem for each in crowd.outcomes if each.problem and each.status == 200],
            "statuses": dict(Counter(str(each.status) for each in crowd.outcomes)),
            **(NO_CAPACITY if failure else capacity(host, quiet)),
        }
    return {**result, "checks": [asdict(check) for check in checks(result)]}


def kill_all(host: Host, quiet: Mapping[str, bytes], num_kills: int, end: float, done: list[Kill]) -> str | None:
    """Kills in random order until the time is over; returns why it could not go on, or None."""
    chance = Random(0)
    for _ in tqdm(range(num_kills), desc="kills", unit="kill"):
        if time.monotonic() > end:
            break
        (kind,) = chance.choices([*WEIGHTS], [*WEIGHTS.values()])
        try:
            done.append(kill(host, quiet, kind))
        except RuntimeError as error:
            return f"after a killed {kind}: {error}"
    return None


def kill(host: Host, quiet: Mapping[str, bytes], kind: str) -> Kill:
    """Kills a process of a kind, and waits until all are back."""
    members = host.processes()
    victim = random.choice(host.of_kind(kind))
    at, ended = time.monotonic(), None
    victim.kill()
    killed = time.monotonic()
    answered = threading.Event()
    served: list[float] = []
    threading.Thread(target=probe, args=(host, quiet, served, answered), daemon=True).start()
    if kind in ENDING:
        ended = host.restart(members)
    else:
        eventually(lambda: has_ended(victim), 10, POLL_SECONDS)
    host.wait_until_full(num_cores())
    full = time.monotonic() - at
    answered.wait()
    return Kill(kind, at, killed, served[0] - at, full, ended)


def has_ended(process: psutil.Process) -> bool:
    """Whether nothing of it is left but its status."""
    try:
        return not process.is_running() or bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:  # it ended between the two
        return True


def probe(host: Host, quiet: Mapping[str, bytes], served: list[float], answered: threading.Event) -> None:
    """Asks until an answer is right, and notes when it was."""
    caller = Caller(host.url, quiet)
    while caller.judged("good", good_requests()[0]).problem:
        time.sleep(POLL_SECONDS)
    served.append(time.monotonic())
    caller.close()
    answered.set()


def with_losses(done: Sequence[Kill], outcomes: Sequence[Outcome]) -> list[Kill]:
    """Counts for each kill the requests that failed between it and the next one."""
    failed = [outcome for outcome in outcomes if outcome.problem]
    ends = [each.at for each in done[1:]] + [float("inf")]
    found = []
    for each, end in zip(done, ends, strict=True):
        lost = [outcome for outcome in failed if each.at <= outcome.asked + outcome.took < end]
        before = sum(outcome.asked < each.killed for outcome in lost)
        found.append(replace(each, lost_before=before, lost_after=len(lost) - before))
    return found


def capacity(host: Host, quiet: Mapping[str, bytes]) -> dict[str, Any]:
    """Asks as many at once as there are places, a few times; says what was refused, and what is left over."""
    statuses: Counter[str] = Counter()
    for _ in range(CAPACITY_ROUNDS):
        statuses.update(str(each) for each in at_once(host, quiet, MAX_REQUESTS))
    emptied = eventually(lambda: host.bodies() == [], IDLE_SECONDS)
    return {
        "at_once": dict(statuses),
        "ready_workers": len(host.ready_workers()),
        "wanted_workers": num_cores(),
        "bodies_left": 0 if emptied else len(host.bodies()),
    }


def at_once(host: Host, quiet: Mapping[str, bytes], num_requests: int) -> list[int]:
    """The statuses of requests that are sent at once."""
    barrier, statuses = threading.Barrier(num_requests), []

    def ask() -> None:
        caller = Caller(host.url, quiet)
        barrier.wait()
        statuses.append(caller.judged("good", good_requests()[0]).status)
        caller.close()

    threads = [threading.Thread(target=ask) for _ in range(num_requests)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses


def of_kinds(result: Mapping[str, Any], kinds: Mapping[str, int]) -> list[Mapping[str, Any]]:
    """The kills of these kinds."""
    return [each for each in result["kills"] if each["kind"] in kinds]


def checks(result: Mapping[str, Any]) -> list[Check]:
    """The bars."""
    mended = of_kinds(result, MENDED)
    slowest = max((each["served"] for each in mended), default=0.0)
    strays = sum(each["lost_after"] for each in mended if each["kind"] == "nginx worker")
    most = max((each["lost_before"] + each["lost_after"] for each in mended if each["kind"] == "worker"), default=0)
    at_once_good = result["at_once"].get("200", 0)
    return [
        Check("the server came back from every kill", result["failure"] or "it did", result["failure"] is None),
        Check("no wrong answer", f"{len(result['wrong'])} of {result['requests']}", not result["wrong"]),
        Check(
            f"served again within {MOST_RECOVERY_SECONDS:g} s where the container goes on",
            f"{slowest:.1f} s at most",
            slowest < MOST_RECOVERY_SECONDS,
        ),
        Check(
            f"a killed worker takes at most its batch of {BATCH_SIZE} along",
            f"{most} at most",
            most <= BATCH_SIZE,
        ),
        Check("a killed nginx worker takes no later request along", f"{strays}", strays == 0),
        Check(
            f"afterwards {MAX_REQUESTS} requests at once are answered",
            f"{at_once_good} of {CAPACITY_ROUNDS * MAX_REQUESTS}",
            at_once_good == CAPACITY_ROUNDS * MAX_REQUESTS,
        ),
        Check(
            "afterwards every worker is ready",
            f"{result['ready_workers']} of {result['wanted_workers']}",
            result["ready_workers"] == result["wanted_workers"],
        ),
        Check("no body is left in the spool folder", f"{result['bodies_left']}", result["bodies_left"] == 0),
    ]


def by_kind(result: Mapping[str, Any]) -> list[list[str]]:
    """A row for each kind: kills, seconds until served, seconds until full, requests lost."""
    rows = []
    for kind in WEIGHTS:
        some = of_kinds(result, {kind: 1})
        if some:
            lost = f"{sum(each['lost_before'] for each in some)} / {sum(each['lost_after'] for each in some)}"
            rows.append([kind, str(len(some)), _spread(some, "served"), _spread(some, "full"), lost])
    return rows


def _spread(some: Sequence[Mapping[str, Any]], name: str) -> str:
    values = [each[name] for each in some]
    return f"{statistics.median(values):.1f} ({max(values):.1f})"
