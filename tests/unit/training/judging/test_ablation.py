"""Training on without a family of synthetic sounds. The toy model is the teacher: its tags are tones."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.io import wavfile

from training.errors import TrainingError
from training.fitting.checkpoint import State
from training.fitting.fit import Run
from training.judging import ablation
from training.judging.ablation import FAMILIES, ablate, table
from training.mixes.bank import Bank
from training.mixes.mixing import GROUP_WEIGHTS
from training.settings import CHECKPOINT_FILE, RATE
from training.sources.recordings import listen
from training.stems import Stem, stem_folder, write_shard
from training.tags import Labels


def tone(hertz: float) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return (0.8 * np.sin(2 * np.pi * hertz * np.arange(3 * RATE) / RATE)).astype(np.float32)


@pytest.fixture
def work(tmp_path: Path, toy_model: Path) -> Path:
    """Synthetic sirens and claps, 60 recordings of each of two tones (one of eight is kept aside), a checkpoint."""
    folder = tmp_path / "work"
    sirens = [Stem(tone(1000), Labels((tag,)), "test", tag) for tag in ("Siren", "Clap")]
    write_shard(stem_folder(folder, "train") / "signal-000", sirens)
    lines = []
    for each in range(120):
        tag, hertz = ("Siren", 1000) if each % 2 else ("Music", 250)
        wavfile.write(tmp_path / f"{each}.wav", RATE, (tone(hertz) * 32767).astype(np.int16))
        lines.append({"path": f"{each}.wav", "tags": [tag], "split": "train", "group": str(each)})
    (tmp_path / "manifest.jsonl").write_text("\n".join(map(json.dumps, lines)))
    listen(tmp_path / "manifest.jsonl", toy_model, folder)
    State.fresh().save(folder / CHECKPOINT_FILE)
    return folder


def test_each_family_is_left_out_in_turn_and_recordings_judge(work: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[set[str]] = []

    def note(state: State, bank: Bank, pool: None, run: Run, checkpoint: Path) -> None:
        assert (state.update, run.updates) == (20 if checkpoint.stem == "hands and whistles" else 15, 20)
        drawn.append({group for group in bank.groups if not group.startswith("recorded/")})

    finished = State.fresh()  # by an earlier run
    finished.update = 20
    (work / "ablation").mkdir()
    finished.save(work / "ablation" / "hands and whistles.pt")
    monkeypatch.setattr(ablation, "fit", note)
    trained = list(ablate(work, Run(5)))
    assert [each.without for each in trained] == ["nothing", *FAMILIES]
    by_name = dict(zip(["nothing", *FAMILIES], drawn, strict=True))
    assert by_name["nothing"] == by_name["bells"] == {"Siren", "Clap"}
    assert by_name["sirens and horns"] == {"Clap"}
    assert by_name["hands and whistles"] == {"Siren"}
    lines = list(table(trained))
    assert lines[0].startswith("| without | AUC of 2 tags |")
    assert next(line for line in lines if "sirens" in line).count("| Siren |") == 1


def test_every_group_that_has_tags_is_in_one_family() -> None:
    groups = [group for family in FAMILIES.values() for group in family]
    assert sorted(groups) == sorted(GROUP_WEIGHTS.keys() - {"background", "noise"})


def test_without_recordings_nothing_can_judge(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="run the step listen first"):
        list(ablate(tmp_path, Run(5)))
