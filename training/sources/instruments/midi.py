"""Writes Standard MIDI files: the part of the format that the synthesisers need."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from pathlib import Path

_TICKS_PER_SECOND = 960  # 480 ticks per quarter note at the default tempo of 120 quarter notes a minute
DRUM_CHANNEL = 9


@dataclass(frozen=True)
class Note:
    """A note: start and length in seconds, key number (60 is middle C), velocity 1 to 127."""

    start_seconds: float
    seconds: float
    key: int
    velocity: int


@dataclass(frozen=True)
class Passage:
    """Notes for one preset, starting at a time of the file."""

    start_seconds: float
    channel: int
    program: int
    notes: tuple[Note, ...]


def _variable_length(value: int) -> bytes:
    out = [value & 0x7F]
    while value := value >> 7:
        out.append(value & 0x7F | 0x80)
    return bytes(reversed(out))


def write_midi(path: Path, passages: list[Passage], seconds: float) -> None:
    """Write the passages as a format 0 file that lasts `seconds`."""
    events: list[tuple[int, int, bytes]] = []
    for passage in passages:
        tick, channel = int(passage.start_seconds * _TICKS_PER_SECOND), passage.channel
        events.append((tick, 0, bytes([0xC0 | channel, passage.program])))
        for note in passage.notes:
            start = int((passage.start_seconds + note.start_seconds) * _TICKS_PER_SECOND) + 10
            events.append((start, 2, bytes([0x90 | channel, note.key, note.velocity])))
            end = start + max(1, int(note.seconds * _TICKS_PER_SECOND))
            events.append((end, 1, bytes([0x80 | channel, note.key, 0])))
    events.append((int(seconds * _TICKS_PER_SECOND), 3, b"\xff\x2f\x00"))
    track, last = bytearray(), 0
    for tick, _, message in sorted(events):
        track += _variable_length(tick - last) + message
        last = tick
    header = b"MThd" + struct.pack(">IHHH", 6, 0, 1, _TICKS_PER_SECOND // 2)
    path.write_bytes(header + b"MTrk" + struct.pack(">I", len(track)) + bytes(track))
