"""The sources of the splits: what they teach, and that nothing which trains also judges."""

from __future__ import annotations

import pytest

from training.sources.recipes import all_shards
from training.sources.trained_signals import TRAIN_SIGNALS
from training.sources.unseen_signals import UNSEEN_SIGNALS
from training.sources.voices.speakers import TRAIN_VOICES, UNSEEN_VOICES
from training.tags import TAG_NAMES, Labels


@pytest.mark.parametrize("labels", [labels for _, labels, _ in TRAIN_SIGNALS])
def test_no_signal_both_has_a_tag_and_may_have_it(labels: Labels) -> None:
    assert not set(labels.present) & set(labels.unsure)
    assert set(labels.present) | set(labels.unsure) <= set(TAG_NAMES)


def test_every_tag_of_a_signal_has_training_and_unseen_generators() -> None:
    trained = {name for _, labels, *_ in TRAIN_SIGNALS for name in labels.present}
    judged = {name for _, labels, _ in UNSEEN_SIGNALS for name in labels.present}
    assert trained == judged - {"Whisper"}  # which is taught by voices, not by signals


def test_no_voice_or_font_of_training_judges() -> None:
    speakers = [
        {voice.name.removeprefix("cmu_us_").split("_")[0] for voice in voices}
        for voices in (TRAIN_VOICES, UNSEEN_VOICES)
    ]
    assert not speakers[0] & speakers[1]
    names = [
        {shard.name.rsplit("-", 1)[0] for shard in all_shards() if shard.split == split}
        for split in ("train", "unseen")
    ]
    assert not names[0] & names[1]


def test_shards_have_names_of_their_own_and_seeds_that_stay() -> None:
    shards = all_shards()
    assert len({(shard.split, shard.name) for shard in shards}) == len(shards)
    assert len({shard.seed for shard in shards}) == len(shards)
    train = {shard.name: shard.seed for shard in shards if shard.split == "train"}
    assert train["signal-clapping-00"] == 1878011175
