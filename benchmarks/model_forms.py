"""The forms in which a CPU can run a model file: how fast each is on one core, and how far off its probabilities are.

All forms take turns in one process, so that whatever else runs on the machine slows them alike.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch
from tqdm import tqdm

from benchmarks.report import keep, table
from handler.audio.stream import AudioStream
from handler.media import EncodedAudio
from handler.memory import keep_freed_memory
from handler.model.file import ModelInfo, read_program
from handler.model.torchscript import frozen
from handler.windows import HopCutter

TREE = Path(__file__).resolve().parent.parent
EXPORTED = "as exported"
SERVED = "frozen TorchScript, channels-last (served)"
Inputs = tuple[torch.Tensor, torch.Tensor]
Form = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]


def channels_last(program: torch.nn.Module) -> torch.nn.Module:
    """Lays the weights of two-dimensional convolutions out anew, in place."""
    for weights in program.parameters():
        if weights.dim() == 4:
            weights.data = weights.data.contiguous(memory_format=torch.channels_last)
    return program


def in_bfloat16(form: Form) -> Form:
    """Runs what torch's autocast deems fit for it in bfloat16."""

    def run(hops: torch.Tensor, starts: torch.Tensor) -> torch.Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return form(hops, starts).float()

    return run


def frozen_in_bfloat16(program: torch.nn.Module, example: Inputs) -> Form:
    """The same as frozen TorchScript, in which the weights are converted once."""
    with torch.autocast("cpu", torch.bfloat16, cache_enabled=False):
        script = frozen(program, example)
    return lambda hops, starts: script(hops, starts).float()


def forms_of(path: Path, info: ModelInfo, *, compile_too: bool) -> dict[str, Form]:
    """Returns every form under its name."""

    def program() -> torch.nn.Module:
        return read_program(path)[0].module()

    example = noise(info, 32)
    optimised = torch.jit.optimize_for_inference(frozen(program(), example))
    forms: dict[str, Form] = {
        EXPORTED: program(),
        "channels-last weights": channels_last(program()),
        SERVED: frozen(program(), example),
        "the same, optimize_for_inference": optimised,
        "bfloat16 where autocast sees fit": in_bfloat16(channels_last(program())),
        "the same as frozen TorchScript": frozen_in_bfloat16(program(), example),
    }
    if compile_too:
        forms["torch.compile (Inductor, C++)"] = torch.compile(channels_last(program()), dynamic=True)
    return forms


def noise(info: ModelInfo, num_hops: int) -> Inputs:
    """A batch of noise in which every hop but the last few begins a window."""
    hops = torch.randn(num_hops, info.hop_samples, generator=torch.Generator().manual_seed(num_hops)) * 0.1
    return hops, torch.arange(num_hops - info.grid.window_hops + 1)


def recording(info: ModelInfo, path: Path) -> Inputs:
    """The hops of a sound file in one batch."""
    stream = AudioStream(
        memoryview(bytearray(path.read_bytes())), EncodedAudio(), sample_rate=info.sample_rate, max_seconds=3600
    )
    cutter = HopCutter(info.hop_samples)
    hops = torch.cat([cutter.push(block) for block in stream])
    return hops, torch.arange(hops.shape[0] - info.grid.window_hops + 1)


def differences(forms: Mapping[str, Form], inputs: Inputs) -> dict[str, float]:
    """How far each form's probabilities are from the exported program's, at most."""
    expected = forms[EXPORTED](*inputs)
    return {name: float((form(*inputs) - expected).abs().max()) for name, form in forms.items()}


def milliseconds(
    forms: Mapping[str, Form], batches: Mapping[int, Inputs], num_rounds: int
) -> dict[tuple[str, int], float]:
    """Median milliseconds per hop of each form at each size of batch, all taking turns."""
    times: dict[tuple[str, int], list[float]] = {(name, size): [] for name in forms for size in batches}
    for number in tqdm(range(num_rounds + 3), desc="rounds", unit="round"):
        for size, inputs in batches.items():
            for name, form in forms.items():
                start = time.perf_counter()
                form(*inputs)
                if number >= 3:  # each has to warm up at each size
                    times[name, size].append(time.perf_counter() - start)
    return {key: 1000 * statistics.median(values) / key[1] for key, values in times.items()}


