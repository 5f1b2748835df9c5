"""False alarms in real sound: windows in which a tag is reported that their recording surely lacks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from evaluation.presence import ABSENT, ANYTHING, presence
from evaluation.recordings import Recording
from handler.arrays import Floats

# Kinds of sound, by the tags of a recording, and by what its data set calls it (UrbanSound8K's names, ESC's).
_KINDS_BY_TAG = {"Speech": "speech", "Music": "music"}
_STREET = ("air_conditioner", "children_playing", "drilling", "engine_idling", "jackhammer")
_KINDS_BY_LABEL = {**dict.fromkeys(_STREET, "street"), "rain": "rain", "rain heavy": "rain", "wind": "wind"}
_WORST = 3
_LEAST_CLIPS = 5  # fewer say little about a kind


@dataclass(frozen=True)
class WrongWindows:
    """The false alarms of one kind of sound.

    Attributes:
        kind: What sounds.
        clips: Recordings of it.
        windows: Of all of them.
        wrong: Windows with a tag that their recording surely lacks.
        worst: The tags that are reported wrongly most often, with their windows.
    """

    kind: str
    clips: int
    windows: int
    wrong: int
    worst: dict[str, int]


def wrong_windows(
    recordings: Sequence[Recording], probabilities: Sequence[Floats], tags: Sequence[str], thresholds: Floats
) -> list[WrongWindows]:
    """Counts the false alarms of each kind of sound that five or more clips are of.

    Args:
        recordings: The clips.
        probabilities: Of each clip, float32 of shape (windows, tags).
        tags: Their names.
        thresholds: float32 of shape (tags,).
    """
    known, kinds = presence(recordings, tags), [_kind(each) for each in recordings]
    found = []
    for kind in sorted(each for each, clips in Counter(kinds).items() if each and clips >= _LEAST_CLIPS):
        places = [place for place, each in enumerate(kinds) if each == kind]
        wrong = np.concatenate([(probabilities[place] >= thresholds) & (known[place] == ABSENT) for place in places])
        by_tag = Counter(dict(zip(tags, wrong.sum(0).tolist(), strict=True))).most_common(_WORST)
        worst = {name: windows for name, windows in by_tag if windows}
        found.append(WrongWindows(kind, len(places), len(wrong), int(wrong.any(1).sum()), worst))
    return found


def _kind(recording: Recording) -> str:
    """What sounds in a recording, "" for anything else: also where its labels do not say what it lacks."""
    if ANYTHING in recording.tags_one_of:
        return ""
    by_tag = [kind for tag, kind in _KINDS_BY_TAG.items() if tag in recording.tags]
    return by_tag[0] if by_tag else _KINDS_BY_LABEL.get(recording.label.lower(), "")
