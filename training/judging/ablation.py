"""What each family of synthetic sounds is worth: trains on without it, and judges on recordings kept aside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from evaluation.judging import TagFigures
from training.errors import TrainingError
from training.fitting.checkpoint import State
from training.fitting.fit import Run, fit
from training.judging.held_out_recordings import HeardRecordings
from training.mixes.bank import labelled_tracks, make_bank, recorded_tracks
from training.mixes.mixing import GROUP_WEIGHTS, RECORDED_SHARE
from training.settings import CHECKPOINT_FILE
from training.sources.recordings import HELD_OUT
from training.stems import read_split
from training.tags import TAG_NAMES

UPDATES = 250  # for each family: 2 minutes on two cores
NOTHING = "nothing"
_OWN_COLUMNS = "| its own tags | AUC | with it | recall | with it |"
# The groups that each family makes.
FAMILIES: dict[str, tuple[str, ...]] = {
    "instruments": ("Piano", "Guitar", "Bowed_string_instrument", "Drum", "music"),
    "voices": ("Speech", "Whisper"),
    "sirens and horns": ("Siren", "Civil_defense_siren", "Car_horn"),
    "alarms": ("Alarm", "Fire_smoke_alarm", "Appliance_alarm", "Reversing_beep", "Car_alarm"),
    "bells": ("Bell", "Doorbell", "Bicycle_bell", "Crossing_signal"),
    "hands and whistles": ("Clap", "Applause", "Whistle"),
}


@dataclass(frozen=True)
class Trained:
    """How recordings are heard after training without a family: the figures of each tag that enough of them have."""

    without: str
    figures: Mapping[str, TagFigures]

    def means(self, tags: Iterable[str]) -> tuple[str, str]:
        """Mean area under the ROC curve and mean recall at 2 % of these tags; empty where recordings have none."""
        chosen = [self.figures[tag] for tag in tags if tag in self.figures]
        if not chosen:
            return "", ""
        area, recall = np.mean([(each.area_under_curve, each.reachable_recall) for each in chosen], axis=0)
        return f"{area:.4f}", f"{recall:.1%}"


def ablate(work: Path, run: Run) -> Iterator[Trained]:
    """Continues the training without each family in turn, the first time with all of them.

    Each continuation is like the last quarter of a training of four times as many updates. It has no clips of the pool,
    which holds mixes of all families. WORK/ablation keeps the weights, so that an interrupted run goes on.

    Args:
        work: The folder of stems and of the checkpoint that all start from.
        run: Its `updates` are how many each of them takes.

    Raises:
        TrainingError: The step listen wrote no recordings, or the checkpoint is missing.
    """
    recorded = recorded_tracks(work)
    if not recorded:
        raise TrainingError("the step ablate judges by recordings: run the step listen first")
    tracks = labelled_tracks(read_split(work, "train")) + recorded
    (work / "ablation").mkdir(exist_ok=True)
    for family in (NOTHING, *FAMILIES):
        kept, state = work / "ablation" / f"{family}.pt", State.fresh()
        state.load(kept if kept.exists() else work / CHECKPOINT_FILE)
        if not kept.exists():
            state.update = 3 * run.updates
        weights = {group: share for group, share in GROUP_WEIGHTS.items() if group not in FAMILIES.get(family, ())}
        bank = make_bank(tracks, weights, RECORDED_SHARE, torch.device("cpu"))
        fit(state, bank, None, replace(run, updates=4 * run.updates), kept)
        yield Trained(family, _figures(state, work))


def _figures(state: State, work: Path) -> dict[str, TagFigures]:
    heard = HeardRecordings.of_split(state.average.eval(), work, HELD_OUT)
    if heard is None:
        raise TrainingError("no recordings were kept aside: the list has too few")
    figures = (heard.figures(tag, 0.5) for tag in range(len(TAG_NAMES)))
    return {each.tag: each for each in figures if each is not None}


def table(trained: Iterable[Trained]) -> Iterator[str]:
    """A table in Markdown, row by row. The first training had all families: the others are shown beside it."""
    first: Trained | None = None
    for each in trained:
        if first is None:
            first = each
            yield f"| without | AUC of {len(each.figures)} tags | recall at 2 % {_OWN_COLUMNS}"
            yield "| --- | ---: | ---: | --- | ---: | ---: | ---: | ---: |"
        own = [tag for tag in FAMILIES.get(each.without, ()) if tag in each.figures]
        (area, recall), (area_with, recall_with) = each.means(own), first.means(own)
        cells = (*each.means(each.figures), ", ".join(own), area, area_with, recall, recall_with)
        yield f"| {each.without} | {' | '.join(cells)} |"
