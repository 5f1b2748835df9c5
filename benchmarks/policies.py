"""What a 10 s clip costs under other policies: workers, requests per batch, and the flags of TorchServe's JVM.

All servers run at once and are asked in turns, so that whatever else runs on the machine slows them alike; and it is
their processor time that counts. Eight callers ask again as soon as they are answered.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import re
import statistics
import subprocess
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from unittest.mock import patch

import psutil
from tqdm import tqdm

from benchmarks.calls import Callers, closed_loop
from benchmarks.load import CLIP_SECONDS, clips
from benchmarks.options import BUILD, TREE
from benchmarks.processor_time import CALLERS, processor_seconds
from benchmarks.report import keep, table
from benchmarks.server import Served, behind_front
from deploy.archive import MODEL_NAME

NUM_CALLERS = 8
COMMON_POOL = "java.util.concurrent.ForkJoinPool.common.parallelism"


@dataclass(frozen=True)
class Policy:
    """One way of running the server.

    Attributes:
        name: For the table.
        num_workers: Worker processes.
        batch_size: Requests that one takes at once.
        java: Flags that replace those of config.properties.
        environment: Variables of the server.
    """

    name: str
    num_workers: int = 2
    batch_size: int = 3
    java: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)


POLICIES = (
    Policy("2 workers, 3 requests (as served on 2 cores)"),
    Policy("2 workers, 1 request", batch_size=1),
    Policy("2 workers, 2 requests", batch_size=2),
    Policy("2 workers, 4 requests", batch_size=4),
    Policy("1 worker, 3 requests", num_workers=1),
    Policy("1 worker, 8 requests", num_workers=1, batch_size=8),
    Policy("3 workers, 1 request", num_workers=3, batch_size=1),
    Policy("3 workers, 3 requests", num_workers=3),
    Policy("as served, glibc's allocator", environment={"LD_PRELOAD": ""}),
    Policy("as served, a Java thread for each batch", java=f"-D{COMMON_POOL}=1"),
    Policy("as served, all of Java's compilers", java="-XX:TieredStopAtLevel=4"),
    Policy("as served, all compilers, G1", java="-XX:-UseSerialGC -XX:+UseG1GC -XX:TieredStopAtLevel=4"),
)


@dataclass
class Measured:
    """What was seen of a policy so far; times are milliseconds of processor time for each request.

    Attributes:
        served: Its server.
        rounds: For each round what every kind of process took.
        latencies: Seconds that answers took.
    """

    served: Served
    rounds: list[dict[str, float]] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)

    def ask(self, bodies: Sequence[bytes], seconds: float) -> None:
        """One round."""
        callers = Callers(self.served.url)
        before = processor_seconds(self.served.processes())
        run = closed_loop(callers, bodies, NUM_CALLERS, seconds)
        after = processor_seconds(self.served.processes())
        self.rounds.append({kind: 1000 * (after[kind] - before[kind]) / run.num_answered for kind in before})
        self.latencies.append(NUM_CALLERS / run.rate)

    def cells(self) -> list[str]:
        """A row of the table."""
        medians = {kind: statistics.median(each[kind] for each in self.rounds) for kind in self.rounds[0]}
        server = sum(taken for kind, taken in medians.items() if kind != CALLERS)
        memory = sum(process.memory_full_info().pss for process in self.served.processes()["worker"]) / (1 << 20)
        shown = [medians["worker"], medians["JVM"], medians.get("nginx", 0.0), server]
        answer = 1000 * statistics.median(self.latencies)
        return [*(f"{taken:.1f}" for taken in shown), f"{answer:.0f} ms", f"{memory:.0f} MB"]


@contextlib.contextmanager
def served_by(policy: Policy, model: Path, number: int) -> Iterator[Measured]:
    """Runs a server of that policy for the length of the `with` block."""
    store = BUILD / "policies" / str(number)
    subprocess.run([TREE / "build_mar.sh", "--model", model, "--output", store], check=True, stdout=subprocess.PIPE)
    set_batch_size(store / f"{MODEL_NAME}.mar", policy.batch_size)
    # _JAVA_OPTIONS goes before what stands on Java's command line.
    changed = {"TS_DEFAULT_WORKERS_PER_MODEL": str(policy.num_workers), "_JAVA_OPTIONS": policy.java}
    with patch.dict(os.environ, {**changed, **policy.environment}), behind_front(store) as served:
        yield Measured(served)


def set_batch_size(archive: Path, batch_size: int) -> None:
    """Replaces the batch size in an archive's model-config.yaml."""
    changed = archive.with_suffix(".changed")
    with zipfile.ZipFile(archive) as before, zipfile.ZipFile(changed, "w") as after:
        for name in before.namelist():
            content = before.read(name)
            if name == "model-config.yaml":
                content = re.sub(rb"(?m)^batchSize: \d+$", f"batchSize: {batch_size}".encode(), content)
            after.writestr(name, content)
    changed.replace(archive)


def main() -> None:
    """Measures, prints and keeps the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=TREE / "model" / "model.pt2", help="model file")
    parser.add_argument("--rounds", type=int, default=6, help="of each policy, the first unmeasured (default: 6)")
    parser.add_argument("--seconds", type=float, default=4.0, help="of a round (default: 4)")
    parser.add_argument("--policies", type=int, default=len(POLICIES), help="only the first so many")
    options = parser.parse_args()
    bodies = [file.read_bytes() for file in clips(CLIP_SECONDS)]
    chosen = POLICIES[: options.policies]
    with contextlib.ExitStack() as stack:
        measured = [
            stack.enter_context(served_by(policy, options.model, number))
            for number, policy in enumerate(tqdm(chosen, desc="starting", unit="server"))
        ]
        for number in tqdm(range(options.rounds), desc="rounds", unit="round"):
            for each in measured:
                each.ask(bodies, options.seconds)
                if number == 0:  # Java and the allocators warm up
                    each.rounds.clear()
                    each.latencies.clear()
        rows = [[policy.name, *each.cells()] for policy, each in zip(chosen, measured, strict=True)]
    header = [
        "10 s MP3, 8 callers; processor ms per request",
        "workers",
        "JVM",
        "nginx",
        "server",
        "answer",
        "memory of the workers",
    ]
    cores = len(psutil.Process().cpu_affinity() or [])
    note = f"Medians over {options.rounds - 1} rounds of {options.seconds:g} s on {cores} cores, all servers in turns."
    keep("policies", "Policies of the server", f"{table(header, rows)}\n\n{note}")


if __name__ == "__main__":
    main()
