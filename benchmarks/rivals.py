"""The same model and the same file, tagged by the handler's pipeline and in the usual ways, without a server.

Each way runs in a process of its own, on all cores, so that its peak memory is its own. All give every window's
probabilities. The usual ways run the model file as torch.export loads it; the pipeline in the form that the handler
gives it (handler/model/torchscript.py).

usual, one by one   torchaudio.load of the whole file, mean of the channels, torchaudio's resampling, then the model on
                    one window after the other
usual, batched      the same, with all windows stacked into batches
pipeline            what the handler does: decoding as a stream beside the model, each second encoded once
transformers        transformers' audio-classification pipeline in batches, on the windows of a file loaded as above;
                    its model is a small Audio Spectrogram Transformer with random weights, which `python -m importers`
                    turned into the model file that the pipeline is given beside it
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
import torchaudio
from tqdm import tqdm

from benchmarks import bodies
from benchmarks.ast_checkpoint import imported, saved
from benchmarks.options import parser, results_folder
from benchmarks.plots import duration_text
from benchmarks.report import keep, table
from handler.audio.stream import AudioStream
from handler.media import EncodedAudio
from handler.memory import keep_freed_memory
from handler.model.file import read_program
from handler.model.loading import Model, load_model
from handler.model.scoring import ScoringPool, default_batch_hops, default_num_threads
from handler.settings import Settings
from handler.tagger import tag

CPU = torch.device("cpu")
TRANSFORMERS_BATCH = 8
LENGTHS = (10.0, 180.0, 3600.0)
AST_LENGTHS = (10.0, 60.0)
# A process tags at least that often, and for that long; a file of an hour once.
LEAST_RUNS = 3
LEAST_SECONDS = 2.0
LONG_SECONDS = 1000.0
# Tags a file and returns how many windows there were.
Tag = Callable[[Path], int]
Way = Callable[[Path], Tag]


def usual_waveform(file: Path, sample_rate: int) -> torch.Tensor:
    """Loads and resamples the whole file: float32 of shape (samples,)."""
    samples, source_rate = torchaudio.load(file)
    resampled: torch.Tensor = torchaudio.functional.resample(samples.mean(0), source_rate, sample_rate)
    return resampled


def _as_exported(model_file: Path) -> Model:
    program, info = read_program(model_file)
    return Model(info, program.module(), CPU)


def _windows(model: Model, file: Path) -> torch.Tensor:
    info = model.info
    samples = usual_waveform(file, info.sample_rate)
    return samples.unfold(0, info.hop_samples * info.grid.window_hops, info.hop_samples)


def one_by_one(model_file: Path) -> Tag:
    """Scores window after window."""
    model = _as_exported(model_file)

    def run(file: Path) -> int:
        windows = _windows(model, file)
        for window in windows:
            model.score(window.reshape(model.info.grid.window_hops, -1), torch.tensor([0]))
        return len(windows)

    return run


def batched(model_file: Path) -> Tag:
    """Scores whole windows in batches, so every second twice."""
    model = _as_exported(model_file)

    def run(file: Path) -> int:
        windows, window_hops = _windows(model, file), model.info.grid.window_hops
        for batch in torch.split(windows, default_batch_hops(CPU) // window_hops):
            model.score(batch.reshape(-1, model.info.hop_samples), torch.arange(len(batch)) * window_hops)
        return len(windows)

    return run


def pipeline(model_file: Path) -> Tag:
    """Tags as the handler does."""
    keep_freed_memory()
    model = load_model(model_file, CPU)
    settings, pool = Settings(), ScoringPool(model, default_num_threads(CPU))

    def run(file: Path) -> int:
        stream = AudioStream(
            memoryview(bytearray(file.read_bytes())),
            EncodedAudio(),
            sample_rate=model.info.sample_rate,
            max_seconds=settings.max_audio_seconds,
        )
        (tagged,) = tag([stream], pool, batch_hops=default_batch_hops(CPU))
        if tagged.error is not None:
            raise tagged.error
        return len(tagged.probabilities)

    return run


def transformers_pipeline(model_file: Path) -> Tag:
    """Has transformers score the windows of a file, with the folder that the model was imported from."""
    import transformers

    model = _as_exported(model_file)
    classify = transformers.pipeline("audio-classification", model=str(saved()), device="cpu")

    def run(file: Path) -> int:
        windows = [{"raw": window.numpy(), "sampling_rate": 16_000} for window in _windows(model, file)]
        return len(classify(windows, batch_size=TRANSFORMERS_BATCH, top_k=None, function_to_apply="sigmoid"))

    return run


BUNDLED_WAYS = {"pipeline": pipeline, "usual, one by one": one_by_one, "usual, batched": batched}
AST_WAYS = {"pipeline": pipeline, "transformers": transformers_pipeline}
WAYS: dict[str, Way] = {**BUNDLED_WAYS, **AST_WAYS}


@dataclass(frozen=True)
class Measured:
    """One way on one file.

    Attributes:
        seconds: The median time.
        mebibytes: Memory that came on top of the loaded model.
        num_windows: Windows that were scored.
    """

    seconds: float
    mebibytes: float
    num_windows: int


def measure(way: str, model_file: Path, file: Path, *, again: bool) -> Measured:
    """Tags a file, `again` and again after a first time that does not count. Runs in a fresh process."""
    warnings.simplefilter("ignore")
    run = WAYS[way](model_file)
    Path("/proc/self/clear_refs").write_text("5")  # sets the peak back to what is held now (proc(5))
    before = _peak_kibibytes()
    times: list[float] = []
    if again:
        run(file)
    while not times or (again and (len(times) < LEAST_RUNS or sum(times) < LEAST_SECONDS)):
        start_seconds = time.perf_counter()
        num_windows = run(file)
        times.append(time.perf_counter() - start_seconds)
    return Measured(statistics.median(times), (_peak_kibibytes() - before) / 1024, num_windows)


def _peak_kibibytes() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


def compare(model_file: Path, ways: Sequence[str], file: Path, *, again: bool) -> dict[str, Measured]:
    """Measures several ways on one file, each in a fresh process."""
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as processes:
        return {way: processes.apply(measure, (way, model_file, file), {"again": again}) for way in ways}


def rows(title: str, length_seconds: float, measured: dict[str, Measured]) -> list[list[str]]:
    """Lines of the table for one file."""
    ours = measured["pipeline"].seconds
    return [
        [
            title,
            duration_text(length_seconds),
            way,
            f"{each.seconds:.3g} s",
            f"{length_seconds / each.seconds:.0f}",
            f"{each.seconds / ours:.1f}",
            f"{each.mebibytes:.0f} MiB",
            str(each.num_windows),
        ]
        for way, each in measured.items()
    ]


def run(options: argparse.Namespace) -> None:
    """Measures, prints and keeps the table."""
    lengths, ast_lengths = ((10.0, 60.0), (10.0,)) if options.quick else (LENGTHS, AST_LENGTHS)
    plan = [("bundled model", options.model, tuple(BUNDLED_WAYS), length) for length in lengths]
    plan += [("imported AST", imported(), tuple(AST_WAYS), length) for length in ast_lengths]
    lines: list[list[str]] = []
    figures: dict[str, float] = {}
    for title, model_file, ways, length in tqdm(plan, unit="file"):
        measured = compare(model_file, ways, bodies.mp3(length), again=length < LONG_SECONDS)
        lines += rows(title, length, measured)
        ours = measured["pipeline"].seconds
        figures |= {f"{title}, {way}, {length:g}": each.seconds / ours for way, each in measured.items()}
    header = ["model", "stereo MP3", "way", "time", "s of audio per s", "times the pipeline's", "memory", "windows"]
    note = (
        "Time: the median of three runs or more, after a first one; of one run for an hour. Memory: what came on top "
        "of the loaded model at the peak."
    )
    text = "\n\n".join([table(header, lines), note])
    keep("rivals", "The usual ways, on the same model and file", text, folder=results_folder(options), figures=figures)


def main() -> None:
    """Reads the command line."""
    run(parser(__doc__).parse_args())


if __name__ == "__main__":
    main()
