"""Which windows of a mix have which tags: from the energy of each source in the mix."""

from __future__ import annotations

import numpy as np

from handler.arrays import Floats
from training.settings import FRAME_SAMPLES, HOP_SAMPLES, WINDOW_HOPS
from training.tags import IMPULSIVE_TAGS, MOMENTARY_TAGS, TAG_INDEX, TAG_NAMES, Labels

_FRAMES_PER_HOP = HOP_SAMPLES // FRAME_SAMPLES

# In a frame of 50 ms a tag is clear where its stems are at most 6 dB under the whole mix, and absent where they are
# more than 14 dB under it. Between the two it is not known.
CLEAR_RATIO = 10 ** (-6 / 10)
FAINT_RATIO = 10 ** (-14 / 10)
_TAIL_RATIO = 10 ** (-35 / 10)  # frames this far under the clip's loudest are the tail of a sound and do not count
_CLEAR_FRAMES = np.array([1 if name in MOMENTARY_TAGS else 2 if name in IMPULSIVE_TAGS else 5 for name in TAG_NAMES])


def frame_energies(samples: Floats) -> Floats:
    """Energy of each 50 ms: [..., samples] to [..., frames]."""
    framed = samples.reshape(*samples.shape[:-1], -1, FRAME_SAMPLES)
    return np.asarray(np.einsum("...fs,...fs->...f", framed, framed))


def window_labels(energies: Floats, labels: list[Labels]) -> tuple[Floats, Floats]:
    """Targets and known marks [windows, tags] from each stem's frame energies [stems, frames] as it is in the mix.

    A window has a tag when enough of its frames are clear: 1 for momentary tags, 2 for impulsive ones, 5 for the
    others. It does not have the tag when no frame is clear or faint.
    """
    total = energies.sum(0) + 1e-9
    present, unsure = _tag_energies(energies, labels, "present"), _tag_energies(energies, labels, "unsure")
    heard = total > _TAIL_RATIO * total.max()
    clear = (present > CLEAR_RATIO * total) & heard
    faint = (present + unsure > FAINT_RATIO * total) & heard
    windows = len(total) // _FRAMES_PER_HOP - WINDOW_HOPS + 1
    spans = [slice(first * _FRAMES_PER_HOP, (first + WINDOW_HOPS) * _FRAMES_PER_HOP) for first in range(windows)]
    targets = np.stack([clear[:, span].sum(1) >= _CLEAR_FRAMES for span in spans])
    absent = np.stack([~faint[:, span].any(1) for span in spans])
    return targets.astype(np.float32), (targets | absent).astype(np.float32)


def _tag_energies(energies: Floats, labels: list[Labels], which: str) -> Floats:
    """The energy [tags, frames] of the stems that have a tag ("present"), or may have it ("unsure")."""
    belongs = np.zeros((len(TAG_NAMES), len(labels)), np.float32)
    for column, each in enumerate(labels):
        for name in getattr(each, which):
            belongs[TAG_INDEX[name], column] = 1
    return belongs @ energies