def forms_table(
    forms: Mapping[str, Form], batches: Mapping[int, Inputs], off: Sequence[Mapping[str, float]], num_rounds: int
) -> str:
    """Speed and accuracy of each form."""
    taken = milliseconds(forms, batches, num_rounds)
    header = ["ms per hop, one core; hops in a batch:", *map(str, batches), "off on noise", "off on the recording"]
    rows = [
        [name, *(f"{taken[name, size]:.2f}" for size in batches), *(f"{each[name]:.0e}" for each in off)]
        for name in forms
    ]
    return table(header, rows)


def allocator_table(form: Form, batches: Mapping[int, Inputs], num_rounds: int) -> str:
    """The same form with glibc's allocator as it is, then with freed memory kept, which cannot be taken back."""
    before = {size: _with_faults(form, inputs, num_rounds) for size, inputs in batches.items()}
    keep_freed_memory()
    after = {size: _with_faults(form, inputs, num_rounds) for size, inputs in batches.items()}
    header = ["hops in a batch", "ms per hop", "pages faulted in per batch", "ms per hop, freed memory kept", "pages"]
    rows = [[str(size), *before[size], *after[size]] for size in batches]
    return table(header, rows)


def _with_faults(form: Form, inputs: Inputs, num_rounds: int) -> list[str]:
    """Median milliseconds per hop, and pages that the kernel had to give per call."""
    for _ in range(3):
        form(*inputs)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    times = []
    for _ in range(num_rounds):
        start = time.perf_counter()
        form(*inputs)
        times.append(time.perf_counter() - start)
    faults = resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
    return [f"{1000 * statistics.median(times) / len(inputs[0]):.2f}", f"{faults / num_rounds:.0f}"]


def operations_table(form: Form, inputs: Inputs, num_rows: int) -> str:
    """Which operations the time goes into."""
    with torch.profiler.profile() as profile:
        for _ in range(10):
            form(*inputs)
    spent = {each.key: each.self_cpu_time_total for each in profile.key_averages()}
    whole = sum(spent.values())
    rows = [[name, f"{100 * spent[name] / whole:.0f} %"] for name in sorted(spent, key=spent.__getitem__, reverse=True)]
    return table([f"operation, batches of {len(inputs[0])}", "share of the time"], rows[:num_rows])


@contextmanager
def quiet() -> Iterator[None]:
    """torch warns of TorchScript's age and of compiling without a GPU."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def main() -> None:
    """Measures, prints and keeps the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=TREE / "model" / "model.pt2", help="model file")
    parser.add_argument("--recording", type=Path, default=TREE / "samples" / "demo.mp3", help="to compare on")
    parser.add_argument("--hops", type=int, nargs="+", default=[8, 16, 32, 64], help="sizes of batch (8 16 32 64)")
    parser.add_argument("--rounds", type=int, default=30, help="calls of each form at each size (default: 30)")
    parser.add_argument("--compile", action="store_true", help="torch.compile too: a minute, and needs a C++ compiler")
    options = parser.parse_args()
    torch.set_num_threads(1)
    info = read_program(options.model)[1]
    batches = {size: noise(info, size) for size in options.hops}
    with quiet(), torch.inference_mode():
        exported = read_program(options.model)[0].module()
        allocator = allocator_table(exported, batches, options.rounds)
        forms = forms_of(options.model, info, compile_too=options.compile)
        off = [differences(forms, noise(info, 64)), differences(forms, recording(info, options.recording))]
        speed = forms_table(forms, batches, off, options.rounds)
        operations = operations_table(
            forms["frozen TorchScript, channels-last (served)"], batches[options.hops[-1]], 12
        )
    notes = 'The file as exported, in one thread. "Off": the largest difference of a probability.'
    keep("model_forms", "Forms of the model on a CPU", "\n\n".join([speed, notes, allocator, operations]))


if __name__ == "__main__":
    main()
