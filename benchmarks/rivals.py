"""The same model and the same file, tagged by the handler's pipeline and in the two usual ways, without a server.

Each way runs in a process of its own, on all cores, so that its peak memory is its own.

usual, one by one   torchaudio.load of the whole file, mean of the channels, torchaudio's resampling, then the model on
                    one window after the other
usual, batched      the same, with all windows stacked into batches
pipeline            what the handler does: decoding as a stream beside the model, each second encoded once
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
import torchaudio
from tqdm import tqdm

from benchmarks.report import keep, table
from handler.content_type import EncodedAudio
from handler.decoder import AudioStream
from handler.model import Model, load_model
from handler.scoring import ScoringPool, default_batch_hops, default_num_threads
from handler.settings import Settings
from handler.tagger import tag
from tests.support.audio import encode, lively

TREE = Path(__file__).resolve().parent.parent
CPU = torch.device("cpu")
Way = Callable[[Model, Path], int]


def usual_waveform(model: Model, file: Path) -> torch.Tensor:
    """Loads and resamples the whole file: float32 of shape (samples,)."""
    samples, sample_rate = torchaudio.load(file)
    resampled: torch.Tensor = torchaudio.functional.resample(samples.mean(0), sample_rate, model.info.sample_rate)
    return resampled


def one_by_one(model: Model, file: Path) -> int:
    """Scores window after window; returns how many there were."""
    windows = _windows(model, usual_waveform(model, file))
    for window in windows:
        model.score(window.reshape(model.info.grid.window_hops, -1), torch.tensor([0]))
    return len(windows)


def batched(model: Model, file: Path) -> int:
    """Scores whole windows in batches, so every second twice; returns how many windows there were."""
    windows, window_hops = _windows(model, usual_waveform(model, file)), model.info.grid.window_hops
    for batch in torch.split(windows, default_batch_hops(CPU) // window_hops):
        model.score(batch.reshape(-1, model.info.hop_samples), torch.arange(len(batch)) * window_hops)
    return len(windows)


def pipeline(model: Model, file: Path) -> int:
    """Tags as the handler does; returns how many windows there were."""
    settings, pool = Settings(), ScoringPool(model, default_num_threads(CPU))
    body = bytearray(file.read_bytes())
    stream = AudioStream(
        memoryview(body), EncodedAudio(), sample_rate=model.info.sample_rate, max_seconds=settings.max_audio_seconds
    )
    (tagged,) = tag([stream], pool, batch_hops=default_batch_hops(CPU))
    return len(tagged.probabilities)


def _windows(model: Model, samples: torch.Tensor) -> torch.Tensor:
    return samples.unfold(0, model.info.hop_samples * model.info.grid.window_hops, model.info.hop_samples)


WAYS: dict[str, Way] = {"usual, one by one": one_by_one, "usual, batched": batched, "pipeline": pipeline}


def measure(way: str, model_file: Path, file: Path) -> tuple[float, float, int]:
    """Seconds, MiB of memory that came on top of the loaded model, and windows. Runs in a fresh process."""
    warnings.simplefilter("ignore")
    model = load_model(model_file, CPU)
    Path("/proc/self/clear_refs").write_text("5")  # sets the peak back to what is held now (proc(5))
    before = _peak_kibibytes()
    start_seconds = time.perf_counter()
    num_windows = WAYS[way](model, file)
    seconds = time.perf_counter() - start_seconds
    return seconds, (_peak_kibibytes() - before) / 1024, num_windows


def _peak_kibibytes() -> int:
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0])


def medians(way: str, model_file: Path, file: Path, repeats: int) -> tuple[float, float, int]:
    """The medians of several fresh processes."""
    with multiprocessing.get_context("spawn").Pool(1, maxtasksperchild=1) as processes:
        runs = [processes.apply(measure, (way, model_file, file)) for _ in range(repeats)]
    seconds, mebibytes, windows = zip(*runs, strict=True)
    return statistics.median(seconds), statistics.median(mebibytes), windows[0]


def main() -> None:
    """Measures, prints and keeps the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=TREE / "model" / "model.pt2", help="model file")
    parser.add_argument("--minutes", type=float, nargs="+", default=[1, 10, 60], help="lengths (default: 1 10 60)")
    parser.add_argument("--repeats", type=int, default=3, help="processes for each figure (default: 3)")
    options = parser.parse_args()
    folder = TREE / "build" / "benchmark"
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for minutes in tqdm(options.minutes, unit="length"):
        file = folder / "rivals.mp3"
        file.write_bytes(encode(lively(60 * minutes, num_channels=2), 44_100, "mp3"))
        figures = {way: medians(way, options.model, file, options.repeats) for way in WAYS}
        ours = figures["pipeline"][0]
        for way, (seconds, mebibytes, num_windows) in figures.items():
            times = f"{seconds / ours:.1f}"
            rows.append([f"{minutes:g} min", way, f"{seconds:.2f} s", times, f"{mebibytes:.0f} MiB", str(num_windows)])
    header = ["stereo MP3", "way", "time", "as a multiple of the pipeline's", "memory on top of the model", "windows"]
    note = f"Medians of {options.repeats} processes."
    keep("rivals", "The usual ways, on the same model and file", f"{table(header, rows)}\n\n{note}")


if __name__ == "__main__":
    main()
