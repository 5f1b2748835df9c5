"""A model file on a GPU: python -m benchmarks.gpu, in this tree, with PyTorch 2.11. No server is needed.

1. Hops per second of the model alone, on hops that are on the device, in batches of 64 to 4,096: in single precision,
   with TF32, with half precision (the handler's, and automatic), each also as a CUDA graph; and how far probabilities
   move.
2. The same fed from pinned memory of the host, copies and work overlapping.
3. The model as the handler loads and serves it, from hops in the host's memory to probabilities in the host's memory,
   beside the program as it was exported.
4. From the bytes of an MP3 file to JSON, the handler's own pipeline in one process and in several, with all cores
   decoding. This part wants torchcodec and FFmpeg, and is left out where they are not there.

The limit of the last is the slower of decoding and model. With --device cpu everything but CUDA's own runs, too, to
try the script; nothing of that is kept.
"""

from __future__ import annotations

import argparse
import contextlib
import logging
import multiprocessing
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from math import ceil
from pathlib import Path
from threading import Barrier
from typing import Any

import torch
from torch.export.passes import move_to_device_pass

from benchmarks.mpeg_frames import FRAME_SAMPLES, SAMPLE_RATES, audio_frames, frame_sizes
from benchmarks.report import keep, machine, table
from handler.model.comparison import tones_in_noise
from handler.model.cuda_graphs import NUM_STAGINGS
from handler.model.file import read_program
from handler.model.half_precision import in_half_precision
from handler.model.loading import Model, load_model
from handler.model.program import Inputs, Program, UnsuitableProgramError

TREE = Path(__file__).resolve().parent.parent
DEMO = TREE / "samples" / "demo.mp3"
BATCHES = (64, 128, 256, 512, 1024, 2048, 4096)
ACCURACY_HOPS = 256
WARM_UP_SECONDS = 120.0
ROUNDS = 8


@dataclass(frozen=True)
class Loaded:
    """A model file on a device.

    Attributes:
        program: forward(hops, starts) of the contract.
        hop_samples: Samples in a hop.
        window_hops: Hops in a window.
        device: Where it is.
    """

    program: Program
    hop_samples: int
    window_hops: int
    device: torch.device

    def inputs(self, num_hops: int) -> Inputs:
        """Hops of tones in noise at many levels, and every window in them; on the host."""
        return sounds(num_hops, self.hop_samples, self.window_hops)


def sounds(num_hops: int, hop_samples: int, window_hops: int) -> Inputs:
    """What the handler, too, compares forms of a model on."""
    return tones_in_noise(num_hops, hop_samples), torch.arange(num_hops - window_hops + 1)


@dataclass(frozen=True)
class Precision:
    """How the model calculates.

    Attributes:
        name: In the table.
        autocast: The type that it may use; None for single precision.
        tf32: Whether single precision may be rounded to 10 bits of mantissa where it is multiplied.
        form: What it makes of the program beforehand.
    """

    name: str
    autocast: torch.dtype | None = None
    tf32: bool = False
    form: Callable[[Program], Program] = lambda program: program

    @contextlib.contextmanager
    def on(self, device: torch.device) -> Iterator[None]:
        """Holds for the `with` block."""
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = self.tf32
        enabled = self.autocast is not None
        with torch.inference_mode(), torch.autocast(device.type, self.autocast or torch.bfloat16, enabled=enabled):
            yield


SINGLE = Precision("float32")
PRECISIONS = (
    SINGLE,
    Precision("float32, TF32", tf32=True),
    Precision("float16 after logarithms", form=in_half_precision),
    Precision("float16 autocast", torch.float16),
    Precision("bfloat16 autocast", torch.bfloat16),
)


def load(model_file: Path, device: torch.device) -> Loaded:
    """Loads a model file's program, which nothing of the handler's runs."""
    program, info = read_program(model_file)
    module = move_to_device_pass(program, device).module()
    return Loaded(module, info.hop_samples, info.grid.window_hops, device)


