"""The damage matrix: each container, damaged in each way, is decoded as far as it can be, or refused with a reason."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from tests.support import damage
from tests.support.audio import Floats
from tests.support.watched_decoder import WatchedDecoder

pytestmark = pytest.mark.slow

RATE = 16_000
# What follows the damage is earlier by what was skipped, since nothing says when it is played (docs/formats.md).
WITHOUT_TIMES = ("flac", "mp3", "mp3_vbr", "aac", "caf_alac", "ac-3")
# Shorter gaps between time stamps are not filled.
MOST_SHIFT_SECONDS = 0.05


@pytest.fixture(scope="module")
def decoder() -> Iterator[WatchedDecoder]:
    with WatchedDecoder() as decoder:
        yield decoder


def test_the_matrix_is_large() -> None:
    assert len(damage.CONTAINERS) >= 9
    assert sum(len(list(cases(encoding))) for encoding in damage.ENCODINGS for cases in damage.KINDS.values()) >= 700


@pytest.mark.parametrize("encoding", damage.ENCODINGS)
@pytest.mark.parametrize("kind", damage.KINDS)
def test_damage_is_survived_or_refused_with_a_reason(decoder: WatchedDecoder, kind: str, encoding: str) -> None:
    faults = {}
    for case in damage.KINDS[kind](encoding):
        outcome = decoder.decode(case.body, case.content_type)
        if outcome.fault or (outcome.samples is None and len(outcome.refusal) < 20):
            faults[case.name] = outcome.fault or outcome.refusal
    assert not faults


def found_at(part: Floats, recording: Floats) -> tuple[float, float]:
    """Where in a recording a part is, in seconds, and how alike they are, from 0 to 1."""
    start = int(np.argmax(np.correlate(recording, part, "valid")))
    there = recording[start : start + len(part)]
    return start / RATE, float(part @ there / np.linalg.norm(part) / np.linalg.norm(there))


@pytest.mark.parametrize("encoding", damage.ENCODINGS)
def test_windows_outside_a_hole_are_those_of_the_clean_file(decoder: WatchedDecoder, encoding: str) -> None:
    body = damage.clips(8.0)[encoding]
    clean, broken = decoder.decode(body).samples, decoder.decode(damage.with_hole(body, 0.5, 0.02)).samples
    assert clean is not None
    assert broken is not None
    assert np.array_equal(broken[: 2 * RATE], clean[: 2 * RATE])
    start_seconds, likeness = found_at(clean[6 * RATE : 7 * RATE], broken[5 * RATE :])
    shift_seconds = start_seconds + 5 - 6
    assert likeness > 0.95
    if encoding in WITHOUT_TIMES:
        assert -0.5 < shift_seconds < -0.1
    else:
        assert abs(shift_seconds) < MOST_SHIFT_SECONDS
