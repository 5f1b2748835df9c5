"""How fast each form of a model runs on one core of a CPU, and how far its probabilities are from the program's own.

    python -m benchmarks.forms_on_cpu [--model MODEL.pt2]

Hops per second of the best of some calls, by processor time: other work on the machine hardly disturbs it.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from pathlib import Path

import torch

from benchmarks.results import table
from handler.model.comparison import distance, tones_in_noise
from handler.model.file import ModelInfo, read_program
from handler.model.forms import CPU_FORMS
from handler.model.program import Inputs, Program

BATCHES = (8, 16, 32, 64)
CALLS = 12
BUNDLED = Path(__file__).resolve().parent.parent / "model" / "model.pt2"


@torch.inference_mode()
def hops_per_second(program: Program, inputs: Inputs) -> float:
    """The rate of the fastest of CALLS calls, after a few that TorchScript settles in."""
    seconds = []
    for _ in range(CALLS):
        begin = time.process_time()
        program(*inputs)
        seconds.append(time.process_time() - begin)
    return len(inputs[0]) / min(seconds[2:])


def inputs_of(num_hops: int, info: ModelInfo) -> Inputs:
    """Tones in noise, and all of their windows."""
    return tones_in_noise(num_hops, info.hop_samples), torch.arange(num_hops - info.grid.window_hops + 1)


def main(arguments: Sequence[str] | None = None) -> None:
    """Prints a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=BUNDLED, help="model file (the bundled one)")
    model = parser.parse_args(arguments).model
    torch.set_num_threads(1)
    exported, info = read_program(model)
    program = exported.module()
    batches = [inputs_of(each, info) for each in BATCHES]
    example = inputs_of(info.grid.window_hops + 1, info)
    forms = {"exported": program} | {form.name: form.make(program, example) for form in CPU_FORMS}
    rows = []
    for name, form in forms.items():
        rates = [f"{hops_per_second(form, inputs):.0f}" for inputs in batches]
        with torch.inference_mode():
            apart = distance(form(*batches[-1]), program(*batches[-1]))
        rows.append([name, *rates, f"{apart.largest:.0e}"])
    print(table(["hops/s on one core; hops in a batch", *map(str, BATCHES), "largest difference"], rows))


if __name__ == "__main__":
    main()
