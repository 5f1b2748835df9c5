"""How windows are labelled, how stems are drawn, and what the mixer makes."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from training.mixes.bank import Bank, Track, labelled_tracks, make_bank
from training.mixes.batch import WINDOWS
from training.mixes.labelling import frame_energies, window_targets
from training.mixes.mixing import GROUP_WEIGHTS, Mixer, Sources, draw_sources, gathered, source_targets
from training.mixes.placing import UNKNOWN
from training.mixes.transmission import Transmission, room_response
from training.settings import CLIP_HOPS, CLIP_SAMPLES, FRAME_SAMPLES, HOP_SAMPLES, RATE
from training.stems import Stem, StoredStem, read_bank, write_shard
from training.tags import FEMALE_SPEECH, MALE_SPEECH, NOTHING, TAG_INDEX, TAG_NAMES, Labels

pytestmark = pytest.mark.slow

CPU = torch.device("cpu")
FRAMES = CLIP_SAMPLES // FRAME_SAMPLES
SPEECH, MALE, FEMALE, ALARM = (TAG_INDEX[name] for name in ("Speech", "Male_speech", "Female_speech", "Alarm"))


def energies(*levels_db: float) -> Tensor:
    """Steady sources at these levels."""
    return (10 ** (torch.tensor(levels_db)[:, None] / 10)).repeat(1, FRAMES)


def labelled(levels: Tensor, labels: list[Labels]) -> tuple[Tensor, Tensor]:
    """Targets and known marks [WINDOWS, tags] of one clip of sources with these energies and labels."""
    has = torch.zeros(len(labels), WINDOWS, len(TAG_NAMES))
    for source, each in enumerate(labels):
        has[source, :, [TAG_INDEX[name] for name in each.unsure]] = float(UNKNOWN)
        has[source, :, [TAG_INDEX[name] for name in each.present]] = 1
    targets, known = window_targets(levels, has, torch.zeros(len(labels), dtype=torch.int64), 1)
    return targets[0], known[0]


def test_a_source_alone_is_present_and_all_else_is_known_to_be_absent() -> None:
    targets, known = labelled(energies(0), [MALE_SPEECH])
    assert targets.shape == known.shape == (WINDOWS, len(TAG_INDEX))
    assert known.all()
    assert set(targets[0].nonzero().flatten().tolist()) == {SPEECH, MALE}


@pytest.mark.parametrize(("level_db", "target", "known"), [(-4, 1, 1), (-8, 0, 0), (-12, 0, 0), (-20, 0, 1)])
def test_the_level_under_the_mix_makes_clear_unknown_or_absent(level_db: float, target: int, known: float) -> None:
    targets, marks = labelled(energies(0, level_db), [NOTHING, FEMALE_SPEECH])
    assert (targets[:, FEMALE] == target).all()
    assert (marks[:, FEMALE] == known).all()


def test_an_unsure_source_hides_the_tag_unless_another_source_has_it() -> None:
    unsure = Labels((), ("Alarm",))
    _, known = labelled(energies(0, 0), [unsure, NOTHING])
    assert not known[:, ALARM].any()
    targets, known = labelled(energies(0, 0), [unsure, Labels(("Alarm",))])
    assert targets[:, ALARM].all()
    assert known[:, ALARM].all()


@pytest.mark.parametrize(
    ("tag", "frames", "target", "known"),
    [("Speech", 5, 1, 1), ("Speech", 4, 0, 0), ("Knock", 2, 1, 1), ("Knock", 1, 0, 0), ("Single_click", 1, 1, 1)],
)
def test_so_many_clear_frames_make_an_occurrence(tag: str, frames: int, target: int, known: float) -> None:
    levels = energies(-60, -20)
    levels[0, 30 : 30 + frames] = 1.0  # within the windows 0 and 1, not 2
    targets, marks = labelled(levels, [Labels((tag,)), NOTHING])
    assert targets[:, TAG_INDEX[tag]].tolist() == [target, target, 0]
    assert marks[:, TAG_INDEX[tag]].tolist() == [known, known, 1]


def test_the_tail_of_a_sound_that_is_over_is_no_occurrence() -> None:
    levels = energies(0)
    levels[0, 10:] = 1e-5
    targets, known = labelled(levels, [MALE_SPEECH])
    assert targets[:, SPEECH].tolist() == [1, 0, 0]
    assert known[:, SPEECH].all()


def test_a_doubtful_target_stays_doubtful_and_a_faint_doubt_leaves_nothing_open() -> None:
    has = torch.zeros(2, WINDOWS, len(TAG_NAMES))
    has[1, :, SPEECH], has[1, :, ALARM] = 0.4, 0.1
    owners = torch.tensor([0, 0])
    targets, known = window_targets(energies(-60, 0), has, owners, 1)
    assert targets[0, :, SPEECH].tolist() == pytest.approx([0.4] * WINDOWS)
    _, known = window_targets(energies(0, -10), has, owners, 1)
    assert not known[0, :, SPEECH].any()
    assert known[0, :, ALARM].all()


def test_frame_energies_are_sums_of_squares() -> None:
    samples = torch.randn(2, CLIP_SAMPLES, generator=torch.Generator().manual_seed(0))
    assert frame_energies(samples)[1, 3].item() == pytest.approx(samples[1, 2400:3200].square().sum().item(), rel=1e-5)


@pytest.fixture(scope="module")
def stems(tmp_path_factory: pytest.TempPathFactory) -> list[StoredStem]:
    rng, folder = np.random.default_rng(0), tmp_path_factory.mktemp("stems")
    made = [
        Stem(rng.standard_normal(int(RATE * seconds)).astype(np.float32), labels, "test", group)
        for seconds, labels, group in [
            (6, MALE_SPEECH, "Speech"),
            (1.5, Labels(("Knock",)), "Knock"),
            (5, NOTHING, "noise"),
        ]
    ]
    write_shard(folder / "a", made)
    return read_bank(folder)


@pytest.fixture(scope="module")
def bank(stems: list[StoredStem]) -> Bank:
    return make_bank(labelled_tracks(stems), GROUP_WEIGHTS, 0.5, CPU)


def test_a_shard_keeps_its_stems(stems: list[StoredStem]) -> None:
    assert [len(stem.samples) for stem in stems] == [6 * RATE, 1.5 * RATE, 5 * RATE]
    assert [stem.group for stem in stems] == ["Speech", "Knock", "noise"]
    assert stems[0].labels == MALE_SPEECH
    assert all(np.abs(stem.samples).max() == int(0.9 * 32767) for stem in stems)


def test_a_silent_stem_is_not_kept(tmp_path: Path) -> None:
    write_shard(tmp_path / "a", [Stem(np.zeros(RATE, np.float32), NOTHING, "test", "noise")])
    assert read_bank(tmp_path) == []


def test_sources_have_unit_power_where_they_sound_before_their_level(bank: Bank) -> None:
    sources = draw_sources(np.random.default_rng(2), bank, 40)
    for samples, level in zip(gathered(bank, sources), sources.levels, strict=True):
        loud = samples[samples.abs() > 0] / level
        assert samples.shape == (CLIP_SAMPLES,)
        assert loud.square().mean().item() == pytest.approx(1, rel=0.2)


def test_noise_is_repeated_until_it_fills_the_clip(bank: Bank) -> None:
    noise = bank.groups.index("noise")
    stem = bank.draw(np.random.default_rng(0), np.array([noise]))
    sources = Sources(np.zeros(1, np.int64), stem, np.ones(1, np.bool_), np.array([-100]), np.ones(1, np.float32))
    samples = gathered(bank, sources)[0]
    assert (samples != 0).float().mean() > 0.99


def _tracked(seconds: float) -> Bank:
    """A recording whose track says 0.00, 0.01, 0.02, ... in its rows of half a second."""
    rows = np.zeros((int(2 * seconds) - 3, len(TAG_NAMES)), np.float32)
    rows += np.arange(2 * seconds - 3, dtype=np.float32)[:, None] / 100
    samples = np.full(int(seconds * RATE), 1000, np.int16)
    return make_bank([Track(StoredStem(samples, NOTHING, "a", "recorded/Speech"), rows)], GROUP_WEIGHTS, 0.5, CPU)


@pytest.mark.parametrize(
    ("start_seconds", "rows"), [(0, [0, 2, 4]), (-3, [6, 8, 10]), (1, [0, 0, 2]), (-6.5, [13, 15, 16])]
)
def test_a_window_has_what_the_track_says_where_it_begins(start_seconds: float, rows: list[int]) -> None:
    bank, one = _tracked(10), np.zeros(1, np.int64)
    sources = Sources(one, one, np.zeros(1, np.bool_), np.array([int(start_seconds * RATE)]), np.ones(1, np.float32))
    assert source_targets(bank, sources)[0, :, 0].tolist() == pytest.approx([row / 100 for row in rows])


def test_every_source_of_a_group_is_drawn_equally_often_and_recordings_have_their_share() -> None:
    rng = np.random.default_rng(0)
    samples = np.full(HOP_SAMPLES, 1000, np.int16)
    row = np.zeros((1, len(TAG_NAMES)), np.float32)
    named = [("a", "recorded/Cough")] * 9 + [("b", "recorded/Cough"), ("c", "Piano"), ("d", "Guitar")]
    bank = make_bank([Track(StoredStem(samples, NOTHING, *each), row) for each in named], GROUP_WEIGHTS, 0.6, CPU)
    groups = rng.choice(len(bank.groups), 20_000, p=bank.odds)
    drawn = Counter(named[stem] for stem in bank.draw(rng, groups))
    shares = {name: count / 20_000 for name, count in drawn.items()}
    assert shares[named[0]] == pytest.approx(0.3, abs=0.02)
    assert shares[named[9]] == pytest.approx(0.3, abs=0.02)
    assert shares["c", "Piano"] == pytest.approx(0.2, abs=0.02)


def test_the_mixer_is_reproducible_calm_and_labels_what_it_draws(bank: Bank) -> None:
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
    stems = [StoredStem(noise, NOTHING, "test", "noise"), StoredStem(noise, MALE_SPEECH, "test", "Speech")]
    channels = Transmission.drawn(0, rooms=1, equalisers=1, lines=1)
    few, more = (
        np.mean(
            [
                Mixer(make_bank(labelled_tracks(each), GROUP_WEIGHTS, 0, CPU), channels, 1)
                .draw(300)
                .targets.amax((1, 2))
                .numpy()
                == 0
            ]
        )
        for each in (stems[1:], stems)
    )
    assert few < 0.05
    assert more > few + 0.02


def test_every_group_of_the_mixer_has_a_source() -> None:
    from training.sources.trained_signals import TRAIN_SIGNALS

    groups = {group for _, _, group in TRAIN_SIGNALS}
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
