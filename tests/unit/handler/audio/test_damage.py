"""The damage matrix: each container, damaged in each way, is decoded as far as it can be, or refused with a reason."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support import damage
from tests.support.watched_decoder import WatchedDecoder


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