def wait(device: torch.device) -> None:
    """Until the device has done what it was given."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def median_seconds(call: Callable[[], object], device: torch.device, seconds: float) -> float:
    """Of calls that wait for the device, for about that long, after three that do not count."""
    for _ in range(3):
        call()
    wait(device)
    times: list[float] = []
    while len(times) < 3 or sum(times) < seconds:
        start = time.perf_counter()
        call()
        wait(device)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def eager(model: Loaded, num_hops: int) -> Callable[[], object]:
    """Calls the model on hops that are on its device."""
    hops, starts = (each.to(model.device) for each in model.inputs(num_hops))
    return lambda: model.program(hops, starts)


def graphed(model: Loaded, num_hops: int) -> Callable[[], object]:
    """The same, recorded once as a CUDA graph and replayed."""
    call = eager(model, num_hops)
    stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
    stream.wait_stream(torch.cuda.current_stream())
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.stream(stream):  # which a recording that fails would not leave by itself
        for _ in range(3):
            call()
        with torch.cuda.graph(graph, stream=stream):
            call()
    return graph.replay


def fed(model: Loaded, num_hops: int) -> Callable[[], object]:
    """Hops come from the host's pinned memory and probabilities go back, on two streams in turns."""
    pinned = [[each.pin_memory() for each in model.inputs(num_hops)] for _ in range(2)]
    streams = [torch.cuda.Stream() for _ in range(2)]  # type: ignore[no-untyped-call]

    def call() -> None:
        for turn in range(ROUNDS):
            hops, starts = pinned[turn % 2]
            with torch.cuda.stream(streams[turn % 2]):
                on_device = hops.to(model.device, non_blocking=True)
                model.program(on_device, starts.to(model.device, non_blocking=True)).to("cpu", non_blocking=True)

    return call


WAYS = {"eager": (eager, 1), "CUDA graph": (graphed, 1), "from pinned memory": (fed, ROUNDS)}


def speed_cell(model: Loaded, precision: Precision, way: str, num_hops: int, seconds: float) -> str:
    """Hops per second, or in short why there is no figure."""
    prepare, batches_in_call = WAYS[way]
    try:
        with precision.on(model.device):
            formed = replace(model, program=precision.form(model.program))
            taken = median_seconds(prepare(formed, num_hops), model.device, seconds)
    except (
        RuntimeError,
        UnsuitableProgramError,
    ) as error:  # out of memory, or an operation that the way does not allow
        print(f"{precision.name}, {way}, {num_hops} hops: {error}", file=sys.stderr)
        return type(error).__name__
    return f"{batches_in_call * num_hops / taken:,.0f}"


def difference(model: Loaded, precision: Precision, heard: Inputs | None = None) -> str:
    """The largest and the mean distance of any probability from single precision's."""
    hops, starts = (each.to(model.device) for each in heard or model.inputs(ACCURACY_HOPS))
    with SINGLE.on(model.device):
        expected = model.program(hops, starts).float()
    try:
        program = precision.form(model.program)
    except UnsuitableProgramError as error:
        return str(error)
    with precision.on(model.device):
        return distance_cell(program(hops, starts).float() - expected)


def distance_cell(differences: torch.Tensor) -> str:
    """The largest and the mean one, or how many are no number."""
    if not torch.isfinite(differences).all():
        return f"no number in {float((~torch.isfinite(differences)).float().mean()):.1%}"
    return f"{float(differences.abs().max()):.1e} (mean {float(differences.abs().mean()):.1e})"


def model_alone(
    model: Loaded, batches: Sequence[int], seconds: float, recordings: Mapping[str, Inputs] | None = None
) -> str:
    """The first two tables in one."""
    ways = list(WAYS) if model.device.type == "cuda" else ["eager"]
    heard = {"tones in noise": model.inputs(ACCURACY_HOPS), **(recordings or {})}
    rows = []
    for precision in PRECISIONS:
        moved = [difference(model, precision, inputs) for inputs in heard.values()]
        for way in ways:
            print(f"{precision.name}, {way} ...", file=sys.stderr)
            cells = [speed_cell(model, precision, way, num_hops, seconds) for num_hops in batches]
            rows.append([precision.name, way, *cells, *moved])
    moves = [f"{name}: probabilities move by at most" for name in heard]
    return table(["precision", "way", *(f"{num_hops} hops" for num_hops in batches), *moves], rows)


