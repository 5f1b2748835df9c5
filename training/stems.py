"""Stems: single sources with their labels, kept on disk in shards of 16-bit samples."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from training.errors import TrainingError
from training.settings import FRAME_SAMPLES, RATE
from training.tags import Labels

Samples = npt.NDArray[np.float32]
_PEAK = 0.9 * 32767


@dataclass(frozen=True)
class Stem:
    """One source, alone and dry.

    Attributes:
        samples: mono at RATE, any level.
        labels: what it teaches.
        source: who made it ("FluidR3_GM/24", "espeak/en+f2"): for reports.
        group: which group it is drawn from ("Piano", "Speech", "background").
    """

    samples: Samples
    labels: Labels
    source: str
    group: str


@dataclass(frozen=True)
class StoredStem:
    """A stem in a bank: a view of 16-bit samples on disk (peak 0.9 of full scale)."""

    samples: npt.NDArray[np.int16]
    labels: Labels
    source: str
    group: str


def is_audible(samples: Samples) -> bool:
    """Whether a rendered source is worth keeping: sound within the model's band, and not only a click.

    At least 0.1 s of it must lie within 30 dB of its loudest 50 ms, and a tenth of its energy between 60 and 7,000 Hz.
    """
    frames = len(samples) // FRAME_SAMPLES
    if frames < 2 or not np.isfinite(samples).all() or np.abs(samples).max() < 1e-3:
        return False
    energy = np.square(samples[: frames * FRAME_SAMPLES].reshape(frames, -1)).mean(1)
    spectrum = np.square(np.abs(np.fft.rfft(samples)))
    hertz = np.fft.rfftfreq(len(samples), 1 / RATE)
    in_band = spectrum[(hertz > 60) & (hertz < 7000)].sum() / spectrum.sum()
    return bool((energy > energy.max() * 1e-3).sum() >= 2 and in_band > 0.1)


def write_shard(path: Path, stems: list[Stem]) -> None:
    """Write stems as PATH.npy (all samples in a row), then PATH.json (their list; it marks the shard as whole)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    kept = [stem for stem in stems if is_audible(stem.samples)]
    pieces = [(stem.samples * (_PEAK / np.abs(stem.samples).max())).astype(np.int16) for stem in kept]
    np.save(path.with_suffix(".npy"), np.concatenate(pieces) if pieces else np.zeros(0, np.int16))
    entries = [
        {"length": len(piece), "labels": asdict(stem.labels), "source": stem.source, "group": stem.group}
        for piece, stem in zip(pieces, kept, strict=True)
    ]
    partial = path.with_suffix(".json.partial")
    partial.write_text(json.dumps(entries))
    partial.rename(path.with_suffix(".json"))


def read_bank(folder: Path) -> list[StoredStem]:
    """All stems of a folder of shards, memory-mapped, in the order of the shards' names."""
    bank = []
    for listing in sorted(folder.glob("*.json")):
        samples = np.load(listing.with_suffix(".npy"), mmap_mode="r")
        offset = 0
        for entry in json.loads(listing.read_text()):
            labels = Labels(tuple(entry["labels"]["present"]), tuple(entry["labels"]["unsure"]))
            view = samples[offset : offset + entry["length"]]
            bank.append(StoredStem(view, labels, entry["source"], entry["group"]))
            offset += entry["length"]
    return bank


def stem_folder(work: Path, split: str) -> Path:
    """The folder of a split's shards."""
    return work / "stems" / split


def read_split(work: Path, split: str) -> list[StoredStem]:
    """All stems of a split.

    Raises:
        TrainingError: the split has no stems.
    """
    bank = read_bank(stem_folder(work, split))
    if not bank:
        raise TrainingError(f"no stems under {stem_folder(work, split)}; run the step: synthesise")
    return bank
