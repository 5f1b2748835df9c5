"""False alarms: how often a kind of sound gets a tag that is not in it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from training.fitting.network import Tagger
from training.judging.clips import calm_clips, draws, noise_bank
from training.judging.metrics import SENSITIVITIES, FloatArray, moved_threshold
from training.judging.scored_windows import ScoredWindows, score_clips
from training.mixes.batch import Batch
from training.settings import HOP_SECONDS
from training.sources.signals.backgrounds import stationary_noise
from training.sources.unseen_signals import UNSEEN_SIGNALS
from training.stems import StoredStem, read_split
from training.tags import TAG_INDEX, TAG_NAMES, TAGS

_CLIPS_PER_NOISE, _CLIPS = 5, 1200  # 1,200 clips have 3,600 windows: an hour of hops
_SPEECH = frozenset({"Speech", "Male_speech", "Female_speech", "Whisper"})
_MUSIC = frozenset(tag.name for tag in TAGS if tag.category == "Music")
# Generators that only judge: fans and hiss; cabins and traffic, which have lines or swell slowly.
UNSEEN_STEADY, UNSEEN_HUM = frozenset({"office_noise", "shower_head"}), frozenset({"cabin_hum", "traffic_rumble"})
_WORST = 3


@dataclass(frozen=True)
class Quiet:
    """Sound of one kind, in which most tags would be false alarms.

    Attributes:
        name: what the report calls it.
        batches: the clips.
        allowed: tags that this kind of sound has, which do not count.
    """

    name: str
    batches: Iterable[Batch]
    allowed: frozenset[str] = field(default_factory=frozenset)


def steady_noise(seed: int, clips: int) -> Iterator[Batch]:
    """New draws of training's generator of stationary noise, through rooms and lines, at all levels."""
    return draws(noise_bank(stationary_noise, clips // _CLIPS_PER_NOISE, seed), clips, seed)


def _unseen_noise(names: frozenset[str], seed: int) -> Iterator[Batch]:
    """New draws of generators that only judge."""
    banks = [
        noise_bank(generator, 2 * _CLIPS // _CLIPS_PER_NOISE // len(names), seed, labels)
        for generator, labels, _ in UNSEEN_SIGNALS
        if generator.__name__ in names
    ]
    return draws([stem for bank in banks for stem in bank], 2 * _CLIPS, seed)


def _having(bank: list[StoredStem], tag: str) -> list[StoredStem]:
    return [stem for stem in bank if tag in stem.labels.present]


def quiet_kinds(work: Path) -> Iterator[Quiet]:
    """The kinds of sound to try."""
    unseen = read_split(work, "unseen")
    yield Quiet("silence, constants, hiss", calm_clips(201))
    yield Quiet("stationary noise, new draws", steady_noise(202, 2 * _CLIPS))
    yield Quiet("stationary noise, unseen generators", _unseen_noise(UNSEEN_STEADY, 203))
    yield Quiet("hum and rumble, unseen generators", _unseen_noise(UNSEEN_HUM, 208))
    yield Quiet("only speech, unseen voices", draws(_having(unseen, "Speech"), _CLIPS, 206), _SPEECH)
    yield Quiet("only music, unseen fonts", draws(_having(unseen, "Music"), _CLIPS, 207), _MUSIC)


def counted(heard: ScoredWindows, thresholds: FloatArray, tags: list[int]) -> dict[str, Any]:
    """Windows with a wrong tag among `tags`: how many, per hour at each sensitivity, and by which tags most."""
    windows, at_each = len(heard.scores), []
    for sensitivity in SENSITIVITIES:
        moved = np.array([moved_threshold(float(each), sensitivity) for each in thresholds])
        wrong = heard.wrong(moved)[:, tags]
        at_each.append(round(float(wrong.any(1).mean()) * 3600 / HOP_SECONDS, 1))
    wrong = heard.wrong(thresholds)[:, tags]
    by_tag = wrong.sum(0)
    worst = [index for index in np.argsort(-by_tag, kind="stable")[:_WORST] if by_tag[index]]
    return {
        "windows": windows,
        "windows_with_a_wrong_tag": int(wrong.any(1).sum()),
        "per_hour_by_sensitivity": at_each,
        "worst": [{"tag": TAG_NAMES[tags[index]], "windows": int(by_tag[index])} for index in worst],
    }


def false_alarms(tagger: Tagger, work: Path, thresholds: FloatArray, shipped: list[int]) -> dict[str, dict[str, Any]]:
    """The false alarms of the shipped tags, by kind of sound."""
    report = {}
    for quiet in quiet_kinds(work):
        allowed = {TAG_INDEX[name] for name in quiet.allowed if name in TAG_INDEX}
        tags = [tag for tag in shipped if tag not in allowed]
        report[quiet.name] = counted(score_clips(tagger, quiet.batches, quiet.name), thresholds, tags)
    return report
