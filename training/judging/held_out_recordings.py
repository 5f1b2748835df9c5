"""What a network says of the recordings that were kept aside, clip by clip: for thresholds, and for which tags ship."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from evaluation.judging import TagFigures, judged, rounded
from evaluation.measures import Mask
from evaluation.presence import ABSENT, THERE, Presence, presence
from evaluation.recordings import Recording
from handler.arrays import Floats
from training.fitting.network import Tagger
from training.settings import HOP_SAMPLES
from training.stems import stem_folder
from training.tags import TAG_NAMES

# Of the recordings without a tag, the share that may reach its threshold.
FALSE_SHARE = 0.015
# Recordings that nobody called music have jingles, tunes of toys and tones in them, and others have distant voices.
_FALSE_SHARES = {"Music": 0.025, "Instrument": 0.025, "Speech": 0.02}
LEAST_CLIPS = 3  # fewer say nothing about a tag
_ENOUGH_CLIPS, _ENOUGH_SOURCES = 10, 5


@dataclass(frozen=True)
class HeardRecordings:
    """Recordings with their scores.

    Attributes:
        recordings: R of them.
        scores: float32 [R, tags].
        known: int8 [R, tags], as `evaluation.presence` has it.
    """

    recordings: Sequence[Recording]
    scores: Floats
    known: Presence

    @classmethod
    def of_split(cls, tagger: Tagger, work: Path, split: str) -> HeardRecordings | None:
        """All recordings of a split of WORK/stems; None where there are none."""
        recordings: list[Recording] = []
        scores: list[Floats] = []
        for listing in tqdm(sorted(stem_folder(work, split).glob("*.json")), desc=split, unit="shard", leave=False):
            samples, at = np.load(listing.with_suffix(".npy"), mmap_mode="r"), 0
            for entry in json.loads(listing.read_text()):
                recordings.append(_recording(entry))
                scores.append(clip_scores(tagger, samples[at : at + entry["length"]] / np.float32(32768)))
                at += entry["length"]
        return cls(recordings, np.stack(scores), presence(recordings, TAG_NAMES)) if recordings else None

    def threshold(self, tag: int) -> float:
        """The lowest threshold that few of the recordings without the tag reach: FALSE_SHARE, of some tags more."""
        others = self.scores[self.known[:, tag] == ABSENT, tag]
        share = _FALSE_SHARES.get(TAG_NAMES[tag], FALSE_SHARE)
        return float(np.quantile(others, 1 - share)) if len(others) else 0.0

    def figures(self, tag: int, threshold: float) -> TagFigures | None:
        """The figures of a tag; None where fewer than LEAST_CLIPS have it."""
        scores, thresholds = self.scores[:, tag : tag + 1], np.array([threshold], np.float32)
        found = judged(self.recordings, scores, [TAG_NAMES[tag]], thresholds, least_clips=LEAST_CLIPS)
        return rounded(found[0]) if found else None

    def reported(self, tag: int, thresholds: Floats) -> Mask:
        """bool[clips, tags]: what is wrongly reported, and the tag itself, in the clips that have it."""
        having = self.known[:, tag] == THERE
        loud = self.scores[having] >= thresholds
        reported: Mask = loud & (self.known[having] == ABSENT)
        reported[:, tag] = loud[:, tag]
        return reported


def _recording(entry: dict[str, Any]) -> Recording:
    fields = {name: entry[name] for name in Recording.__dataclass_fields__ if name in entry and name != "path"}
    for name in ("tags", "tags_one_of", "tags_absent"):
        fields[name] = tuple(fields[name])
    return Recording(path=Path(entry.get("path", "")), **fields)


@torch.no_grad()
def clip_scores(tagger: Tagger, samples: Floats) -> Floats:
    """Each tag's highest probability over all windows of a clip, which is padded to whole hops, two at least."""
    hops = max(2, -(-len(samples) // HOP_SAMPLES))
    padded = torch.from_numpy(np.pad(samples, (0, hops * HOP_SAMPLES - len(samples)))).reshape(hops, HOP_SAMPLES)
    return np.asarray(torch.sigmoid(tagger(padded, torch.arange(hops - 1))).amax(0).numpy())


def is_enough_evidence(recordings: Sequence[Recording], known: Presence, tag: int) -> bool:
    """Whether recordings can judge a tag: ten clips of five sources have it, and as many clips lack it."""
    there: Mask = known[:, tag] == THERE
    sources = {recording.group for recording, has in zip(recordings, there, strict=True) if has}
    return (
        int(there.sum()) >= _ENOUGH_CLIPS
        and len(sources) >= _ENOUGH_SOURCES
        and int((known[:, tag] == ABSENT).sum()) >= _ENOUGH_CLIPS
    )
