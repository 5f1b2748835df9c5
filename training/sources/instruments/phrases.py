"""Random phrases: notes for melodic instruments, chords, and drums."""

from __future__ import annotations

import numpy as np

from training.sources.instruments.midi import Note

_SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 4, 7, 9), (0, 3, 5, 7, 10), tuple(range(12)))
_CHORDS = ((0, 4, 7), (0, 3, 7), (0, 4, 7, 10), (0, 3, 7, 10), (0, 5, 7), (0, 7, 12), (0, 4, 7, 12, 16))


def melodic_phrase(rng: np.random.Generator, seconds: float, low_key: int, high_key: int) -> tuple[Note, ...]:
    """A random line, chords, or a broken chord in a drawn scale and pace; notes end before `seconds`."""
    root, scale = int(rng.integers(low_key, max(low_key + 1, high_key - 12))), _SCALES[rng.integers(len(_SCALES))]
    style = rng.choice(["line", "chords", "broken"], p=[0.55, 0.25, 0.2])
    step, loudness = float(np.exp(rng.uniform(np.log(0.1), np.log(1.2)))), rng.uniform(45, 115)
    legato, place, time = rng.uniform(0.3, 1.3), int(rng.integers(0, 7)), float(rng.uniform(0, 0.3))
    notes: list[Note] = []
    while time < seconds - 0.15:
        length = min(step * rng.choice([1, 1, 1, 2, 0.5]), seconds - time)
        place = int(np.clip(place + rng.integers(-3, 4), 0, 13))
        key = root + scale[place % len(scale)] + 12 * (place // len(scale))
        chord = _CHORDS[rng.integers(len(_CHORDS))] if style != "line" else (0,)
        velocity = int(np.clip(loudness + rng.normal(0, 10), 20, 127))
        if rng.random() > 0.08:
            for number, interval in enumerate(chord):
                late = number * length / len(chord) if style == "broken" else 0.0
                pitch = int(np.clip(key + interval, 12, 108))
                notes.append(Note(time + late, (length - late) * legato, pitch, velocity))
        time += length
    return tuple(notes)


_KICKS, _SNARES, _HATS = (35, 36), (38, 40, 37, 39), (42, 44, 46)
_TOMS, _CYMBALS, _HANDS = (41, 43, 45, 47, 48, 50), (49, 51, 57, 59, 53), (60, 61, 62, 63, 64, 65, 66)
_KITS: dict[str, tuple[tuple[int, ...], ...]] = {
    "beat": (_KICKS, _SNARES, _HATS),
    "toms": (_TOMS, _TOMS, _KICKS),
    "hands": (_HANDS, _HANDS, _HANDS),
}


def drum_phrase(rng: np.random.Generator, seconds: float) -> tuple[Note, ...]:
    """A beat that repeats (kick, snare, hats), toms alone, or hand drums."""
    step, loudness = 60 / rng.uniform(70, 180) / rng.choice([2, 4]), rng.uniform(60, 115)
    kind = rng.choice(["beat", "toms", "hands"], p=[0.65, 0.2, 0.15])
    keys = [int(rng.choice(voice)) for voice in _KITS[str(kind)]]
    if kind == "beat" and rng.random() < 0.5:
        keys.append(int(rng.choice(_CYMBALS)))
    density = rng.uniform(0.15, 0.6, len(keys)) * np.array([1.0, 1.0, 1.4, 0.4])[: len(keys)]
    pattern = rng.random((16, len(keys))) < density
    pattern[0, 0] = True
    notes = []
    for number in range(int((seconds - 0.1) / step)):
        for column, key in enumerate(keys):
            if pattern[number % 16, column]:
                velocity = int(np.clip(loudness + rng.normal(0, 12), 30, 127))
                notes.append(Note(number * step + rng.uniform(0, 0.008), 0.2, key, velocity))
    return tuple(notes)
