"""Places what is known of a recording as a whole in time, with the help of a teacher's probabilities.

A recording's labels say what is somewhere in it. A teacher, an imported model of AudioSet, says what is heard in each
of its windows. The result is a track: for every window and tag a target from 0 to 1, or UNKNOWN.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy import special

from catalogue.catalogue import load_catalogue
from evaluation.presence import ANYTHING
from handler.arrays import Floats
from training.tags import NUM_TAGS, PARENTS, TAG_INDEX, TAG_NAMES

UNKNOWN = np.float32(-1)
_CATALOGUE = load_catalogue()
CLASS_NAMES = tuple(each.name for each in _CATALOGUE.classes)  # of AudioSet
# A label is placed where the teacher hears it at least this strongly, against where it hears it most.
_HEARD_SHARE, _UNHEARD_SHARE = 0.3, 0.05
# A teacher that never reaches this probability did not recognise what the label says: then its track says nothing.
_CLUELESS = 0.02
# In how many recordings without a tag the teacher may reach its threshold.
_FALSE_SHARE = 0.01
# A teacher that finds fewer of the recordings with a label is deaf to the tag: its silence means nothing.
_HEARING_SHARE = 0.5
_LOWEST_THRESHOLD, _HIGHEST_THRESHOLD = 0.05, 0.5


@dataclass(frozen=True)
class Clip:
    """What is known of a recording as a whole: tags that it has, of which it has one at least, that it lacks."""

    present: Sequence[str]
    one_of: Sequence[str] = ()
    absent: Sequence[str] = ()


def teacher_thresholds(most: Floats, absent: npt.NDArray[np.bool_]) -> Floats:
    """The probability from which a teacher is believed: few of the recordings without the tag reach it.

    Args:
        most: float32 (recordings, tags), the highest probability in each recording.
        absent: bool (recordings, tags), whether the recording lacks the tag.

    Returns:
        float32 (tags,), from 0.05 to 0.5, which holds where all recordings have the tag, too.
    """
    others = [most[absent[:, tag], tag] for tag in range(most.shape[1])]
    reached = [np.quantile(each, 1 - _FALSE_SHARE) if len(each) else _HIGHEST_THRESHOLD for each in others]
    return np.clip(np.array(reached, np.float32), _LOWEST_THRESHOLD, _HIGHEST_THRESHOLD)


def deaf_to(most: Floats, there: npt.NDArray[np.bool_], thresholds: Floats) -> npt.NDArray[np.bool_]:
    """The tags that a teacher misses in more than half of the recordings with them: bool (tags,).

    Args:
        most: as `teacher_thresholds` takes it.
        there: bool (recordings, tags), whether the recording has the tag.
        thresholds: float32 (tags,), from which the teacher is believed.
    """
    columns = zip(most.T, there.T, thresholds, strict=True)
    found = np.array([(heard[has] >= threshold).mean() if has.any() else 1 for heard, has, threshold in columns])
    return np.asarray(found < _HEARING_SHARE)


def place(clip: Clip, taught: Floats, thresholds: Floats, deaf: npt.NDArray[np.bool_]) -> Floats:
    """A recording's track.

    Args:
        clip: its labels.
        taught: float32 (windows, tags), the teacher's probabilities; UNKNOWN for tags that it does not know.
        thresholds: float32 (tags,), from which it is believed.
        deaf: bool (tags,), which it often misses: they stay open where it hears nothing and no label is given.

    Returns:
        float32 (windows, tags): where the teacher's threshold is reached 0.5 or more, 1 where a label was placed.
    """
    known = taught >= 0
    safe = np.clip(taught, 1e-4, 1 - 1e-4)
    track = np.where(known, special.expit(special.logit(safe) - special.logit(thresholds)), 0).astype(np.float32)
    if ANYTHING in clip.one_of:
        track[np.ix_(track.max(1) < 0.5, deaf)] = UNKNOWN
    for name in clip.one_of:
        _leave_open(track, name)
    for name in set(clip.present) & TAG_INDEX.keys():
        for child in (tag for tag, parents in PARENTS.items() if name in parents and tag not in clip.present):
            if not known[0, TAG_INDEX[child]]:
                track[:, TAG_INDEX[child]] = UNKNOWN
        track[:, TAG_INDEX[name]] = _placed(track[:, TAG_INDEX[name]], taught[:, TAG_INDEX[name]])
    for name in set(clip.absent) & TAG_INDEX.keys():
        track[:, TAG_INDEX[name]] = 0
    return track


def _leave_open(track: Floats, name: str) -> None:
    """Keep a tag that may be there only where the teacher is sure of it."""
    if name in TAG_INDEX:
        column = track[:, TAG_INDEX[name]]
        column[column < 0.5] = UNKNOWN


def _placed(believed: Floats, taught: Floats) -> Floats:
    """A label's column: 1 where the teacher hears it most, its own word where it hears nothing, UNKNOWN between."""
    most = taught.max()
    if len(taught) == 1 or most < _CLUELESS:
        return np.ones_like(believed)
    unheard = np.where(taught < _UNHEARD_SHARE * most, np.minimum(believed, 0.5), UNKNOWN)
    return np.where(taught >= _HEARD_SHARE * most, np.float32(1), unheard).astype(np.float32)


def knows_classes(outputs: Sequence[str]) -> bool:
    """Whether a teacher's outputs are AudioSet's classes; else they are tags."""
    return set(CLASS_NAMES) <= set(outputs)


def spread(outputs: tuple[str, ...], taught: Floats) -> Floats:
    """A teacher's probabilities (windows, its outputs) in the columns of TAG_NAMES; UNKNOWN where it knows no such tag.

    A tag of AudioSet's classes is as probable as the most probable of them.
    """
    wide = np.full((len(taught), NUM_TAGS), UNKNOWN, np.float32)
    for name, columns in _columns_of_tags(outputs).items():
        wide[:, TAG_INDEX[name]] = taught[:, columns].max(1)
    return wide


@cache
def _columns_of_tags(outputs: tuple[str, ...]) -> dict[str, list[int]]:
    if not knows_classes(outputs):
        return {name: [column] for column, name in enumerate(outputs) if name in TAG_INDEX}
    column_of = {name: column for column, name in enumerate(outputs)}
    classes_of = _CATALOGUE.classes_of
    return {name: [column_of[each.name] for each in classes_of[name]] for name in TAG_NAMES if name in classes_of}


def classes(outputs: tuple[str, ...], taught: Floats) -> Floats:
    """A teacher's probabilities (windows, its outputs) in the columns of CLASS_NAMES; UNKNOWN if it knows only tags."""
    columns = _columns_of_classes(outputs)
    return taught[:, columns] if columns else np.full((len(taught), len(CLASS_NAMES)), UNKNOWN, np.float32)


@cache
def _columns_of_classes(outputs: tuple[str, ...]) -> list[int]:
    column_of = {name: column for column, name in enumerate(outputs)}
    return [column_of[name] for name in CLASS_NAMES] if knows_classes(outputs) else []
