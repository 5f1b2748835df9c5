from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from evaluation.recordings import Recording
from evaluation.thresholds import FALSE_SHARE, HIGHEST, LOWEST, calibrated, left_out_thresholds

TAGS = ("Siren", "Speech")


def clips(count: int, tags: tuple[str, ...] = (), label: str = "", origin: str = "") -> list[Recording]:
    return [Recording(Path("clip.wav"), tags, group=str(number), label=label, origin=origin) for number in range(count)]


def column(*scores: np.ndarray) -> np.ndarray:
    """The same scores for both tags."""
    return np.concatenate(scores).astype(np.float32)[:, None].repeat(2, 1)


def test_two_of_a_hundred_clips_without_the_tag_reach_the_threshold() -> None:
    scores = np.random.default_rng(0).uniform(0.1, 0.8, 1000)
    for threshold in calibrated(clips(1000), column(scores), TAGS):
        assert (scores >= threshold).mean() == pytest.approx(FALSE_SHARE, abs=1.1e-3)
        assert threshold == pytest.approx(np.quantile(scores, 0.98), abs=1e-2)


def test_clips_that_have_the_tag_do_not_count() -> None:
    scores = column(np.linspace(0.1, 0.5, 100), np.full(100, 0.99))
    siren, speech = calibrated([*clips(100), *clips(100, ("Siren",))], scores, TAGS)
    assert 0.45 < siren < 0.5
    assert speech == np.float32(HIGHEST)


def test_a_kind_of_sound_counts_by_the_square_root_of_its_clips() -> None:
    # 2,500 clips of one kind count as 50 of as many kinds.
    others = [Recording(Path("clip.wav"), (), label=f"kind {number}") for number in range(50)]
    scores = column(np.linspace(0.5, 0.6, 2500), np.linspace(0.1, 0.2, 50))
    siren, _ = calibrated([*clips(2500, label="cry"), *others], scores, TAGS)
    assert siren == pytest.approx(0.5 + 0.1 * (1 - 2 * FALSE_SHARE), abs=1e-3)


def test_thresholds_stay_where_sensitivity_can_move_them() -> None:
    assert calibrated(clips(100), column(np.full(100, 1e-6)), TAGS).tolist() == [np.float32(LOWEST)] * 2
    assert calibrated(clips(100), column(np.full(100, 0.999)), TAGS).tolist() == [np.float32(HIGHEST)] * 2


def test_too_few_clips_give_none() -> None:
    few = [*clips(49), *clips(100, ("Siren",))]
    siren, speech = calibrated(few, column(np.full(149, 0.2)), TAGS)
    assert np.isnan(siren)
    assert speech == pytest.approx(0.2)


def test_a_clips_own_origin_has_no_say_in_its_threshold() -> None:
    calm, shrill = clips(200, origin="calm"), clips(200, origin="shrill")
    scores = column(np.full(200, 0.1), np.full(200, 0.7))
    thresholds = left_out_thresholds([*calm, *shrill], scores, TAGS)
    assert thresholds.shape == scores.shape
    np.testing.assert_allclose(thresholds[:200], 0.7)
    np.testing.assert_allclose(thresholds[200:], 0.1)
