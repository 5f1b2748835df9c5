"""Which tags the programs of General MIDI teach."""

from __future__ import annotations

from training.tags import Labels

_MUSIC = ("Music", "Instrument")
DRUM_KIT = Labels((*_MUSIC, "Drum"))
# General MIDI 1 sound set, programs counted from 0. All other programs are Music and Instrument only.
_PRESENT: dict[str, tuple[int, ...]] = {
    "Piano": (0, 1, 2, 3),
    "Guitar": (24, 25, 26, 27, 28, 29, 30),
    "Bowed_string_instrument": (40, 41, 42, 43, 44, 48, 49, 110),
    "Drum": (116, 117, 118),
    "Bell": (14,),
}
_UNSURE: dict[str, tuple[int, ...]] = {
    "Piano": (4, 5),
    "Guitar": (31, 32, 33, 34, 35, 36, 37, 104, 105, 106, 107, 15, 84),
    "Bowed_string_instrument": (45, 50, 51, 109, 111),
    "Drum": (47, 113, 115, 119),
    "Bell": (8, 9, 10, 11, 98, 108, 112, 114, 88),
    "Whistle": (79, 80, 82),
    "Instrument": (52, 53, 54, 85, 91, *range(96, 104)),
    "Doorbell": (9, 11, 14),
    "Thud": (116, 117, 118),
}
_WHISTLE = 78


def labels_of_program(program: int) -> Labels:
    """The labels of a General MIDI program (0 to 119: the others are sound effects; not a drum kit)."""
    if program == _WHISTLE:
        return Labels(("Whistle",), _MUSIC)
    unsure = tuple(name for name, programs in _UNSURE.items() if program in programs)
    present = tuple(name for name, programs in _PRESENT.items() if program in programs)
    return Labels(tuple(name for name in _MUSIC if name not in unsure) + present, unsure)
