"""All stems of a training on its device: their samples in a row, their tracks of targets, and how often each is drawn.

A track says what a stem has, in windows that begin every half second: a recording's is placed by a teacher, a
synthetic sound's is one row, its labels.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from evaluation.presence import ANYTHING
from handler.arrays import Floats
from training.mixes.placing import CLASS_NAMES, UNKNOWN, Clip, classes, deaf_to, place, spread, teacher_thresholds
from training.sources.recordings import TEACHER_FILE, TRAINED
from training.stems import StoredStem, stem_folder
from training.tags import LIKE_NOISE, NUM_TAGS, TAG_INDEX, TAG_NAMES, Labels

NUM_TARGETS = NUM_TAGS + len(CLASS_NAMES)
NOISE = "noise"
_WITHOUT_TAG = "without a tag"
_RECORDED = "recorded/"  # begins the names of recordings' groups


@dataclass(frozen=True)
class Track:
    """A stem with its targets: float32 (rows, tags, then AudioSet's classes), UNKNOWN where nothing is known."""

    stem: StoredStem
    rows: Floats


@dataclass(frozen=True)
class Bank:
    """Stems, S of them.

    Attributes:
        samples: int16 of all stems in a row.
        first, lengths: int64 [S], where each begins and how long it is, in samples.
        rows: float32 [rows, tags, then classes], the tracks of all stems in a row.
        row_first, row_counts: int64 [S], where each stem's track begins and how many rows it has.
        groups: names of the groups, in the order of `odds`.
        odds: float64 [groups], how often each is drawn; they add up to 1.
        members: int64, stems in the order of their groups.
        edges: float64, ascending: member m of group g is drawn by numbers in (edges[m - 1], edges[m]], from g to g + 1.
    """

    samples: Tensor
    first: npt.NDArray[np.int64]
    lengths: npt.NDArray[np.int64]
    rows: Tensor
    row_first: npt.NDArray[np.int64]
    row_counts: npt.NDArray[np.int64]
    groups: tuple[str, ...]
    odds: npt.NDArray[np.float64]
    members: npt.NDArray[np.int64]
    edges: npt.NDArray[np.float64]

    def draw(self, rng: np.random.Generator, groups: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """A stem of each of these groups."""
        drawn = self.members[np.searchsorted(self.edges, groups + rng.random(len(groups)), side="right")]
        return np.asarray(drawn)


def labelled_tracks(stems: list[StoredStem]) -> list[Track]:
    """Synthetic stems, each with one row: its labels."""
    return [Track(stem, _row(stem.labels, stem.group)) for stem in stems]


def _row(labels: Labels, group: str) -> Floats:
    row = np.zeros((1, NUM_TARGETS), np.float32)
    row[0, NUM_TAGS:] = UNKNOWN
    unsure = set(labels.unsure) | (LIKE_NOISE if group == NOISE else set())
    row[0, [TAG_INDEX[name] for name in unsure]] = UNKNOWN
    row[0, [TAG_INDEX[name] for name in labels.present]] = 1
    return row


def recorded_tracks(work: Path) -> list[Track]:
    """The recordings to train on with their tracks; none where no recordings were read."""
    listing = work / "stems" / TEACHER_FILE
    if not listing.exists():
        return []
    outputs = tuple(json.loads(listing.read_text())["tags"])
    entries, samples, taught = _read_recordings(stem_folder(work, TRAINED))
    heard = [spread(outputs, each) for each in taught]
    thresholds, deaf = _beliefs(entries, heard)
    placed = [place(_clip(entry), each, thresholds, deaf) for entry, each in zip(entries, heard, strict=True)]
    groups = _groups([_named(entry, track) for entry, track in zip(entries, placed, strict=True)])
    return [
        Track(
            StoredStem(wave, Labels(tuple(entry["tags"])), entry["group"], _RECORDED + group),
            np.concatenate([track, classes(outputs, each)], 1),
        )
        for entry, wave, each, track, group in zip(entries, samples, taught, placed, groups, strict=True)
    ]


def _clip(entry: Mapping[str, Any]) -> Clip:
    return Clip(entry["tags"], entry["tags_one_of"], entry["tags_absent"])


def _named(entry: Mapping[str, Any], track: Floats) -> list[str]:
    """The tags of a recording: its labels, or else what its teacher hears in it."""
    return [name for name in entry["tags"] if name in TAG_INDEX] or [
        name for name, most in zip(TAG_NAMES, track.max(0), strict=True) if most >= 0.5
    ]


def _groups(named: list[list[str]]) -> list[str]:
    """The group of each recording: its rarest tag, so that rare tags are drawn as often as frequent ones."""
    counts = Counter(tag for tags in named for tag in tags)
    return [min(tags, key=lambda tag: counts[tag]) if tags else _WITHOUT_TAG for tags in named]


def _read_recordings(folder: Path) -> tuple[list[dict[str, Any]], list[npt.NDArray[np.int16]], list[Floats]]:
    """The list's entries, samples and teacher's probabilities of all recordings of a folder."""
    entries, samples, taught = [], [], []
    for listing in sorted(folder.glob("*.json")):
        waves = np.load(listing.with_suffix(".npy"), mmap_mode="r")
        heard = np.load(listing.with_suffix(".teacher.npy"))
        at = row = 0
        for entry in json.loads(listing.read_text()):
            entries.append(entry)
            samples.append(waves[at : at + entry["length"]])
            taught.append(heard[row : row + entry["rows"]].astype(np.float32))
            at, row = at + entry["length"], row + entry["rows"]
    return entries, samples, taught


def _beliefs(entries: Sequence[Mapping[str, Any]], heard: Sequence[Floats]) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """From which probability on the teacher is believed, and which tags it misses: by the recordings with labels."""
    most = np.array([each.max(0) for each in heard], np.float32).reshape(-1, NUM_TAGS)
    present, absent = np.zeros(most.shape, np.bool_), np.zeros(most.shape, np.bool_)
    for index, entry in enumerate(entries):
        present[index, _columns(entry["tags"])] = True
        absent[index] = ANYTHING not in entry["tags_one_of"]
        absent[index, _columns((*entry["tags"], *entry["tags_one_of"]))] = False
    thresholds = teacher_thresholds(most, absent)
    return thresholds, deaf_to(most, present, thresholds)


def _columns(names: Iterable[str]) -> list[int]:
    return [TAG_INDEX[name] for name in names if name in TAG_INDEX]


def make_bank(tracks: list[Track], weights: Mapping[str, float], recorded_share: float, device: torch.device) -> Bank:
    """Put tracks on a device.

    Args:
        tracks: the stems.
        weights: how often the groups of synthetic stems are drawn, against each other.
        recorded_share: the share of sources that are recordings, 0 to 1.
        device: where they go.
    """
    by_group: dict[str, list[int]] = defaultdict(list)
    for index, track in enumerate(tracks):
        by_group[track.stem.group].append(index)
    odds = _odds(by_group, tracks, weights, recorded_share)
    groups = tuple(group for group in sorted(by_group) if odds[group] > 0 or group == NOISE)
    edges = [
        number + _edges([tracks[index].stem.source for index in by_group[group]]) for number, group in enumerate(groups)
    ]
    lengths = np.array([len(track.stem.samples) for track in tracks])
    counts = np.array([len(track.rows) for track in tracks])
    shares = np.array([odds[group] for group in groups])
    return Bank(
        torch.from_numpy(np.concatenate([track.stem.samples for track in tracks])).to(device),
        np.cumsum(lengths) - lengths,
        lengths,
        torch.from_numpy(np.concatenate([track.rows for track in tracks])).to(device),
        np.cumsum(counts) - counts,
        counts,
        groups,
        shares / shares.sum(),
        np.concatenate([by_group[group] for group in groups]),
        np.concatenate(edges),
    )


def _odds(
    by_group: Mapping[str, list[int]], tracks: list[Track], weights: Mapping[str, float], recorded_share: float
) -> dict[str, float]:
    """How often each group is drawn. Groups of recordings share theirs by the square root of their sources."""
    recorded = {
        group: len({tracks[index].stem.source for index in members}) ** 0.5
        for group, members in by_group.items()
        if group.startswith(_RECORDED)
    }
    made = {group: weights.get(group, 0.0) for group in by_group if group not in recorded}
    parts = ((recorded, recorded_share if made else 1.0), (made, 1 - recorded_share if recorded else 1.0))
    return {group: share * each / sum(part.values()) for part, share in parts for group, each in part.items() if part}


def _edges(sources: list[str]) -> npt.NDArray[np.float64]:
    """Upper edges in (0, 1] of a group's members: every source is drawn equally often."""
    counts: dict[str, int] = defaultdict(int)
    for source in sources:
        counts[source] += 1
    shares = np.array([1 / counts[source] for source in sources])
    edges = np.cumsum(shares) / shares.sum()
    edges[-1] = 1
    return np.asarray(edges)
