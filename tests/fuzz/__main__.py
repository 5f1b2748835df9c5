"""`make fuzz MINUTES=30`: mutated sound files through the whole decoder, in a process that is watched.

The corpus is made anew from synthetic sound. A body that kills, hangs or fills the decoder, or raises anything but a
caller's error, is written to build/fuzz/ with its seed, and the program ends with status 1.

`make fuzz GUIDED=1` fuzzes the readers of our own instead, guided by the branches that an input reaches.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from pathlib import Path
from random import Random

from tests.fuzz import guided
from tests.fuzz.mutations import mutated
from tests.support import damage
from tests.support.watched_decoder import WatchedDecoder

_FINDINGS = Path("build/fuzz")
# Alternately whole seconds and a few frames, in which a mutation meets a header more often.
_SECONDS = (1.0, 0.1)


def corpus() -> list[tuple[str, bytes]]:
    """Returns names and bodies: every encoding, of two lengths and one or two channels."""
    return [
        (f"{encoding}-{seconds}-{num_channels}", body)
        for seconds in _SECONDS
        for num_channels in (1, 2)
        for encoding, body in damage.clips(seconds, num_channels).items()
    ]


def fuzz(seconds: float, first_seed: int, decoder: WatchedDecoder) -> Counter[str]:
    """Tries bodies until the time is over, and counts what became of them: "samples", "refused", "fault"."""
    bodies = corpus()
    others = [body for _, body in bodies]
    counts: Counter[str] = Counter()
    end_seconds = time.monotonic() + seconds
    seed = first_seed
    while time.monotonic() < end_seconds:
        name, body = bodies[seed % len(bodies)]
        broken = mutated(body, others, Random(seed))
        outcome = decoder.decode(broken)
        counts["fault" if outcome.fault else "refused" if outcome.refusal else "samples"] += 1
        if outcome.fault:
            _FINDINGS.mkdir(parents=True, exist_ok=True)
            (_FINDINGS / f"{name}-{seed}").write_bytes(broken)
            print(f"seed {seed} ({name}): {outcome.fault}", file=sys.stderr, flush=True)
        seed += 1
    return counts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=0, help="of the first body")
    parser.add_argument("--guided", action="store_true", help="the readers of our own, each for its share of the time")
    arguments = parser.parse_args()
    if arguments.guided:
        return _fuzz_guided(60 * arguments.minutes, arguments.seed)
    with WatchedDecoder() as decoder:
        counts = fuzz(60 * arguments.minutes, arguments.seed, decoder)
        print(f"{dict(counts)}; the decoder's process holds {decoder.memory_bytes() >> 20} MiB")
    return 1 if counts["fault"] else 0


def _fuzz_guided(seconds: float, seed: int) -> int:
    if not guided.is_available():
        print("fuzz: atheris is not installed; it has packages for Python 3.11 to 3.13 on x86-64", file=sys.stderr)
        return 1
    return 1 if guided.run(seconds, seed) else 0


if __name__ == "__main__":
    sys.exit(main())
