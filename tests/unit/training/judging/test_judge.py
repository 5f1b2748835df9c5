"""What is judged: which windows count as heard, as wrong, and as mistaken for another tag."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from training.errors import TrainingError
from training.fitting.network import Tagger
from training.judging.clips import calm_clips, draws, noise_bank, singles
from training.judging.confusion import Confusion
from training.judging.false_alarms import UNSEEN_HUM, UNSEEN_STEADY, counted, without_tags_of
from training.judging.judge import correct_priors
from training.judging.judgement_file import Judgement, keep_judgement, read_judgement
from training.judging.scored_windows import ScoredWindows, score_clips
from training.judging.verdicts import Figures, Verdict, figures, shipped_tags
from training.mixes.batch import WINDOWS, Batch
from training.settings import CLIP_SAMPLES
from training.sources.signals.surroundings.backgrounds import stationary_noise
from training.sources.unseen_signals import UNSEEN_SIGNALS
from training.stems import StoredStem
from training.tags import NOTHING, TAG_INDEX, TAG_NAMES, Labels

KNOCK, SPEECH = TAG_INDEX["Knock"], TAG_INDEX["Speech"]


def stem(labels: Labels, group: str) -> StoredStem:
    """Four seconds of noise, whatever the labels say."""
    samples = np.random.default_rng(0).integers(-9000, 9000, CLIP_SAMPLES).astype(np.int16)
    return StoredStem(samples, labels, "test/noise", group)


def heard(scores: float, there: bool, known: bool) -> ScoredWindows:
    """One window in which every tag has the same score."""
    shape = (1, len(TAG_NAMES))
    return ScoredWindows(np.full(shape, scores, np.float32), np.full(shape, there), np.full(shape, known))


@pytest.mark.parametrize(
    ("scores", "there", "known", "wrong"),
    [(0.9, False, True, True), (0.9, True, True, False), (0.9, False, False, False), (0.1, False, True, False)],
)
def test_wrong_is_what_is_reported_and_surely_not_there(scores: float, there: bool, known: bool, wrong: bool) -> None:
    assert heard(scores, there, known).wrong(np.full(len(TAG_NAMES), 0.5)).all() == wrong


def test_the_same_seed_draws_the_same_clips_and_a_tail_is_drawn_whole() -> None:
    bank = noise_bank(stationary_noise, 2, seed=1)
    first, again, other = (list(draws(bank, 53, seed)) for seed in (1, 1, 2))
    assert [len(batch.clips) for batch in first] == [50, 3]
    assert all(torch.equal(one.clips, two.clips) for one, two in zip(first, again, strict=True))
    assert not torch.equal(first[0].clips, other[0].clips)
    assert not any(batch.targets.any() for batch in first)


def test_a_group_that_would_never_be_drawn_from_is_named() -> None:
    with pytest.raises(TrainingError, match="Vuvuzela"):
        next(draws([stem(NOTHING, "Vuvuzela")], 1, seed=0))


def test_singles_take_every_source_and_know_what_is_in_them() -> None:
    bank = [stem(Labels(("Knock",), ("Thud",)), "Knock"), stem(Labels(("Speech",)), "Speech")]
    (batch,) = singles(bank, 10, seed=0)
    assert batch.clips.abs().amax(1).allclose(torch.tensor(0.5))
    assert batch.targets[:, :, KNOCK].amax(1).sum() == batch.targets[:, :, SPEECH].amax(1).sum() == 5
    knocking = batch.targets[:, :, KNOCK] > 0
    assert not (batch.known[:, :, TAG_INDEX["Thud"]] > 0)[knocking].any()


def test_calm_clips_have_no_tag() -> None:
    for batch in calm_clips(0):
        assert batch.clips.shape[1] == CLIP_SAMPLES
        assert not batch.targets.any()
        assert batch.known.all()


def test_all_windows_of_all_batches_are_scored() -> None:
    scored = score_clips(Tagger(len(TAG_NAMES)).eval(), draws(noise_bank(stationary_noise, 1, 0), 3, 0), "noise")
    assert scored.scores.shape == scored.there.shape == scored.known.shape == (3 * WINDOWS, len(TAG_NAMES))
    assert ((scored.scores > 0) & (scored.scores < 1)).all()


def test_the_unseen_noises_are_there_and_have_no_tag() -> None:
    noises = {generator.__name__ for generator, labels, _ in UNSEEN_SIGNALS if not labels.present}
    assert noises >= UNSEEN_STEADY | UNSEEN_HUM


def test_alarms_are_counted_per_hour_and_by_tag() -> None:
    quiet = heard(0.01, False, True)
    scores = np.repeat(quiet.scores, 10, axis=0)
    scores[:2, KNOCK], scores[:1, SPEECH] = 0.6, 0.4
    many = ScoredWindows(scores, np.repeat(quiet.there, 10, 0), np.repeat(quiet.known, 10, 0))
    counts = counted(many, np.full(len(TAG_NAMES), 0.5, np.float32), [KNOCK, SPEECH])
    assert (counts["windows"], counts["windows_with_a_wrong_tag"]) == (10, 2)
    assert counts["per_hour_by_sensitivity"] == [0, 0, 720, 720, 720]
    assert counts["worst"] == [{"tag": "Knock", "windows": 2}]


def test_a_sound_is_a_near_sound_when_none_of_its_tags_ships() -> None:
    shown, thud, both, nothing = (
        stem(labels, "test")
        for labels in (Labels(("Speech",)), Labels(("Thud",), ("Knock",)), Labels(("Thud", "Knock")), NOTHING)
    )
    assert without_tags_of([shown, thud, both, nothing], {"Speech", "Knock"}) == [thud]


def test_the_worst_pairs_are_mistakes_and_not_the_diagonal() -> None:
    shares = np.array([[0.9, 0.2], [np.nan, np.nan]])
    pairs = Confusion([KNOCK, SPEECH], [40, 0], shares).worst_pairs(10)
    assert pairs == [{"sound": "Knock", "reported": "Speech", "share": 0.2, "windows": 40}]


def test_figures_at_every_sensitivity() -> None:
    rated = figures(np.array([0.9, 0.6, 0.4, 0.1]), np.array([True, False, True, False]), 0.5)
    assert rated.windows_with == 2
    assert rated.precision == [1, 1, 0.5, 0.6667, 0.6667]  # from 0.88, 0.73, 0.5, 0.27, 0.12
    assert rated.recall == [0.5, 0.5, 0.5, 1, 1]


def verdict(held_out: float, unseen: float = 0.9, windows: int = 500) -> Verdict:
    """Of a tag with these average precisions as drawn."""

    def rated(precision: float) -> Figures:
        return Figures(windows, 0.05, 0.1, precision, [0.9] * 5, [0.9] * 5, 0.01)

    return Verdict("Knock", 0.5, 0.1, rated(held_out), rated(unseen))


@pytest.mark.parametrize(
    ("held_out", "unseen", "windows", "may_ship"),
    [(0.9, 0.6, 40, True), (0.9, 0.59, 500, False), (0.59, 0.9, 500, False), (0.9, 0.9, 39, False)],
)
def test_a_tag_may_ship_when_both_sets_prove_it(held_out: float, unseen: float, windows: int, may_ship: bool) -> None:
    assert verdict(held_out, unseen, windows).may_ship == may_ship


@pytest.mark.parametrize(
    ("held_out", "shipped"),
    [
        ((0.95, 0.7, 0.99), [0, 2]),  # 0.88 on average with the second
        ((0.95, 0.8, 0.99), [0, 1, 2]),
        ((0.85, 0.61), []),
        ((0.95, 0.59), [0]),
        ((), []),
    ],
)
def test_as_many_tags_ship_as_are_good_enough_on_average(held_out: tuple[float, ...], shipped: list[int]) -> None:
    assert shipped_tags([verdict(each) for each in held_out]) == shipped


def test_only_tags_that_are_drawn_often_have_their_odds_shifted() -> None:
    tagger, often = Tagger(len(TAG_NAMES)), 0.5
    targets = torch.zeros(100, WINDOWS, len(TAG_NAMES))
    targets[:50, :, SPEECH] = 1
    targets[0, 0, KNOCK] = 1
    before = tagger.head.score.bias.detach().clone()
    correct_priors(tagger, [Batch(torch.zeros(100, 1), targets, torch.ones_like(targets))])
    shift = (tagger.head.score.bias - before).detach().numpy()
    assert shift[SPEECH] == pytest.approx(np.log(0.05 / 0.95) - np.log(often / (1 - often)), abs=1e-5)
    assert np.delete(shift, SPEECH) == pytest.approx(0)


def test_a_judgement_is_read_as_it_was_kept(tmp_path: Path) -> None:
    judgement = Judgement(7, heard(0.5, True, True), heard(0.25, False, True), Confusion([1], [9], np.array([[0.5]])))
    keep_judgement(tmp_path / "judgement.npz", judgement)
    again = read_judgement(tmp_path / "judgement.npz")
    assert (again.updates, again.confusion.tags, again.confusion.windows) == (7, [1], [9])
    assert np.array_equal(again.unseen.scores, judgement.unseen.scores)
    assert again.held_out.there.all()


def test_a_judgement_that_is_missing_names_the_step(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="run the step: judge"):
        read_judgement(tmp_path / "judgement.npz")
