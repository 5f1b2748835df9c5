"""What is judged: which windows count as heard, as wrong, and as mistaken for another tag."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from evaluation.judging import TagFigures
from evaluation.presence import presence
from evaluation.recordings import Recording
from training.errors import TrainingError
from training.fitting.network import Tagger
from training.judging.clips import calm_clips, draws, noise_bank, singles
from training.judging.confusion import Confusion
from training.judging.false_alarms import UNSEEN_HUM, UNSEEN_STEADY, counted
from training.judging.held_out_recordings import HeardRecordings
from training.judging.judge import Sets, evidence_of
from training.judging.judgement_file import Judgement, keep_judgement, read_judgement
from training.judging.scored_windows import ScoredWindows, score_clips
from training.judging.verdicts import RECORDINGS, SYNTHESIS, Figures, Verdict, figures
from training.mixes.batch import WINDOWS
from training.settings import CLIP_SAMPLES
from training.sources.signals.backgrounds import stationary_noise
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
    bank = [stem(Labels(("Clap",), ("Thud",)), "Clap"), stem(Labels(("Speech",)), "Speech")]
    (batch,) = singles(bank, 10, seed=0)
    assert batch.clips.abs().amax(1).allclose(torch.tensor(0.5))
    assert batch.targets[:, :, TAG_INDEX["Clap"]].amax(1).sum() == batch.targets[:, :, SPEECH].amax(1).sum() == 5
    clapping = batch.targets[:, :, TAG_INDEX["Clap"]] > 0
    assert not (batch.known[:, :, TAG_INDEX["Thud"]] > 0)[clapping].any()


def test_calm_clips_have_no_tag() -> None:
    for batch in calm_clips(0):
        assert batch.clips.shape[1] == CLIP_SAMPLES
        assert not batch.targets.any()
        assert batch.known.all()


def test_all_windows_of_all_batches_are_scored() -> None:
    scored = score_clips(Tagger(len(TAG_NAMES), 1).eval(), draws(noise_bank(stationary_noise, 1, 0), 3, 0), "noise")
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


def test_the_worst_pairs_are_mistakes_and_not_the_diagonal() -> None:
    shares = np.array([[0.9, 0.2], [np.nan, np.nan]])
    pairs = Confusion([KNOCK, SPEECH], [40, 0], [True, False], shares).worst_pairs(10)
    assert pairs == [{"sound": "Knock", "reported": "Speech", "share": 0.2, "count": 40, "of": "recordings"}]


def test_figures_at_every_sensitivity() -> None:
    rated = figures(np.array([0.9, 0.6, 0.4, 0.1]), np.array([True, False, True, False]), 0.5)
    assert rated is not None
    assert rated.windows_with == 2
    assert rated.precision == [1, 1, 0.5, 0.6667, 0.6667]  # from 0.88, 0.73, 0.5, 0.27, 0.12
    assert rated.recall == [0.5, 0.5, 0.5, 1, 1]


def test_a_tag_that_no_window_has_gets_no_figures() -> None:
    assert figures(np.array([0.9, 0.1]), np.array([False, False]), 0.5) is None


def verdict(unseen: float, area: float | None, evidence: str, windows: int = 500, recall: float = 0.7) -> Verdict:
    """Of a tag with this average precision on synthesis; area under the ROC curve and recall are of recordings."""
    made = Figures(windows, 0.05, 0.1, unseen, [0.9] * 5, [0.9] * 5, 0.01)
    recorded = None if area is None else TagFigures("Knock", 12, 6, 300, area, 0.8, 0.7, 0.5, recall, 0.01)
    return Verdict("Knock", 0.5, evidence, recorded, made, made)


@pytest.mark.parametrize(
    ("unseen", "area", "evidence", "windows", "ships"),
    [
        (0.6, None, SYNTHESIS, 40, True),
        (0.59, None, SYNTHESIS, 500, False),
        (0.9, None, SYNTHESIS, 39, False),
        (0.9, 0.84, SYNTHESIS, 500, False),  # recordings refuse it
        (0.1, 0.9, RECORDINGS, 500, True),
        (0.9, 0.89, RECORDINGS, 500, False),
        (0.9, None, RECORDINGS, 500, True),  # only recordings that nothing may be chosen on have it
    ],
)
def test_a_tag_ships_when_what_judges_it_says_so(
    unseen: float, area: float | None, evidence: str, windows: int, ships: bool
) -> None:
    assert verdict(unseen, area, evidence, windows).ships == ships


@pytest.mark.parametrize(("recall", "ships"), [(0.2, True), (0.19, False)])
def test_a_tag_that_is_hardly_ever_found_in_recordings_does_not_ship(recall: float, ships: bool) -> None:
    assert verdict(0.9, 0.95, RECORDINGS, recall=recall).ships == ships


def recordings(count: int, scores: float, tag: str, group: str) -> HeardRecordings:
    """Recordings that have a tag, or none, and in which every tag has the same score."""
    listed = [
        Recording(Path(f"{group}-{each}.wav"), (tag,) if tag else (), group=f"{group}-{each}") for each in range(count)
    ]
    known = presence(listed, TAG_NAMES)
    return HeardRecordings(listed, np.full((count, len(TAG_NAMES)), scores, np.float32), known)


def joined(*parts: HeardRecordings) -> HeardRecordings:
    return HeardRecordings(
        [each for part in parts for each in part.recordings],
        np.concatenate([part.scores for part in parts]),
        np.concatenate([part.known for part in parts]),
    )


def test_few_recordings_without_the_tag_reach_its_threshold() -> None:
    heard_recordings = joined(recordings(10, 0.9, "Knock", "a"), recordings(500, 0.2, "Speech", "b"))
    heard_recordings.scores[10:15] = 0.7  # 1 % of the others
    assert heard_recordings.threshold(KNOCK) == pytest.approx(0.2)
    heard_recordings.scores[10:20] = 0.7
    assert heard_recordings.threshold(KNOCK) == pytest.approx(0.7)


def test_figures_on_recordings_count_clips_sources_and_false_alarms() -> None:
    both = joined(recordings(6, 0.9, "Knock", "a"), recordings(100, 0.2, "Speech", "b"))
    both.scores[5], both.scores[6] = 0.1, 0.8
    rated = both.figures(KNOCK, 0.5)
    assert rated is not None
    assert (rated.clips, rated.sources, rated.others) == (6, 6, 100)
    assert rated.recall == pytest.approx(5 / 6, abs=1e-4)
    assert rated.false_alarms == 0.01
    assert recordings(4, 0.9, "Knock", "a").figures(KNOCK, 0.5) is None


def test_thresholds_keep_noise_and_recordings_quiet() -> None:
    windows = heard(0.1, False, True)
    aside = joined(recordings(10, 0.9, "Knock", "a"), recordings(500, 0.6, "Speech", "b"))
    sets = Sets(windows, windows, windows, windows, aside, None, (RECORDINGS,) * len(TAG_NAMES))
    assert sets.threshold(KNOCK) == pytest.approx(0.6, abs=0.01)
    loud = Sets(windows, heard(0.8, False, True), windows, windows, aside, None, sets.evidence)
    assert loud.threshold(KNOCK) > 0.8


def test_what_recordings_are_taken_for_leaves_out_what_may_be_in_them() -> None:
    heard_recordings = joined(recordings(4, 0.2, "Bell", "a"), recordings(3, 0.9, "Speech", "b"))
    heard_recordings.scores[:2, [TAG_INDEX["Bell"], TAG_INDEX["Doorbell"], KNOCK]] = 0.9
    reported = heard_recordings.reported(TAG_INDEX["Bell"], np.full(len(TAG_NAMES), 0.5, np.float32))
    assert reported.shape == (4, len(TAG_NAMES))
    assert reported[:, TAG_INDEX["Bell"]].tolist() == reported[:, KNOCK].tolist() == [True, True, False, False]
    assert not reported[:, TAG_INDEX["Doorbell"]].any()  # a bell may be one


def test_recordings_are_evidence_from_ten_clips_of_five_sources_on(tmp_path: Path) -> None:
    lines = [
        {"path": f"{each}.wav", "tags": ["Knock"], "group": f"g{each % 5}", "split": "judge"} for each in range(10)
    ]
    lines += [{"path": f"s{each}.wav", "tags": ["Speech"], "group": "one", "split": "judge"} for each in range(10)]
    manifest = tmp_path / "manifest.jsonl"
    manifest.write_text("\n".join(map(json.dumps, lines)))
    evidence = evidence_of(manifest)
    assert (evidence[KNOCK], evidence[SPEECH]) == (RECORDINGS, SYNTHESIS)
    assert set(evidence_of(None)) == {SYNTHESIS}


def test_a_judgement_is_read_as_it_was_kept(tmp_path: Path) -> None:
    judgement = Judgement(
        7, heard(0.5, True, True), heard(0.25, False, True), Confusion([1], [9], [True], np.array([[0.5]]))
    )
    keep_judgement(tmp_path / "judgement.npz", judgement)
    again = read_judgement(tmp_path / "judgement.npz")
    assert (again.updates, again.confusion.tags, again.confusion.counts) == (7, [1], [9])
    assert again.confusion.recorded == [True]
    assert np.array_equal(again.unseen.scores, judgement.unseen.scores)
    assert again.held_out.there.all()


def test_a_judgement_that_is_missing_names_the_step(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="run the step: judge"):
        read_judgement(tmp_path / "judgement.npz")
