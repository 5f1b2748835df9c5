"""Which tags the programs of General MIDI and the sound effects of the GS standard teach."""

from __future__ import annotations

from training.tags import NOTHING, Labels

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
_EFFECTS: dict[int, Labels] = {
    78: Labels(("Whistle",), _MUSIC),
    120: Labels((), (*_MUSIC, "Guitar")),
    121: Labels((), ("Whistle", "Whisper", "Wind_noise", "Snore")),
    122: Labels((), ("Water_run", "Wind_noise")),
    123: Labels(("Bird_chirp",), ("Whistle", "Crossing_signal")),
    124: Labels((), ("Alarm", "Bell", "Appliance_alarm", "Doorbell", "Bicycle_bell")),
    125: Labels(("Aircraft_noise",), ("Wind_noise", "Vacuum_cleaner")),
    126: Labels(("Applause",), ("Clap",)),
    127: Labels(("Gunshot",), ("Explosion",)),
}


def labels_of_program(program: int) -> Labels:
    """The labels of a General MIDI program (0 to 127, not a drum kit)."""
    if program in _EFFECTS:
        return _EFFECTS[program]
    unsure = tuple(name for name, programs in _UNSURE.items() if program in programs)
    present = tuple(name for name, programs in _PRESENT.items() if program in programs)
    return Labels(tuple(name for name in _MUSIC if name not in unsure) + present, unsure)


# Sound effects of the GS standard beside the General MIDI ones: (bank, program) to labels and group.
GS_EFFECTS: dict[tuple[int, int], tuple[Labels, str]] = {
    (1, 122): (NOTHING, "background"),  # rain
    (2, 122): (Labels((), ("Explosion", "Thud", "Wind_noise")), "background"),  # thunder
    (3, 122): (Labels(("Wind_noise",)), "Wind_noise"),
    (4, 122): (Labels(("Water_run",), ("Boiling",)), "Water_run"),  # stream
    (5, 122): (Labels((), ("Water_run", "Boiling")), "background"),  # bubble
    (1, 123): (Labels(("Dog_bark",)), "Dog_bark"),
    (2, 123): (Labels((), ("Footstep", "Knock")), "background"),  # horse's gallop
    (3, 123): (Labels(("Bird_chirp",), ("Whistle", "Crossing_signal")), "Bird_chirp"),
    (1, 124): (Labels((), ("Alarm", "Bell", "Appliance_alarm", "Doorbell", "Bicycle_bell")), "background"),  # telephone
    (2, 124): (NOTHING, "background"),  # door creaking
    (3, 124): (Labels((), ("Thud", "Knock", "Explosion")), "background"),  # door slam
    (4, 124): (NOTHING, "background"),  # scratch
    (5, 124): (Labels(("Bell",), ("Doorbell", "Dining_clink")), "Bell"),  # wind chimes
    (1, 125): (Labels((), ("Aircraft_noise",)), "background"),  # car engine
    (2, 125): (NOTHING, "background"),  # car stopping
    (3, 125): (Labels((), ("Aircraft_noise",)), "background"),  # car passing
    (4, 125): (Labels((), ("Glass_break", "Explosion", "Thud")), "background"),  # car crash
    (6, 125): (Labels((), ("Aircraft_noise", "Whistle", "Car_horn")), "background"),  # train
    (7, 125): (Labels(("Aircraft_noise",), ("Vacuum_cleaner", "Wind_noise")), "Aircraft_noise"),  # jet plane
    (1, 126): (Labels((), ("Speech", "Male_speech", "Female_speech")), "background"),  # laughing
    (2, 126): (Labels((), ("Speech", "Female_speech", "Baby_cry")), "background"),  # screaming
    (3, 126): (Labels((), ("Thud", "Clap", "Knock")), "background"),  # punch
    (4, 126): (Labels((), ("Thud", "Footstep", "Drum")), "background"),  # heartbeat
    (5, 126): (Labels(("Footstep",), ("Knock", "Thud")), "Footstep"),
    (1, 127): (Labels(("Gunshot",), ("Explosion",)), "Gunshot"),  # machine gun
    (3, 127): (Labels(("Explosion",), ("Gunshot", "Thud")), "Explosion"),
}
