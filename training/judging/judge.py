"""Judges a trained network: sets thresholds on one set of draws, measures on others, writes the report."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from evaluation.presence import presence
from evaluation.recordings import read_recordings
from training.fitting.checkpoint import State
from training.fitting.export import with_tags
from training.fitting.network import Tagger
from training.judging.clips import calm_clips, draws
from training.judging.confusion import confusion
from training.judging.false_alarms import false_alarms, steady_noise
from training.judging.held_out_recordings import HeardRecordings, is_enough_evidence
from training.judging.judgement_file import JUDGEMENT_FILE, Judgement, keep_judgement
from training.judging.metrics import (
    HIGHEST_THRESHOLD,
    PREVALENCE,
    SENSITIVITIES,
    FloatArray,
    best_threshold,
    noise_floor,
)
from training.judging.scored_windows import ScoredWindows, probabilities, score_clips
from training.judging.verdicts import RECORDINGS, SYNTHESIS, Verdict, figures
from training.mixes.codecs import USUAL_CODECS, through_codec
from training.settings import CHECKPOINT_FILE, CLIP_SAMPLES, HOP_SAMPLES
from training.sources.recordings import HELD_OUT, TRAINED, judges_only, split_of
from training.stems import read_split
from training.tags import NUM_TAGS, TAG_NAMES

_CLIPS, _NOISE_CLIPS = 4000, 7000
_NUM_WORST_PAIRS = 10
# Two steps of sensitivity up, lower ones would be under 0.01: what training aims at where a tag is absent.
_LOWEST_THRESHOLD = 0.07


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
    """What judges: draws of synthetic sources for thresholds and for figures, noise, and recordings, if any."""

    tuned: ScoredWindows
    noise: ScoredWindows
    held_out: ScoredWindows
    unseen: ScoredWindows
    kept_aside: HeardRecordings | None
    trained: HeardRecordings | None
    evidence: tuple[str, ...]

    @classmethod
    def heard(cls, tagger: Tagger, work: Path, evidence: tuple[str, ...]) -> Sets:
        """Draw and score them all."""
        valid, unseen = read_split(work, "valid"), read_split(work, "unseen")
        return cls(
            score_clips(tagger, draws(valid, _CLIPS, 101), "draws for thresholds"),
            score_clips(tagger, chain(steady_noise(107, _NOISE_CLIPS), calm_clips(108)), "noise for thresholds"),
            score_clips(tagger, draws(valid, _CLIPS, 102), "held-out draws"),
            score_clips(tagger, draws(unseen, _CLIPS, 103), "unseen sources"),
            HeardRecordings.of_split(tagger, work, HELD_OUT),
            HeardRecordings.of_split(tagger, work, TRAINED),
            evidence,
        )

    def threshold(self, tag: int) -> float:
        """What keeps noise and recordings without the tag quiet; a tag that only synthesis judges needs more."""
        floors = [_LOWEST_THRESHOLD, noise_floor(self.noise.scores[:, tag], NUM_TAGS)]
        floors += [each.threshold(tag) for each in (self.kept_aside, self.trained) if each is not None]
        floor = min(max(floors), HIGHEST_THRESHOLD)
        scores, there = self.tuned.of(tag)
        if self.evidence[tag] == SYNTHESIS and there.any():
            return best_threshold(scores, there, floor)
        return round(floor + 0.0005, 3)

    def verdicts(self) -> list[Verdict]:
        """Thresholds, and figures at them."""
        verdicts = []
        for tag, name in enumerate(TAG_NAMES):
            threshold = self.threshold(tag)
            recorded = self.kept_aside.figures(tag, threshold) if self.kept_aside else None
            rated = (figures(*heard.of(tag), threshold) for heard in (self.held_out, self.unseen))
            verdicts.append(Verdict(name, threshold, self.evidence[tag], recorded, *rated))
        return verdicts


def evidence_of(place: Path | None) -> tuple[str, ...]:
    """What can judge each tag: recordings that are never trained on, where there are enough, else synthesis.

    Only labels are read, no sound: tags are not chosen by how well the recordings that judge are heard.
    """
    if place is None:
        return (SYNTHESIS,) * NUM_TAGS
    aside = [each for each in read_recordings(place) if judges_only(each) or split_of(each) == HELD_OUT]
    known = presence(aside, TAG_NAMES)
    return tuple(RECORDINGS if is_enough_evidence(aside, known, tag) else SYNTHESIS for tag in range(NUM_TAGS))


def judge(work: Path, report_file: Path, recordings: Path | None) -> dict[str, Any]:
    """Judge WORK/checkpoint.pt: write the report.

    Args:
        work: the folder of stems and checkpoints.
        report_file: JSON that is written.
        recordings: the list that the step listen read, or None.
    """
    state = State.fresh()
    state.load(work / CHECKPOINT_FILE)
    tagger = state.average.eval()
    sets = Sets.heard(tagger, work, evidence_of(recordings))
    verdicts = sets.verdicts()
    shipped = [index for index, verdict in enumerate(verdicts) if verdict.ships]
    thresholds = np.array([verdict.threshold for verdict in verdicts], np.float32)
    mistaken = confusion(tagger, work, thresholds, shipped, sets.kept_aside)
    keep_judgement(work / JUDGEMENT_FILE, Judgement(state.update, sets.held_out, sets.unseen, mistaken))
    report = {
        "updates": state.update,
        "parameters": sum(each.numel() for each in with_tags(tagger, shipped).parameters()),
        "prevalence": PREVALENCE,
        "macro_map": {kind: _macro([verdicts[index] for index in shipped], kind) for kind in ("held_out", "unseen")},
        "sensitivities": list(SENSITIVITIES),
        "tags": [asdict(verdict) | {"ships": verdict.ships} for verdict in verdicts],
        "false_alarms": false_alarms(tagger, work, thresholds, shipped),
        "worst_pairs": mistaken.worst_pairs(_NUM_WORST_PAIRS),
        "codec_differences": codec_differences(tagger, work, shipped),
        "hops_per_second_one_thread": hops_per_second(tagger),
    }
    report_file.parent.mkdir(parents=True, exist_ok=True)
    report_file.write_text(json.dumps(report, indent=1) + "\n")
    return report


def _macro(shipped: list[Verdict], kind: str) -> dict[str, float]:
    """Mean average precisions over the tags that ship and that the set has (0 where there are none)."""
    rated = [each for each in (getattr(verdict, kind) for verdict in shipped) if each is not None]
    names = ("average_precision", "average_precision_as_drawn")
    return {name: round(float(np.mean([getattr(each, name) for each in rated] or 0)), 4) for name in names}
