"""Which windows of a mix have which tags: from the energy of each source in the mix, and what the source has there."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from training.mixes.batch import WINDOWS
from training.settings import FRAME_SAMPLES, HOP_SAMPLES, WINDOW_HOPS
from training.tags import IMPULSIVE_TAGS, MOMENTARY_TAGS, TAG_NAMES

_FRAMES_PER_HOP = HOP_SAMPLES // FRAME_SAMPLES

# In a frame of 50 ms a source is clear where it is at most 6 dB under the whole mix, and lost where it is more than
# 14 dB under it. Between the two it is not known whether it can be heard.
CLEAR_RATIO = 10 ** (-6 / 10)
FAINT_RATIO = 10 ** (-14 / 10)
_TAIL_RATIO = 10 ** (-35 / 10)  # frames this far under the clip's loudest are the tail of a sound and do not count
_USUAL_FRAMES = 5
_CLEAR_FRAMES = torch.tensor(
    [1 if name in MOMENTARY_TAGS else 2 if name in IMPULSIVE_TAGS else _USUAL_FRAMES for name in TAG_NAMES]
)
# A target that is surer than this needs a clear source; under it, a source that is only faint leaves nothing open.
_DOUBT = 0.15


def frame_energies(samples: Tensor) -> Tensor:
    """Energy of each 50 ms: [..., samples] to [..., frames]."""
    return samples.reshape(*samples.shape[:-1], -1, FRAME_SAMPLES).square().sum(-1)


def window_targets(energies: Tensor, has: Tensor, owners: Tensor, clips: int) -> tuple[Tensor, Tensor]:
    """Targets and known marks [clips, WINDOWS, targets] from what each source has and how loud it is in its mix.

    A window has what its sources have, where enough of a source's frames are clear: 1 for momentary tags, 2 for
    impulsive ones, 5 for the others and for AudioSet's classes. A target is not known where a source may have it and
    is heard, or has it and is faint.

    Args:
        energies: float32 [K, frames], each source's energy in the mix.
        has: float32 [K, WINDOWS, tags, then classes], targets of each source; negative where they are not known.
        owners: int64 [K], each source's clip.
        clips: how many clips there are.
    """
    total = torch.zeros(clips, energies.shape[1], device=energies.device).index_add_(0, owners, energies) + 1e-9
    heard = (total > _TAIL_RATIO * total.amax(1, keepdim=True))[owners]
    clear = _frames_of_windows((energies > CLEAR_RATIO * total[owners]) & heard)
    audible = _frames_of_windows((energies > FAINT_RATIO * total[owners]) & heard) > 0
    needed = functional.pad(_CLEAR_FRAMES, (0, has.shape[2] - len(_CLEAR_FRAMES)), value=_USUAL_FRAMES)
    enough = clear[:, :, None] >= needed.to(energies.device)
    sure = torch.where(enough, has.clamp(min=0), torch.zeros_like(has))
    open_ = audible[:, :, None] & ((has < 0) | (~enough & (has > _DOUBT)))
    targets = _most(sure, owners, clips)
    known = (_most(open_.float(), owners, clips) == 0) | (targets > 0.5)
    return targets, known.float()


def _frames_of_windows(frames: Tensor) -> Tensor:
    """How many frames of each window are marked: bool [K, frames] to int64 [K, WINDOWS]."""
    per_hop = frames.reshape(len(frames), -1, _FRAMES_PER_HOP).sum(2)
    return torch.stack([per_hop[:, first : first + WINDOW_HOPS].sum(1) for first in range(WINDOWS)], 1)


def _most(values: Tensor, owners: Tensor, clips: int) -> Tensor:
    """The largest value among a clip's sources (0 without any): [K, WINDOWS, tags] to [clips, WINDOWS, tags]."""
    out = torch.zeros(clips, *values.shape[1:], device=values.device)
    return out.scatter_reduce_(0, owners[:, None, None].expand_as(values), values, "amax")
