"""How windows are labelled, and what the mixer makes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from training.mixes.batch import WINDOWS
from training.mixes.labelling import frame_energies, window_labels
from training.mixes.mixing import GROUP_WEIGHTS, Mixer, cut
from training.mixes.transmission import Transmission, room_response
from training.settings import CLIP_HOPS, CLIP_SAMPLES, FRAME_SAMPLES, RATE
from training.stems import Stem, StoredStem, read_bank, write_shard
from training.tags import FEMALE_SPEECH, MALE_SPEECH, NOTHING, TAG_INDEX, Labels

pytestmark = pytest.mark.slow

FRAMES = CLIP_SAMPLES // FRAME_SAMPLES
SPEECH, MALE, FEMALE, ALARM = (TAG_INDEX[name] for name in ("Speech", "Male_speech", "Female_speech", "Alarm"))


def energies(*levels_db: float) -> npt.NDArray[np.float32]:
    """Steady stems at these levels."""
    return np.repeat(10 ** (np.array(levels_db, np.float32)[:, None] / 10), FRAMES, axis=1)


def test_a_source_alone_is_present_and_all_else_is_known_to_be_absent() -> None:
    targets, known = window_labels(energies(0), [MALE_SPEECH])
    assert targets.shape == known.shape == (WINDOWS, len(TAG_INDEX))
    assert known.all()
    assert set(np.flatnonzero(targets[0])) == {SPEECH, MALE}


@pytest.mark.parametrize(("level_db", "target", "known"), [(-4, 1, 1), (-8, 0, 0), (-12, 0, 0), (-20, 0, 1)])
def test_the_level_under_the_mix_makes_clear_unknown_or_absent(level_db: float, target: int, known: float) -> None:
    targets, marks = window_labels(energies(0, level_db), [NOTHING, FEMALE_SPEECH])
    assert (targets[:, FEMALE] == target).all()
    assert (marks[:, FEMALE] == known).all()


def test_two_stems_of_a_tag_count_together() -> None:
    targets, _ = window_labels(energies(0, -3, -3), [NOTHING, MALE_SPEECH, FEMALE_SPEECH])
    assert targets[:, SPEECH].all()


def test_an_unsure_stem_hides_the_tag_unless_another_stem_has_it() -> None:
    unsure = Labels((), ("Alarm",))
    targets, known = window_labels(energies(0, 0), [unsure, NOTHING])
    assert not known[:, ALARM].any()
    targets, known = window_labels(energies(0, 0), [unsure, Labels(("Alarm",))])
    assert targets[:, ALARM].all()
    assert known[:, ALARM].all()


@pytest.mark.parametrize(
    ("tag", "frames", "target", "known"),
    [("Speech", 5, 1, 1), ("Speech", 4, 0, 0), ("Knock", 2, 1, 1), ("Knock", 1, 0, 0), ("Single_click", 1, 1, 1)],
)
def test_so_many_clear_frames_make_an_occurrence(tag: str, frames: int, target: int, known: float) -> None:
    levels = energies(-60, -20)
    levels[0, 30 : 30 + frames] = 1.0  # within the windows 0 and 1, not 2
    targets, marks = window_labels(levels, [Labels((tag,)), NOTHING])
    assert list(targets[:, TAG_INDEX[tag]]) == [target, target, 0]
    assert list(marks[:, TAG_INDEX[tag]]) == [known, known, 1]


def test_the_tail_of_a_sound_that_is_over_is_no_occurrence() -> None:
    levels = energies(0)
    levels[0, 10:] = 1e-5
    targets, known = window_labels(levels, [MALE_SPEECH])
    assert list(targets[:, SPEECH]) == [1, 0, 0]
    assert known[:, SPEECH].all()


def test_frame_energies_are_sums_of_squares() -> None:
    samples = np.random.default_rng(0).standard_normal((2, CLIP_SAMPLES)).astype(np.float32)
    assert frame_energies(samples)[1, 3] == pytest.approx(np.square(samples[1, 2400:3200]).sum(), rel=1e-5)


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> list[StoredStem]:
    rng, folder = np.random.default_rng(0), tmp_path_factory.mktemp("stems")
    stems = [
        Stem(rng.standard_normal(int(RATE * seconds)).astype(np.float32), labels, "test", group)
        for seconds, labels, group in [
            (6, MALE_SPEECH, "Speech"),
            (1.5, Labels(("Knock",)), "Knock"),
            (5, NOTHING, "noise"),
        ]
    ]
    write_shard(folder / "a", stems)
    return read_bank(folder)


def test_a_shard_keeps_its_stems(bank: list[StoredStem]) -> None:
    assert [len(stem.samples) for stem in bank] == [6 * RATE, 1.5 * RATE, 5 * RATE]
    assert [stem.group for stem in bank] == ["Speech", "Knock", "noise"]
    assert bank[0].labels == MALE_SPEECH
    assert all(np.abs(stem.samples).max() == int(0.9 * 32767) for stem in bank)


def test_a_silent_stem_is_not_kept(tmp_path: Path) -> None:
    write_shard(tmp_path / "a", [Stem(np.zeros(RATE, np.float32), NOTHING, "test", "noise")])
    assert read_bank(tmp_path) == []


@pytest.mark.parametrize("fill", [False, True])
def test_a_cut_has_the_clip_length_and_unit_power_where_it_sounds(bank: list[StoredStem], fill: bool) -> None:
    for stem in bank:
        piece = cut(np.random.default_rng(2), stem, fill)
        loud = piece[np.abs(piece) > 0]
        assert piece.shape == (CLIP_SAMPLES,)
        assert np.square(loud).mean() == pytest.approx(1, rel=0.2)


def test_the_mixer_is_reproducible_calm_and_labels_what_it_draws(bank: list[StoredStem]) -> None:
    channels = Transmission.drawn(0, rooms=3, equalisers=3, lines=2)
    first, again = (Mixer(bank, channels, 5).draw(24) for _ in range(2))
    assert first.clips.shape == (24, CLIP_HOPS * RATE)
    assert first.clips.equal(again.clips)
    assert first.clips.isfinite().all()
    assert first.clips.abs().max() <= 1.1
    assert first.targets.amax((0, 1))[SPEECH] == 1
    assert first.targets.amax((0, 1))[ALARM] == 0
    assert (first.targets <= first.known).all()


def test_steady_noise_comes_alone_now_and_then() -> None:
    noise = np.random.default_rng(0).integers(-9000, 9000, CLIP_SAMPLES).astype(np.int16)
    bank = [StoredStem(noise, NOTHING, "test", "noise"), StoredStem(noise, MALE_SPEECH, "test", "Speech")]
    channels = Transmission.drawn(0, rooms=1, equalisers=1, lines=1)
    few = np.mean([Mixer(bank[1:], channels, 1).draw(300).targets.amax((1, 2)).numpy() == 0])
    more = np.mean([Mixer(bank, channels, 1).draw(300).targets.amax((1, 2)).numpy() == 0])
    assert few < 0.05
    assert more > few + 0.02


def test_every_group_of_the_mixer_has_a_source() -> None:
    from training.sources.trained_signals import TRAIN_SIGNALS

    groups = {group for _, _, group, _ in TRAIN_SIGNALS}
    groups |= {"Whisper", "Piano", "Guitar", "Bowed_string_instrument", "Drum", "music", "Speech"}
    assert groups == set(GROUP_WEIGHTS)


@pytest.mark.parametrize("seconds", [0.1, 0.5, 1.5])
def test_a_room_keeps_the_energy_and_decays_as_asked(seconds: float) -> None:
    response = room_response(np.random.default_rng(0), seconds, 0.3)
    assert np.square(response).sum() == pytest.approx(1)
    assert response[0] ** 2 == pytest.approx(0.3)
    early, late = (
        np.square(response[int(a * len(response)) : int((a + 0.1) * len(response))]).mean() for a in (0.5, 0.8)
    )
    assert 10 * np.log10(early / late) == pytest.approx(18, abs=4)
