"""Judges a trained network: sets thresholds on one set of draws, measures on others, writes the report."""

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

from training.fitting.checkpoint import State
from training.fitting.network import Tagger
from training.judging.clips import calm_clips, draws
from training.judging.confusion import confusion
from training.judging.false_alarms import false_alarms, steady_noise
from training.judging.judgement_file import JUDGEMENT_FILE, Judgement, keep_judgement
from training.judging.metrics import (
    PREVALENCE,
    SENSITIVITIES,
    FloatArray,
    best_threshold,
    noise_floor,
    prior_shift,
)
from training.judging.scored_windows import ScoredWindows, probabilities, score_clips
from training.judging.verdicts import Verdict, figures, shipped_tags
from training.mixes.batch import Batch
from training.mixes.codecs import USUAL_CODECS, through_codec
from training.settings import CLIP_SAMPLES, HOP_SAMPLES
from training.stems import read_split
from training.tags import TAG_NAMES

_CLIPS, _NOISE_CLIPS = 4000, 7000
_NUM_WORST_PAIRS = 10


@torch.no_grad()
def correct_priors(tagger: Tagger, batches: Iterable[Batch]) -> None:
    """Lower the logits of tags that mixes have more often than recordings do, in place."""
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
    """The best of some runs on one thread, log-mel included, by processor time: other work does not disturb it."""
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

    tuned: ScoredWindows
    noise: ScoredWindows
    held_out: ScoredWindows
    unseen: ScoredWindows

    @classmethod
    def heard(cls, tagger: Tagger, work: Path) -> Sets:
        """Draw and score them all."""
        valid, unseen = read_split(work, "valid"), read_split(work, "unseen")
        return cls(
            score_clips(tagger, draws(valid, _CLIPS, 101), "draws for thresholds"),
            score_clips(tagger, chain(steady_noise(107, _NOISE_CLIPS), calm_clips(108)), "noise for thresholds"),
            score_clips(tagger, draws(valid, _CLIPS, 102), "held-out draws"),
            score_clips(tagger, draws(unseen, _CLIPS, 103), "unseen sources"),
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
    """Judge WORK/checkpoint.pt: write the report, and keep the judged weights as WORK/judged.pt for export.

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
