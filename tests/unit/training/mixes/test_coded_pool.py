"""The pool of coded clips: which codec a block goes through, and what is drawn as a pair."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from training.mixes import coded_pool
from training.mixes.batch import WINDOWS
from training.mixes.codecs import HARSH_CODECS, USUAL_CODECS
from training.settings import CLIP_SAMPLES
from training.tags import TAG_NAMES


def test_every_lossy_codec_has_blocks_and_usual_blocks_have_usual_codecs() -> None:
    codecs = [coded_pool._codec_of(block) for block in range(coded_pool._BLOCKS)]
    lossy = {codec.name for codec in USUAL_CODECS if codec.suffix != "flac"}
    assert {codec.name for codec in codecs} == lossy | {codec.name for codec in HARSH_CODECS}
    assert all((codec.name in lossy) == coded_pool._is_usual(block) for block, codec in enumerate(codecs))


def test_pairs_are_the_same_clips_and_harsh_clips_stand_before_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coded_pool, "_BLOCK", 2)
    monkeypatch.setattr(coded_pool, "_BLOCKS", 3)
    (tmp_path / "pool").mkdir()
    for number in range(3):  # a clip's samples and labels tell which clip it is; coded ones are 1 more
        names = 100 + 10 * (2 * number + np.arange(2, dtype=np.int16))
        pair = np.repeat(np.stack([names, names + 1])[:, :, None], CLIP_SAMPLES, axis=2)
        labels = np.full((2, WINDOWS, len(TAG_NAMES)), 0, np.float32) + names[:, None, None]
        np.savez(tmp_path / "pool" / f"{number:03}.npz", pair=pair, targets=labels, known=labels)
    batch = coded_pool.CodedPool(tmp_path, seed=0, device=torch.device("cpu")).draw(harsh=2, pairs=3)
    drawn = batch.targets[:, 0, 0]
    assert batch.clips.shape == (8, CLIP_SAMPLES)
    assert set(drawn[:2].tolist()) <= {140.0, 150.0}
    assert set(drawn[2:5].tolist()) <= {100.0, 110.0, 120.0, 130.0}
    assert drawn[2:5].equal(drawn[5:])
    torch.testing.assert_close(batch.clips[5:, 0] / batch.clips[2:5, 0], (drawn[2:5] + 1) / drawn[2:5])
