"""Which tags the programs of General MIDI teach."""

from __future__ import annotations

import pytest

from training.sources.instruments.general_midi import labels_of_program
from training.tags import TAG_NAMES


@pytest.mark.parametrize("program", range(120))
def test_a_program_never_both_has_a_tag_and_may_have_it(program: int) -> None:
    labels = labels_of_program(program)
    assert not set(labels.present) & set(labels.unsure)
    assert set(labels.present) | set(labels.unsure) <= set(TAG_NAMES)


@pytest.mark.parametrize(
    ("program", "present"),
    [
        (0, {"Music", "Instrument", "Piano"}),
        (25, {"Music", "Instrument", "Guitar"}),
        (42, {"Music", "Instrument", "Bowed_string_instrument"}),
        (73, {"Music", "Instrument"}),
        (52, {"Music"}),
        (78, {"Whistle"}),
    ],
)
def test_programs_teach_what_they_are(program: int, present: set[str]) -> None:
    assert set(labels_of_program(program).present) == present
