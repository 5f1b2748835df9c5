"""The handler's pipeline beside the usual ways, without a server: time and memory on one file, on all cores.

Each way runs in a process of its own, so that its peak memory is its own.
"""

from __future__ import annotations

import shutil
import statistics
import time
import warnings
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
import torchaudio
from tqdm import tqdm

from benchmarks import bodies
from benchmarks.results import BUILD, MEBIBYTE, duration_text, table
from benchmarks.together import StartLine, run_together
from catalogue.catalogue import load_catalogue
from handler.audio.stream import AudioStream
from handler.media import EncodedAudio
from handler.memory import keep_freed_memory
from handler.model.file import read_program
from handler.model.loading import Model, load_model
from handler.model.scoring import ScoringPool, default_batch_hops, default_num_threads
from handler.settings import Settings
from handler.tagger import tag
from importers.__main__ import main as import_checkpoint

CPU = torch.device("cpu")
PIPELINE = "pipeline"
# Files from that length on are tagged once.
LONG_SECONDS = 1000.0
LEAST_RUNS, LEAST_SECONDS = 3, 2.0
TRANSFORMERS_BATCH = 8
SMALL_AST = BUILD / "small-ast"
# A quarter of the published network's width and a third of its layers; patches and input length are the published ones.
WIDTH, LAYERS, HEADS = 192, 4, 3
# Tags a file.
Tag = Callable[[Path], object]


def measure(model_file: Path, *, quick: bool) -> dict[str, Any]:
    """Measures everything."""
    small_ast = imported_ast()
    plan = [
        *(("bundled model", model_file, length, (PIPELINE, "whole file")) for length in (10.0, 180.0, 3600.0)),
        *(("small AST", small_ast, length, (PIPELINE, "transformers")) for length in (10.0, 60.0)),
    ]
    return {
        "runs": [
            {"model": name, "audio_seconds": length, "way": way, **measure_way(way, file, length)}
            for name, file, length, ways in tqdm(plan[:: 3 if quick else 1], desc="rivals", unit="file")
            for way in ways
        ]
    }


def measure_way(way: str, model_file: Path, audio_seconds: float) -> dict[str, float]:
    """The median time, and the memory on top of the loaded model at the peak."""
    (found,) = run_together(_measured, (way, model_file, bodies.mp3(audio_seconds), audio_seconds < LONG_SECONDS), 1)
    return found


def _measured(_: StartLine, way: str, model_file: Path, file: Path, is_repeated: bool) -> dict[str, float]:
    warnings.simplefilter("ignore")
    run = WAYS[way](model_file)
    Path("/proc/self/clear_refs").write_text("5")  # sets the peak back to what is held now (proc(5))
    before = _peak_bytes()
    times: list[float] = []
    if is_repeated:
        run(file)
    while not times or (is_repeated and (len(times) < LEAST_RUNS or sum(times) < LEAST_SECONDS)):
        start = time.perf_counter()
        run(file)
        times.append(time.perf_counter() - start)
    return {"seconds": statistics.median(times), "memory_bytes": _peak_bytes() - before}


def _peak_bytes() -> int:
    return 1024 * int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])


def pipeline(model_file: Path) -> Tag:
    """Tags as the handler does."""
    keep_freed_memory()
    model = load_model(model_file, CPU)
    pool = ScoringPool(model, default_num_threads(CPU))

    def run(file: Path) -> None:
        body = memoryview(bytearray(file.read_bytes()))
        max_seconds = Settings().max_audio_seconds
        stream = AudioStream(body, EncodedAudio(), sample_rate=model.info.sample_rate, max_seconds=max_seconds)
        (tagged,) = tag([stream], pool, batch_hops=default_batch_hops(CPU))
        if tagged.error is not None:
            raise tagged.error

    return run


def whole_file(model_file: Path) -> Tag:
    """Loads and resamples the whole file, and scores whole windows in batches, so every second twice."""
    model = _as_exported(model_file)

    def run(file: Path) -> None:
        windows, window_hops = _windows(model, file), model.info.grid.window_hops
        for batch in torch.split(windows, default_batch_hops(CPU) // window_hops):
            model.score(batch.reshape(-1, model.info.hop_samples), torch.arange(len(batch)) * window_hops)

    return run


def transformers_pipeline(model_file: Path) -> Tag:
    """The windows of a file loaded as above go to transformers' pipeline, with the folder of the imported model."""
    import transformers

    model = _as_exported(model_file)
    classify = transformers.pipeline("audio-classification", model=str(SMALL_AST), device="cpu")

    def run(file: Path) -> None:
        windows = [{"raw": window.numpy(), "sampling_rate": 16_000} for window in _windows(model, file)]
        classify(windows, batch_size=TRANSFORMERS_BATCH, top_k=None, function_to_apply="sigmoid")

    return run


WAYS: Mapping[str, Callable[[Path], Tag]] = {
    PIPELINE: pipeline,
    "whole file": whole_file,
    "transformers": transformers_pipeline,
}


def _as_exported(model_file: Path) -> Model:
    program, info = read_program(model_file)
    return Model(info, program.module(), CPU)


def _windows(model: Model, file: Path) -> torch.Tensor:
    """float32 of shape (windows, samples of a window)."""
    info = model.info
    samples, source_rate = torchaudio.load(file)
    mono = torchaudio.functional.resample(samples.mean(0), source_rate, info.sample_rate)
    windows: torch.Tensor = mono.unfold(0, info.hop_samples * info.grid.window_hops, info.hop_samples)
    return windows


def imported_ast() -> Path:
    """A small Audio Spectrogram Transformer with random weights, as transformers saves it and then as a model file.

    Raises:
        RuntimeError: It could not be imported; the importer has said why.
    """
    model_file = SMALL_AST.with_suffix(".pt2")
    if not SMALL_AST.exists():
        _save_ast(SMALL_AST.with_name("small-ast-unfinished"))
    if not model_file.exists() and import_checkpoint(["huggingface", str(SMALL_AST), "--output", str(model_file)]) != 0:
        raise RuntimeError("the small transformer could not be imported")
    return model_file


def _save_ast(folder: Path) -> None:
    import transformers

    shutil.rmtree(folder, ignore_errors=True)
    torch.manual_seed(0)
    config = transformers.ASTConfig(
        hidden_size=WIDTH,
        num_hidden_layers=LAYERS,
        num_attention_heads=HEADS,
        intermediate_size=4 * WIDTH,
        id2label={each.index: each.name for each in load_catalogue().classes},
        label2id={each.name: each.index for each in load_catalogue().classes},
    )
    transformers.ASTForAudioClassification(config).eval().save_pretrained(folder)
    transformers.ASTFeatureExtractor().save_pretrained(folder)
    folder.rename(SMALL_AST)


def text(result: Mapping[str, Any]) -> str:
    """The section of the page."""
    rows = [
        [
            each["model"],
            duration_text(each["audio_seconds"]),
            each["way"],
            duration_text(each["seconds"]),
            f"{each['audio_seconds'] / each['seconds']:.0f}",
            f"{each['memory_bytes'] / MEBIBYTE:.0f} MiB",
        ]
        for each in result["runs"]
    ]
    return table(["model", "MP3", "way", "time", "s of audio per s", "memory"], rows)
