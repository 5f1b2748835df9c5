"""Judges a trained network: thresholds on one set of draws, figures on others; writes the report."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from training.alarms import false_alarms, steady_noise
from training.catalogue import TAG_NAMES
from training.codecs import USUAL_CODECS, through_codec
from training.confusion import confusion
from training.fit import State
from training.hearing import Heard, calm_clips, draws, hear, probabilities
from training.judgement import JUDGEMENT_FILE, Judgement, keep_judgement
from training.metrics import (
    PREVALENCE,
    SENSITIVITIES,
    BoolArray,
    FloatArray,
    average_precision,
    best_threshold,
    calibration_error,
    moved_threshold,
    noise_floor,
    precision_and_recall,
    prior_shift,
)
from training.mixing import Batch
from training.network import Tagger
from training.settings import CLIP_SAMPLES, HOP_SAMPLES
from training.synthesis import read_split

# A tag may ship when its average precision (as drawn) on both sets is at least this, and that many windows of both have
# it: fewer prove nothing.
SHIPPED_PRECISION, SHIPPED_WINDOWS = 0.60, 40
# Of those, as many ship as keep the mean of their average precisions on held-out draws at this.
SHIPPED_MEAN = 0.90
_CLIPS, _NOISE_CLIPS = 4000, 7000
_NUM_WORST_PAIRS = 10


@dataclass(frozen=True)
class Figures:
    """How well one tag is found.

    Attributes:
        windows_with: windows that have the tag.
        share_with: their share, of the windows where somebody can say.
        average_precision: area under its precision-recall steps, were it in a share of PREVALENCE of the windows.
        average_precision_as_drawn: the same at the share of the draws.
        precision: at its threshold, for each sensitivity from -2 to 2.
        recall: likewise.
        calibration_error: expected calibration error of its probability.
    """

    windows_with: int
    share_with: float
    average_precision: float
    average_precision_as_drawn: float
    precision: list[float]
    recall: list[float]
    calibration_error: float


@dataclass(frozen=True)
class Verdict:
    """What the judging said about one tag.

    Attributes:
        name: the tag.
        threshold: the probability from which it counts at sensitivity 0.
        noise_floor: what the threshold had to exceed, to keep noise quiet.
        held_out: figures on new draws from the sources of training.
        unseen: figures on sources that training never used.
    """

    name: str
    threshold: float
    noise_floor: float
    held_out: Figures
    unseen: Figures

    @property
    def may_ship(self) -> bool:
        """Whether the tag is good enough for the model file, seen alone."""
        return all(
            each.average_precision_as_drawn >= SHIPPED_PRECISION and each.windows_with >= SHIPPED_WINDOWS
            for each in (self.held_out, self.unseen)
        )


def shipped_tags(verdicts: list[Verdict]) -> list[int]:
    """Indices of the tags that ship: all that may, but for the weakest that pull the mean under SHIPPED_MEAN."""

    def held_out(index: int) -> float:
        return verdicts[index].held_out.average_precision_as_drawn

    strongest = sorted((index for index, each in enumerate(verdicts) if each.may_ship), key=held_out, reverse=True)
    while strongest and np.mean([held_out(index) for index in strongest]) < SHIPPED_MEAN:
        strongest.pop()
    return sorted(strongest)


def figures(scores: FloatArray, there: BoolArray, threshold: float) -> Figures:
    """The figures of one tag."""
    moved = [moved_threshold(threshold, sensitivity) for sensitivity in SENSITIVITIES]
    rates = [precision_and_recall(scores, there, each) for each in moved]
    return Figures(
        int(there.sum()),
        round(float(there.mean()), 4),
        round(average_precision(scores, there, PREVALENCE), 4),
        round(average_precision(scores, there), 4),
        [round(precision, 4) for precision, _ in rates],
        [round(recall, 4) for _, recall in rates],
        round(calibration_error(scores, there), 4),
    )


@torch.no_grad()
def correct_priors(tagger: Tagger, batches: Iterable[Batch]) -> None:
    """Shift the logits of tags that are drawn more often than they are to be expected, in place."""
    pairs = [(batch.targets.flatten(0, 1), batch.known.flatten(0, 1)) for batch in batches]
    there, known = (torch.cat(each).numpy() > 0.5 for each in zip(*pairs, strict=True))
    shifts = [prior_shift(there[known[:, tag], tag]) for tag in range(there.shape[1])]
    tagger.head.score.bias.add_(torch.tensor(shifts))


def codec_differences(tagger: Tagger, work: Path, shipped: list[int]) -> dict[str, dict[str, float]]:
    """How far the usual codecs move the probabilities, over mixes of unseen sources."""
    mixes = torch.cat([batch.clips for batch in draws(read_split(work, "unseen"), 150, 106)])
    clean = (mixes.numpy() * 32767).astype(np.int16)

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
    """The best of some runs on one thread by processor time, which does not mind other work; log-mel included."""
    threads, hops, starts = torch.get_num_threads(), torch.randn(batch, HOP_SAMPLES) * 0.1, torch.arange(batch - 1)
    torch.set_num_threads(1)
    times = []
    for _ in range(repeats):
        begin = time.process_time()
        tagger(hops, starts)
        times.append(time.process_time() - begin)
    torch.set_num_threads(threads)
    return round(batch / min(times))


@dataclass(frozen=True)
class Sets:
    """The draws of a judging: for thresholds (mixes, and noise), and for figures (held-out and unseen)."""

    tuned: Heard
    noise: Heard
    held_out: Heard
    unseen: Heard

    @classmethod
    def heard(cls, tagger: Tagger, work: Path) -> Sets:
        """Draw and score them all."""
        valid, unseen = read_split(work, "valid"), read_split(work, "unseen")
        return cls(
            hear(tagger, draws(valid, _CLIPS, 101), "draws for thresholds"),
            hear(tagger, chain(steady_noise(107, _NOISE_CLIPS), calm_clips(108)), "noise for thresholds"),
            hear(tagger, draws(valid, _CLIPS, 102), "held-out draws"),
            hear(tagger, draws(unseen, _CLIPS, 103), "unseen sources"),
        )

    def verdicts(self) -> list[Verdict]:
        """Thresholds from the first two, figures on the others."""
        verdicts = []
        for tag, name in enumerate(TAG_NAMES):
            floor = noise_floor(self.noise.scores[:, tag], len(TAG_NAMES))
            threshold = best_threshold(*self.tuned.of(tag), floor)
            rated = (figures(*heard.of(tag), threshold) for heard in (self.held_out, self.unseen))
            verdicts.append(Verdict(name, threshold, round(floor, 4), *rated))
        return verdicts


def judge(work: Path, report_file: Path) -> dict[str, Any]:
    """Judge WORK/checkpoint.pt as it is now: write the report, and keep the weights as WORK/judged.pt for export.

    The kept weights have their priors corrected.
    """
    state = State.fresh()
    state.load(work / "checkpoint.pt")
    correct_priors(state.average, draws(read_split(work, "valid"), _CLIPS, 101))
    state.save(work / "judged.pt")
    tagger = state.average.eval()
    sets = Sets.heard(tagger, work)
    verdicts = sets.verdicts()
    shipped = shipped_tags(verdicts)
    thresholds = np.array([verdict.threshold for verdict in verdicts], np.float32)
    mistaken = confusion(tagger, work, thresholds, shipped)
    keep_judgement(work / JUDGEMENT_FILE, Judgement(state.update, sets.held_out, sets.unseen, mistaken))
    report = {
        "updates": state.update,
        "parameters": sum(each.numel() for each in tagger.parameters()),
        "prevalence": PREVALENCE,
        "macro_map": {kind: _macro([verdicts[index] for index in shipped], kind) for kind in ("held_out", "unseen")},
        "sensitivities": list(SENSITIVITIES),
        "tags": [asdict(verdict) | {"ships": index in shipped} for index, verdict in enumerate(verdicts)],
        "false_alarms": false_alarms(tagger, work, thresholds, shipped),
        "worst_pairs": mistaken.worst_pairs(_NUM_WORST_PAIRS),
        "codec_differences": codec_differences(tagger, work, shipped),
        "hops_per_second_one_thread": hops_per_second(tagger),
    }
    report_file.parent.mkdir(parents=True, exist_ok=True)
    report_file.write_text(json.dumps(report, indent=1) + "\n")
    return report


def _macro(shipped: list[Verdict], kind: str) -> dict[str, float]:
    """Mean average precisions over the tags that ship (0 when none does)."""
    rated = [getattr(verdict, kind) for verdict in shipped]
    names = ("average_precision", "average_precision_as_drawn")
    return {name: round(float(np.mean([getattr(each, name) for each in rated] or 0)), 4) for name in names}