def recorded(model_file: Path, audio: Sequence[Path]) -> dict[str, Inputs]:
    """The hops of sound files by their names; none where there is nothing to decode them with."""
    try:
        from benchmarks.model_forms import recording

        _, info = read_program(model_file)
        return {file.name: recording(info, file) for file in audio}
    except (ImportError, RuntimeError, OSError) as error:  # torchcodec's, where FFmpeg's libraries are missing
        print(f"no recordings: {str(error).splitlines()[0]}", file=sys.stderr)
        return {}


def served_seconds(model: Model, inputs: Inputs, num_threads: int, seconds: float) -> float:
    """What a batch takes from the host's memory to the host's memory, that many threads scoring at once."""
    with ThreadPoolExecutor(num_threads) as threads:

        def call() -> None:
            for future in [threads.submit(model.score, *inputs) for _ in range(ROUNDS)]:
                future.result()

        return median_seconds(call, model.device, seconds) / ROUNDS


def as_served(model_file: Path, batches: Sequence[int], device: torch.device, seconds: float) -> str:
    """The table of what the handler serves."""
    rows: list[list[str]] = []
    expected = None
    for form in ("exported", "auto"):
        start = time.perf_counter()
        model = load_model(model_file, device, form=form)
        loading = f"{time.perf_counter() - start:.1f} s"
        inputs = partial(sounds, hop_samples=model.info.hop_samples, window_hops=model.info.grid.window_hops)
        probabilities = torch.from_numpy(model.score(*inputs(ACCURACY_HOPS)))
        expected = probabilities if expected is None else expected
        for num_threads in (1, NUM_STAGINGS):
            print(f"served {model.form}, {num_threads} threads ...", file=sys.stderr)
            taken = [served_seconds(model, inputs(count), num_threads, seconds) for count in batches]
            cells = [f"{count / each:,.0f}" for count, each in zip(batches, taken, strict=True)]
            rows.append([model.form, str(num_threads), *cells, distance_cell(probabilities - expected), loading])
    columns = [f"{num_hops} hops" for num_hops in batches]
    return table(["served", "threads", *columns, "probabilities move by at most", "loaded and tried in"], rows)


@dataclass(frozen=True)
class Work:
    """What each process of the pipeline does.

    Attributes:
        model_file: The model.
        device: Where it runs.
        audio: An MP3 file whose frames are repeated.
        audio_seconds: For about that long.
        job: "tag": from bytes to JSON. "decode": to samples at the model's rate, and nothing more.
    """

    model_file: Path
    device: torch.device
    audio: Path
    audio_seconds: float
    job: str


@dataclass(frozen=True)
class Span:
    """When a process began and ended (the system's monotonic clock), and how much audio it did."""

    start: float
    end: float
    audio_seconds: float


class _Held:
    together: Barrier


