r"""What 1,000 hours of audio cost on SageMaker, from the measured rate and prices that you give.

    python -m benchmarks.cost --price ml.c6i.large=0.10 --price ml.c7i.xlarge=0.21

The command that shows a price:

    aws pricing get-products --region us-east-1 --service-code AmazonSageMaker --max-items 1 --filters \
        Type=TERM_MATCH,Field=instanceName,Value=ml.c7i.xlarge Type=TERM_MATCH,Field=component,Value=Hosting \
        Type=TERM_MATCH,Field=regionCode,Value=us-east-1

The rate is that of benchmarks/results/load.json, for each core of the machine that it was measured on. A vCPU counts as
one of these cores. With a GPU the rate is the highest that is possible: the model costs nothing, and the vCPUs still
receive and decode.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.results import RESULTS, kept, table

CLIPS, HOUR = "10 s of MP3, 8 callers", "1 h of MP3, 1 caller"
SERVER = "this server"
HOURS = 1_000


@dataclass(frozen=True)
class Instance:
    """A type of instance.

    Attributes:
        num_vcpus: As AWS lists them.
        has_gpu: Whether the model runs on a GPU.
    """

    num_vcpus: int
    has_gpu: bool = False


INSTANCES = {
    "ml.c6i.large": Instance(2),
    "ml.c7i.xlarge": Instance(4),
    "ml.g5.xlarge": Instance(4, has_gpu=True),
}


def rate(instance: Instance, work: Mapping[str, Any], num_cores: int) -> float:
    """Returns how many seconds of audio an instance tags in a second.

    Args:
        instance: The instance.
        work: One of the works of load.json.
        num_cores: The cores that it was measured on.
    """
    speeds = sorted(work["servers"][SERVER]["speeds"])
    core_seconds = num_cores / float(speeds[len(speeds) // 2])
    if instance.has_gpu:
        core_seconds -= float(work["scoring_seconds"])
    return instance.num_vcpus / core_seconds


def cost(price_per_hour: float, audio_rate: float) -> float:
    """Returns the price of tagging HOURS of audio on an instance that is always busy."""
    return price_per_hour * HOURS / audio_rate


def measured_cores(result: Mapping[str, Any]) -> int:
    """Returns the cores that a result was measured on, which its description of the machine names."""
    (words,) = [part.strip() for part in result["machine"].split(",") if part.strip().endswith(" cores")]
    return int(words.split()[0])


def text(result: Mapping[str, Any], prices: Mapping[str, float]) -> str:
    """Returns the table: rates, and costs where there is a price."""
    num_cores, works = measured_cores(result), (result["works"][CLIPS], result["works"][HOUR])
    rows = []
    for name, instance in INSTANCES.items():
        rates = [rate(instance, work, num_cores) for work in works]
        costs = [f"{cost(prices[name], of_work):.3g}" if name in prices else "" for of_work in rates]
        given = f"{prices[name]:g}" if name in prices else ""
        most = "at most " if instance.has_gpu else ""
        rows.append([name, str(instance.num_vcpus), *(f"{most}{of_work:.0f}" for of_work in rates), given, *costs])
    header = ["instance", "vCPUs", "s of audio per s, clips", "recordings of 1 h", "price per hour"]
    return table([*header, f"{HOURS:,} h of clips", f"{HOURS:,} h of recordings"], rows)


def break_even(result: Mapping[str, Any]) -> float:
    """Returns how many times the price of ml.c7i.xlarge ml.g5.xlarge may have at most to be the cheaper one."""
    num_cores, clips = measured_cores(result), result["works"][CLIPS]
    return rate(INSTANCES["ml.g5.xlarge"], clips, num_cores) / rate(INSTANCES["ml.c7i.xlarge"], clips, num_cores)


def parse_price(words: str) -> tuple[str, float]:
    """Reads INSTANCE=PRICE."""
    name, _, price = words.partition("=")
    if name not in INSTANCES:
        raise argparse.ArgumentTypeError(f"{name!r} is not one of {', '.join(INSTANCES)}")
    try:
        value = float(price)
    except ValueError:
        value = 0.0
    if value <= 0:
        raise argparse.ArgumentTypeError(f"the price {price!r} of {name} is not a number above 0")
    return name, value


def main() -> int:
    """Prints the table; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.cost", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--price", type=parse_price, action="append", default=[], metavar="INSTANCE=PRICE")
    parser.add_argument("--results", type=Path, default=RESULTS, help="the folder with load.json (benchmarks/results)")
    options = parser.parse_args()
    result = kept("load", options.results)
    if result is None:
        parser.error(f"{options.results} has no load.json: measure it with python -m benchmarks load")
    print(f"{text(result, dict(options.price))}\n")
    print(f"Measured: {result['machine']}.")
    print(f"ml.g5.xlarge is cheaper than ml.c7i.xlarge below {break_even(result):.2f} times its price.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
