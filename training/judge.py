"""Judges a trained network: on held-out draws, on unseen sources, on noise, through codecs; writes the report."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from training.catalogue import TAG_NAMES
from training.codecs import USUAL_CODECS, through_codec
from training.fit import State, hops_of, window_starts
from training.mixing import Batch, Mixer
from training.network import Tagger
from training.rooms import Channels
from training.settings import CLIP_SAMPLES, HOP_SAMPLES
from training.stems import StoredStem
from training.synthesis import read_split

FloatArray = npt.NDArray[np.floating[Any]]
SHIPPED_PRECISION = 0.60  # a tag ships when its average precision on unseen sources is at least this
_CLIPS = 2000
_THRESHOLDS = np.arange(0.2, 0.801, 0.02)


@dataclass(frozen=True)
class Figures:
    """How well one tag is found: average precision, and precision and recall at its threshold."""

    windows_with: int
    average_precision: float
    precision: float
    recall: float


@dataclass(frozen=True)
class Verdict:
    """What the judging said about one tag."""

    name: str
    threshold: float
    held_out: Figures
    unseen: Figures

    @property
    def ships(self) -> bool:
        """Whether the tag is good enough for the model file."""
        return min(self.held_out.average_precision, self.unseen.average_precision) >= SHIPPED_PRECISION


def average_precision(scores: FloatArray, targets: FloatArray) -> float:
    """Area under the precision-recall steps: the mean of the precision down to each positive (0 without any)."""
    order = np.argsort(-scores, kind="stable")
    hits = targets[order] > 0.5
    if not hits.any():
        return 0.0
    precisions = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return float(precisions[hits].mean())


def precision_and_recall(scores: FloatArray, targets: FloatArray, threshold: float) -> tuple[float, float]:
    """Precision (1 where nothing is found) and recall (1 where there is nothing to find) at a threshold."""
    found, there = scores >= threshold, targets > 0.5
    both = float((found & there).sum())
    return (both / found.sum() if found.any() else 1.0), (both / there.sum() if there.any() else 1.0)


def best_threshold(scores: FloatArray, targets: FloatArray) -> float:
    """The threshold between 0.2 and 0.8 with the highest harmonic mean of precision (weight 2) and recall (weight 1).

    Precision counts double, because tags are far rarer in what people record than in the mixes that are judged here.
    """
    rates = [precision_and_recall(scores, targets, float(threshold)) for threshold in _THRESHOLDS]
    means = [3 * precision * recall / max(precision + 2 * recall, 1e-9) for precision, recall in rates]
    return round(float(_THRESHOLDS[int(np.argmax(means))]), 2)


@torch.no_grad()
def probabilities(tagger: Tagger, clips: torch.Tensor) -> FloatArray:
    """Clips [B, CLIP_SAMPLES] to probabilities [B * WINDOWS, tags]."""
    parts = [torch.sigmoid(tagger(hops_of(part), window_starts(len(part)))) for part in torch.split(clips, 32)]
    return np.asarray(torch.cat(parts).numpy())


def draw_clips(bank: list[StoredStem], clips: int, seed: int) -> Batch:
    """Mixed clips of a bank; the same seed gives the same clips."""
    mixer, parts = Mixer(bank, Channels.drawn(seed), seed), []
    for _ in range(0, clips, 50):
        parts.append(mixer.draw(50))
    pieces = [[getattr(part, name) for part in parts] for name in ("clips", "targets", "known")]
    return Batch(*(torch.cat(piece) for piece in pieces))


def _known(scores: FloatArray, batch: Batch, tag: int) -> tuple[FloatArray, FloatArray]:
    """Scores and targets of one tag in the windows where somebody can say."""
    known = batch.known.flatten(0, 1)[:, tag].numpy() > 0.5
    return scores[known, tag], batch.targets.flatten(0, 1)[:, tag].numpy()[known]


def _figures(scores: FloatArray, targets: FloatArray, threshold: float) -> Figures:
    precision, recall = precision_and_recall(scores, targets, threshold)
    values = (average_precision(scores, targets), precision, recall)
    return Figures(int(targets.sum()), *(round(value, 4) for value in values))


def judge_tags(tagger: Tagger, work: Path) -> list[Verdict]:
    """Thresholds from one half of the held-out draws; figures on the other half, and on the unseen sources."""
    valid, unseen = (read_split(work, split) for split in ("valid", "unseen"))
    batches = [draw_clips(valid, _CLIPS, 101), draw_clips(valid, _CLIPS, 102), draw_clips(unseen, _CLIPS, 103)]
    scores = [probabilities(tagger, batch.clips) for batch in batches]
    verdicts = []
    for tag, name in enumerate(TAG_NAMES):
        tuned, held_out, novel = (_known(score, batch, tag) for score, batch in zip(scores, batches, strict=True))
        threshold = best_threshold(*tuned)
        verdicts.append(Verdict(name, threshold, _figures(*held_out, threshold), _figures(*novel, threshold)))
    return verdicts


def false_alarms(tagger: Tagger, work: Path, thresholds: FloatArray, shipped: list[int]) -> dict[str, Any]:
    """The share of windows with any shipped tag, on digital silence and on noise with nothing in it."""
    banks = [read_split(work, split) for split in ("valid", "unseen")]
    bank = [stem for stems in banks for stem in stems if stem.group == "noise"]
    steady = [stem for stem in bank if stem.source in ("signal/stationary_noise", "signal/office_noise")]
    silent = torch.tensor([0.0, 1.0, -0.5, 0.0, 0.0, 0.0])[:, None].repeat(1, CLIP_SAMPLES)
    silent[3:] += torch.tensor([1e-5, 1e-4, 1e-3])[:, None] * torch.randn(3, CLIP_SAMPLES)
    steady_clips, all_clips = draw_clips(steady, 600, 104).clips, draw_clips(bank, 600, 105).clips
    kinds = {"silence, constants and hiss": silent, "stationary noise": steady_clips, "any noise": all_clips}
    found = {kind: probabilities(tagger, clips)[:, shipped] >= thresholds[shipped] for kind, clips in kinds.items()}
    return {
        kind: {
            "windows": len(each),
            "windows_with_a_tag": int(each.any(1).sum()),
            "worst": TAG_NAMES[shipped[int(each.sum(0).argmax())]] if each.any() else None,
        }
        for kind, each in found.items()
    }


def codec_differences(tagger: Tagger, work: Path, shipped: list[int]) -> dict[str, dict[str, float]]:
    """How far the usual codecs move the probabilities, over mixes of unseen sources."""
    clean = (draw_clips(read_split(work, "unseen"), 150, 106).clips.numpy() * 32767).astype(np.int16)

    def answers(samples: npt.NDArray[np.int16]) -> FloatArray:
        clips = torch.from_numpy(samples.astype(np.float32) / 32768).reshape(-1, CLIP_SAMPLES)
        return probabilities(tagger, clips)[:, shipped]

    before, differences = answers(clean), {}
    for codec in USUAL_CODECS:
        apart = np.abs(answers(through_codec(clean.reshape(-1), codec)) - before)
        shares = {"mean": apart.mean(), "p99": np.quantile(apart, 0.99), "max": apart.max()}
        shares["over_0.05"] = (apart > 0.05).mean()
        differences[codec.name] = {name: round(float(value), 5) for name, value in shares.items()}
    return differences


@torch.no_grad()
def hops_per_second(tagger: Tagger, batch: int = 64, repeats: int = 12) -> int:
    """The best of some runs on one thread, log-mel included."""
    threads, hops, starts = torch.get_num_threads(), torch.randn(batch, HOP_SAMPLES) * 0.1, torch.arange(batch - 1)
    torch.set_num_threads(1)
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        tagger(hops, starts)
        times.append(time.perf_counter() - begin)
    torch.set_num_threads(threads)
    return round(batch / min(times))


def judge(work: Path, report_file: Path) -> dict[str, Any]:
    """Judge WORK/checkpoint.pt as it is now: write the report, and keep these weights as WORK/judged.pt for export."""
    state = State.fresh()
    state.load(work / "checkpoint.pt")
    state.save(work / "judged.pt")
    tagger = state.average.eval()
    verdicts = judge_tags(tagger, work)
    shipped = [index for index, verdict in enumerate(verdicts) if verdict.ships]
    thresholds = np.array([verdict.threshold for verdict in verdicts], np.float32)
    report = {
        "updates": state.update,
        "parameters": sum(each.numel() for each in tagger.parameters()),
        "macro_map": {kind: _macro(verdicts, kind) for kind in ("held_out", "unseen")},
        "tags": [asdict(verdict) | {"ships": verdict.ships} for verdict in verdicts],
        "false_alarms": false_alarms(tagger, work, thresholds, shipped),
        "codec_differences": codec_differences(tagger, work, shipped),
        "hops_per_second_one_thread": hops_per_second(tagger),
    }
    report_file.parent.mkdir(parents=True, exist_ok=True)
    report_file.write_text(json.dumps(report, indent=1) + "\n")
    return report


def _macro(verdicts: list[Verdict], kind: str) -> float:
    """Mean average precision over the tags that ship (0 when none does)."""
    values = [getattr(verdict, kind).average_precision for verdict in verdicts if verdict.ships]
    return round(float(np.mean(values)), 4) if values else 0.0
