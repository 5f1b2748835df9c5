"""The MIDI writer and the phrases, read back by a small reader of this test."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from training.sources.instruments.midi import Note, Passage, write_midi
from training.sources.instruments.phrases import drum_phrase, melodic_phrase


def read_events(data: bytes) -> list[tuple[int, bytes]]:
    """All channel messages of a format 0 file, each with its tick."""
    assert data[:4] == b"MThd"
    assert struct.unpack(">IHHH", data[4:14]) == (6, 0, 1, 480)
    assert data[14:18] == b"MTrk"
    assert struct.unpack(">I", data[18:22])[0] == len(data) - 22
    at, tick, events = 22, 0, []
    while at < len(data):
        delta = 0
        while data[at] & 0x80:
            delta, at = delta << 7 | data[at] & 0x7F, at + 1
        delta, at = delta << 7 | data[at], at + 1
        tick += delta
        size = 2 if data[at] & 0xF0 == 0xC0 else 3
        events.append((tick, data[at : at + size]))
        at += size
    return events


def test_a_note_sounds_when_and_as_long_as_it_says(tmp_path: Path) -> None:
    path = tmp_path / "one.mid"
    write_midi(path, [Passage(2.0, 3, 40, (Note(0.5, 0.25, 60, 90),))], 5.0)
    events = read_events(path.read_bytes())
    assert events[0] == (1920, b"\xc3\x28")
    assert events[1:3] == [(2410, b"\x93\x3c\x5a"), (2650, b"\x83\x3c\x00")]
    assert events[3] == (4800, b"\xff\x2f\x00")


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**32 - 1), low=st.integers(20, 60), span=st.integers(13, 40))
def test_phrases_stay_within_their_time_and_the_keyboard(seed: int, low: int, span: int) -> None:
    for notes in (
        melodic_phrase(np.random.default_rng(seed), 6.0, low, low + span),
        drum_phrase(np.random.default_rng(seed), 6.0),
    ):
        assert all(0 <= note.start_seconds < 6 for note in notes)
        assert all(1 <= note.key <= 108 and 1 <= note.velocity <= 127 for note in notes)
        assert all(note.seconds > 0 for note in notes)
