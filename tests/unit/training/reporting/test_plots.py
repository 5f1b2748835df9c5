"""The pictures of the model's page: that each is drawn from what a judging leaves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from training.judging.confusion import Confusion
from training.judging.judgement_file import Judgement
from training.judging.scored_windows import ScoredWindows
from training.judging.verdicts import figures
from training.reporting.plots import calibration_picture, confusion_picture, precision_recall_picture
from training.tags import TAG_NAMES

MOST_BYTES = 150_000


@pytest.fixture(scope="module")
def judgement() -> Judgement:
    rng = np.random.default_rng(0)
    there = rng.random((300, len(TAG_NAMES))) < 0.2
    scores = np.clip(0.6 * there + 0.4 * rng.random(there.shape), 0, 1).astype(np.float32)
    heard = ScoredWindows(scores, there, np.ones_like(there))
    shares = np.where(np.eye(3, dtype=bool), [0.9, 0.2, np.nan], 0.06)
    return Judgement(1, heard, heard, Confusion([0, 1, 2], [40, 40, 0], [True, False, False], shares))


def colours(path: Path) -> int:
    assert path.stat().st_size < MOST_BYTES
    with Image.open(path) as image:
        return len(image.convert("RGB").getcolors(1 << 24) or [])


def test_the_pictures_are_drawn_and_small(judgement: Judgement, tmp_path: Path) -> None:
    rates = figures(*judgement.unseen.of(0), 0.5)
    assert rates is not None
    tags = [{"name": name, "unseen": {"precision": rates.precision, "recall": rates.recall}} for name in TAG_NAMES[:8]]
    precision_recall_picture(judgement, tags, tmp_path / "curves.png")
    calibration_picture(judgement, list(range(8)), tmp_path / "calibration.png")
    confusion_picture(judgement.confusion, tmp_path / "confusion.png")
    for name in ("curves", "calibration", "confusion"):
        assert colours(tmp_path / f"{name}.png") > 10  # lines, dots and letters, not an empty sheet
