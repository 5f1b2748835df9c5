"""The file that the step judge leaves for the pictures: scores of both sets, and the confusion."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from training.errors import TrainingError
from training.judging.confusion import Confusion
from training.judging.scored_windows import ScoredWindows

JUDGEMENT_FILE = "judgement.npz"
_PARTS = ("scores", "there", "known")


@dataclass(frozen=True)
class Judgement:
    """The network's number of updates, its scores on both sets, and which tags it takes for which."""

    updates: int
    held_out: ScoredWindows
    unseen: ScoredWindows
    confusion: Confusion


def keep_judgement(path: Path, judgement: Judgement) -> None:
    """Write it; scores to 16 bits."""
    arrays = {"updates": np.array(judgement.updates)}
    for name in ("held_out", "unseen"):
        heard = getattr(judgement, name)
        arrays |= {f"{name}_{part}": getattr(heard, part) for part in _PARTS}
        arrays[f"{name}_scores"] = heard.scores.astype(np.float16)
    mistaken = judgement.confusion
    arrays |= {name: np.array(getattr(mistaken, name)) for name in ("tags", "counts", "recorded", "shares")}
    np.savez_compressed(path, allow_pickle=False, **arrays)


def read_judgement(path: Path) -> Judgement:
    """Read it back.

    Raises:
        TrainingError: the file is missing.
    """
    if not path.exists():
        raise TrainingError(f"{path} is missing; run the step: judge")
    with np.load(path) as arrays:
        held_out, unseen = (
            ScoredWindows(arrays[f"{name}_scores"].astype(np.float32), arrays[f"{name}_there"], arrays[f"{name}_known"])
            for name in ("held_out", "unseen")
        )
        tags, counts, recorded = (arrays[name].tolist() for name in ("tags", "counts", "recorded"))
        mistaken = Confusion(tags, counts, recorded, arrays["shares"])
        return Judgement(int(arrays["updates"]), held_out, unseen, mistaken)
