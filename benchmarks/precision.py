"""How far a model's answers move in fewer digits.

    python -m benchmarks.precision --model MODEL.pt2 MANIFEST

Scores recordings, and the sounds that the handler compares forms on, with the exported program and in the forms that
round, and counts the tags of windows that appear or go at the thresholds of the model file. float16 and bfloat16 run on
the CPU's own kernels. A CPU has none for TF32: here the operands of every convolution and product of matrices are
rounded to its 10 bits of mantissa, with sums in float32 as tensor cores have them.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch.fx import Interpreter
from tqdm import tqdm

from benchmarks.results import table
from handler.audio.stream import AudioStream
from handler.media import EncodedAudio
from handler.model.comparison import distance, tones_in_noise
from handler.model.file import ModelInfo, read_program
from handler.model.half_precision import PRODUCTS, in_half_precision
from handler.model.program import Inputs, Program, bare_graph
from handler.windows import HopCutter

NUM_TONES = 576
CALL_WINDOWS = 32
MAX_SECONDS = 600
# A float32 has 23 bits of mantissa, a TF32 10.
DROPPED_BITS = 13


class Tf32(Interpreter):
    """Runs a program with the operands of its products rounded to TF32, to nearest."""

    def call_function(self, target: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:  # noqa: ANN401
        """As Interpreter's."""
        if getattr(target, "overloadpacket", None) in PRODUCTS:
            args = tuple(rounded(each) for each in args)
        return super().call_function(target, args, kwargs)


def rounded(value: Any) -> Any:  # noqa: ANN401  # an operation's argument
    """A float32 tensor of two or more dimensions (no bias) with 10 bits of mantissa; anything else as it is."""
    if not isinstance(value, torch.Tensor) or value.dtype != torch.float32 or value.dim() < 2:
        return value
    bits = value.contiguous().view(torch.int32)
    return ((bits + (1 << (DROPPED_BITS - 1))) & -(1 << DROPPED_BITS)).view(torch.float32)


def forms(program: torch.nn.Module) -> dict[str, Program]:
    """The forms that round, by their names in SENSE_MODEL_FORM."""
    return {
        "tf32": Tf32(bare_graph(program)).run,
        "float16": in_half_precision(program, torch.float16),
        "bfloat16": in_half_precision(program, torch.bfloat16),
    }


def judged(manifest: Path, split: str, most: int) -> list[Path]:
    """Recordings of a split, drawn with a fixed seed: lines of {"path": ..., "split": ...} beside the files."""
    rows = [json.loads(line) for line in manifest.read_text(encoding="utf-8").splitlines()]
    paths = sorted(manifest.parent / row["path"] for row in rows if row["split"] == split)
    return random.Random(0).sample(paths, min(most, len(paths)))


def windows_of(file: Path, info: ModelInfo) -> Inputs:
    """A recording's hops, and the starts of its windows."""
    body = memoryview(file.read_bytes())
    stream = AudioStream(body, EncodedAudio(), sample_rate=info.sample_rate, max_seconds=MAX_SECONDS)
    cutter = HopCutter(info.hop_samples)
    hops = [cutter.push(block) for block in stream]
    rest = cutter.finish(info.grid.num_hops(stream.duration_seconds))
    return torch.cat([*hops, rest]), torch.arange(info.grid.num_windows(stream.duration_seconds))


def tones(info: ModelInfo) -> Inputs:
    """The sounds that the handler compares forms on."""
    return tones_in_noise(NUM_TONES + info.grid.window_hops - 1, info.hop_samples), torch.arange(NUM_TONES)


@torch.inference_mode()
def score(programs: Mapping[str, Program], inputs: Inputs, window_hops: int) -> dict[str, torch.Tensor]:
    """Probabilities (windows, tags) of each program."""
    hops, starts = inputs
    calls = [(hops[part[0] : part[-1] + window_hops], part - part[0]) for part in torch.split(starts, CALL_WINDOWS)]
    return {name: torch.cat([program(*call) for call in calls]) for name, program in programs.items()}


def rows(sounds: str, scored: Mapping[str, torch.Tensor], thresholds: torch.Tensor) -> Iterator[list[str]]:
    """A line of the table for each form that rounds."""
    expected = scored["exported"]
    heard = expected >= thresholds
    for name, probabilities in scored.items():
        if name != "exported":
            found = distance(probabilities, expected)
            changed = (probabilities >= thresholds) != heard
            share = f"{int(changed.sum())} of {changed.numel():,} ({float(changed.double().mean()):.4%})"
            yield [sounds, name, f"{found.largest:.1e}", f"{found.logit_rms:.1e}", share, str(int(heard.sum()))]


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser("python -m benchmarks.precision", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("manifest", type=Path, help='JSON lines of {"path": ..., "split": ...}, paths beside the file')
    parser.add_argument("--model", type=Path, required=True, help="the model file")
    parser.add_argument("--split", default="judge", help="which recordings (default: judge)")
    parser.add_argument("--most", type=int, default=300, help="how many recordings at most (default: 300)")
    options = parser.parse_args()
    torch.set_num_threads(1)
    exported, info = read_program(options.model)
    module, window_hops = exported.module(), info.grid.window_hops
    programs: dict[str, Program] = {"exported": module, **forms(module)}
    files = judged(options.manifest, options.split, options.most)
    parts = [score(programs, windows_of(file, info), window_hops) for file in tqdm(files, unit="file")]
    recordings = {name: torch.cat([part[name] for part in parts]) for name in programs}
    thresholds = torch.from_numpy(info.thresholds)
    sounds = {f"{len(files)} recordings": recordings, "tones in noise": score(programs, tones(info), window_hops)}
    lines = [line for name, scored in sounds.items() for line in rows(name, scored, thresholds)]
    print(f"{info.name} {info.version}, {len(recordings['exported'])} windows of recordings, {len(info.tags)} tags\n")
    columns = ["sounds", "form", "largest difference", "rms, logits", "tags of windows that change", "tags heard"]
    print(table(columns, lines))


if __name__ == "__main__":
    main()
