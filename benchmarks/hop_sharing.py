"""What sharing hops between windows is worth: the bundled model as it is served, and on whole windows.

Both ways score the same windows of the same recording with the same model file on one core; their turns alternate.

shared hops     the handler's batches: each second is encoded once, and neighbouring windows share what it gave
whole windows   each window brings its own two seconds, so every second is encoded twice; in batches of as many windows,
                and of as many hops
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import torch
from tqdm import tqdm

from benchmarks.report import keep, table
from handler.model.loading import Model, load_model
from handler.model.scoring import default_batch_hops
from tests.support.audio import lively

TREE = Path(__file__).resolve().parent.parent
CPU = torch.device("cpu")
BAR_HOPS_PER_SECOND, BAR_RATIO = 700, 1.7
Way = Callable[[Model, torch.Tensor], None]


def shared_hops(model: Model, hops: torch.Tensor) -> None:
    """Scores as `handler.tagger` does: each batch begins with the hops that it shares with the last one."""
    shared = model.info.grid.window_hops - 1
    for first in range(0, len(hops) - shared, default_batch_hops(CPU)):
        batch = hops[first : first + default_batch_hops(CPU) + shared]
        model.score(batch, torch.arange(len(batch) - shared))


def whole_windows(batch_windows: int) -> Way:
    """Scores windows that share nothing, so many in a batch."""

    def score(model: Model, hops: torch.Tensor) -> None:
        window_hops = model.info.grid.window_hops
        windows = hops.unfold(0, window_hops, 1).transpose(1, 2)
        for batch in torch.split(windows, batch_windows):
            model.score(batch.reshape(-1, hops.shape[1]), torch.arange(len(batch)) * window_hops)

    return score


def rates(ways: dict[str, Way], model: Model, hops: torch.Tensor, rounds: int) -> dict[str, list[float]]:
    """Windows per second of CPU time of this process, for each way in each round; all take turns."""
    num_windows = len(hops) - model.info.grid.window_hops + 1
    measured: dict[str, list[float]] = {name: [] for name in ways}
    for _ in tqdm(range(rounds), unit="round"):
        for name, way in ways.items():
            start_seconds = time.process_time()
            way(model, hops)
            measured[name].append(num_windows / (time.process_time() - start_seconds))
    return measured


def summary(measured: dict[str, list[float]], what: str) -> str:
    """The table, and whether the bars are met; the first way is the shared hops."""
    shared, *others = medians = [statistics.median(each) for each in measured.values()]
    rows = [
        [name, f"{median:.0f}", f"{min(each):.0f} to {max(each):.0f}", f"{shared / median:.2f}"]
        for (name, each), median in zip(measured.items(), medians, strict=True)
    ]
    ratio = shared / max(others)
    verdict = "both met" if shared >= BAR_HOPS_PER_SECOND and ratio >= BAR_RATIO else "MISSED"
    return (
        f"{table(['way', 'windows per second of one core', 'range', 'shared hops are faster by'], rows)}\n\n{what}\n\n"
        f"Wanted: at least {BAR_HOPS_PER_SECOND} hops per second, and at least {BAR_RATIO} times whole windows in the "
        f"faster batches. Measured: {shared:.0f}, and {ratio:.2f} times: {verdict}."
    )


def main() -> None:
    """Measures, prints and keeps the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=TREE / "model" / "model.pt2", help="model file")
    parser.add_argument("--seconds", type=int, default=257, help="length of the recording (default: 257)")
    parser.add_argument("--rounds", type=int, default=15, help="turns of each way (default: 15)")
    options = parser.parse_args()
    torch.set_num_threads(1)
    model, batch_hops = load_model(options.model, CPU), default_batch_hops(CPU)
    samples = lively(options.seconds, sample_rate=model.info.sample_rate)[:, 0]
    hops = torch.from_numpy(samples).reshape(-1, model.info.hop_samples)
    ways = {
        f"shared hops, {batch_hops} in a batch": shared_hops,
        f"whole windows, {batch_hops} in a batch": whole_windows(batch_hops),
        f"whole windows, {batch_hops} hops in a batch": whole_windows(batch_hops // model.info.grid.window_hops),
    }
    rates(ways, model, hops[: 2 * batch_hops], rounds=1)  # the first calls take longer
    what = (
        f"Windows of {model.info.grid.window_seconds} s, one every second: a window per second is a hop per second. "
        f"One thread, CPU time, medians of {options.rounds} turns over {options.seconds} s of audio."
    )
    measured = rates(ways, model, hops, options.rounds)
    keep("hop_sharing", "What sharing hops between windows is worth", summary(measured, what))


if __name__ == "__main__":
    main()