def speed(work: Work, num_processes: int) -> float:
    """Seconds of audio per second that so many processes do together, each a file of its own."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(num_processes, _hold, (context.Barrier(num_processes),)) as processes:
        spans = processes.map(_do, [work] * num_processes, chunksize=1)
    seconds = max(span.end for span in spans) - min(span.start for span in spans)
    return sum(span.audio_seconds for span in spans) / seconds


def _hold(together: Barrier) -> None:
    _Held.together = together


def _do(work: Work) -> Span:
    from handler.memory import keep_freed_memory

    keep_freed_memory()
    job = {"tag": _tagger, "decode": _decoder}[work.job](work)
    body = repeated(work.audio, work.audio_seconds)
    job(repeated(work.audio, WARM_UP_SECONDS))
    _Held.together.wait()
    start = time.monotonic()
    audio_seconds = job(body)
    return Span(start, time.monotonic(), audio_seconds)


def _tagger(work: Work) -> Callable[[bytes], float]:
    """What tags a body as the handler does, and returns the seconds of audio in it."""
    from handler.model.scoring import ScoringPool, default_batch_hops, default_num_threads
    from handler.tagger import tag
    from handler.wire.response import encode_windows

    model = load_model(work.model_file, work.device)
    info, pool = model.info, ScoringPool(model, default_num_threads(work.device))

    def run(body: bytes) -> float:
        (tagged,) = tag([_stream(body, info.sample_rate)], pool, batch_hops=default_batch_hops(work.device))
        if tagged.error is not None:
            raise tagged.error
        encode_windows(tagged.probabilities, thresholds=info.thresholds, tags=info.tags, grid=info.grid)
        return tagged.duration_seconds

    return run


def _decoder(work: Work) -> Callable[[bytes], float]:
    """What decodes a body as the handler does, and returns the seconds of audio in it."""
    sample_rate = load_model(work.model_file, torch.device("cpu")).info.sample_rate
    torch.set_num_threads(1)

    def run(body: bytes) -> float:
        stream = _stream(body, sample_rate)
        for _ in stream:
            pass
        return float(stream.duration_seconds)

    return run


def _stream(body: bytes, sample_rate: int) -> Any:  # noqa: ANN401  # the handler is imported where it is needed alone
    from handler.audio.stream import AudioStream
    from handler.media import EncodedAudio

    return AudioStream(memoryview(bytearray(body)), EncodedAudio(), sample_rate=sample_rate, max_seconds=10**9)


def repeated(file: Path, seconds: float) -> bytes:
    """The frames of an MP3 file over and over, for at least that long."""
    frames = audio_frames(file.read_bytes())
    sizes = list(frame_sizes(frames))
    return frames[: sum(sizes)] * ceil(seconds * SAMPLE_RATES[0] / (FRAME_SAMPLES * len(sizes)))


def from_bytes_to_json(options: argparse.Namespace, device: torch.device) -> str:
    """The last table."""
    rows = []
    for num_processes in options.processes:
        share = options.audio_seconds / num_processes
        works = [Work(options.model, device, options.audio, share, job) for job in ("tag", "decode")]
        rows.append([str(num_processes), *(f"{speed(work, num_processes):,.0f}" for work in works)])
    header = ["processes", "MP3 bytes to JSON: s of audio per s", "decoding alone: s of audio per s"]
    note = f"{os.cpu_count()} cores; {options.audio_seconds:g} s of MP3 in all, repeated from {options.audio.name}."
    return f"{table(header, rows)}\n\n{note}"


def parse_arguments() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=TREE / "model" / "model.pt2", help="model file (the bundled one)")
    parser.add_argument("--device", default="cuda", help="cuda, cuda:1, ... or cpu (default: cuda)")
    parser.add_argument("--batches", type=int, nargs="+", help="hops in a batch (64 128 ... 4096; on a CPU 64)")
    parser.add_argument("--seconds", type=float, default=1.0, help="length of each measurement of the model (1)")
    parser.add_argument("--audio", type=Path, default=DEMO, help="MP3 file of 44.1 kHz")
    parser.add_argument(
        "--heard",
        type=Path,
        nargs="+",
        default=[DEMO],
        help="sound files on which precisions are compared (the sample)",
    )
    parser.add_argument("--audio-seconds", type=float, default=36_000.0, help="of MP3 for the pipeline (36000)")
    parser.add_argument("--processes", type=int, nargs="+", default=(1, 2, 4, 8), help="of the pipeline (1 2 4 8)")
    return parser.parse_args()


def main() -> int:
    """Measures and prints; keeps the result of a GPU. Returns the exit status."""
    options = parse_arguments()
    device = torch.device(options.device)
    logging.basicConfig(format="%(message)s", level=logging.INFO)  # why a form is not served
    if device.type == "cuda" and not torch.cuda.is_available():
        print("gpu: PyTorch finds no CUDA device here (--device cpu tries the script)", file=sys.stderr)
        return 1
    if device.index is not None:
        torch.cuda.set_device(device)
    batches = options.batches or (BATCHES if device.type == "cuda" else BATCHES[:1])
    tables = [
        model_alone(load(options.model, device), batches, options.seconds, recorded(options.model, options.heard)),
        as_served(options.model, batches, device, options.seconds),
    ]
    try:
        tables.append(from_bytes_to_json(options, device))
    except (ImportError, RuntimeError, OSError) as error:  # torchcodec's, where FFmpeg's libraries are missing
        tables.append(f"From bytes to JSON: not measured, {str(error).splitlines()[0]}")
    text = "\n\n".join(["Hops per second; a hop is a second of audio at the model's default.", *tables])
    if device.type == "cuda":
        keep(f"gpu-{torch.cuda.get_device_name(device).replace(' ', '-')}", "On a GPU", text)
    else:
        print(f"{machine()}\n\n{text}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
