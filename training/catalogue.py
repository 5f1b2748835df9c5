"""The tags that can be trained, and what each General MIDI program teaches.

Spelling and category follow the public documentation of Cochl.Sense (docs/model.md says which are attested).
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Tag:
    """A sound tag: its spelling in the answer and its category."""

    name: str
    category: str


TAGS: tuple[Tag, ...] = (
    Tag("Music", "Music"),
    Tag("Instrument", "Music"),
    Tag("Piano", "Music"),
    Tag("Guitar", "Music"),
    Tag("Drum", "Music"),
    Tag("Bowed_string_instrument", "Music"),
    Tag("Speech", "Human speech"),
    Tag("Male_speech", "Human speech"),
    Tag("Female_speech", "Human speech"),
    Tag("Siren", "Emergency"),
    Tag("Emergency_vehicle_siren", "Emergency"),
    Tag("Civil_defense_siren", "Emergency"),
    Tag("Alarm", "Emergency"),
    Tag("Gunshot", "Emergency"),
    Tag("Bell", "Home context"),
    Tag("Knock", "Home context"),
    Tag("Whistle", "Human action"),
    Tag("Applause", "Human action"),
    Tag("Clap", "Human action"),
    Tag("Car_horn", "Outdoor context"),
    Tag("Fire_smoke_alarm", "Emergency"),
    Tag("Appliance_alarm", "Home context"),
    Tag("Reversing_beep", "Outdoor context"),
    Tag("Car_alarm", "Outdoor context"),
    Tag("Doorbell", "Home context"),
    Tag("Bicycle_bell", "Outdoor context"),
    Tag("Crossing_signal", "Outdoor context"),
    Tag("Footstep", "Human action"),
    Tag("Thud", "Home context"),
    Tag("Keyboard", "Home context"),
    Tag("Single_click", "Home context"),
    Tag("Finger_snap", "Human action"),
    Tag("Glass_break", "Emergency"),
    Tag("Dining_clink", "Home context"),
    Tag("Explosion", "Emergency"),
    Tag("Water_run", "Home context"),
    Tag("Boiling", "Home context"),
    Tag("Wind_noise", "Outdoor context"),
    Tag("Aircraft_noise", "Outdoor context"),
    Tag("Vacuum_cleaner", "Home context"),
    Tag("Electric_shaver_or_toothbrush", "Home context"),
    Tag("Mosquito", "Animal"),
    Tag("Bird_chirp", "Animal"),
    Tag("Dog_bark", "Animal"),
    Tag("Cat_meow", "Animal"),
    Tag("Baby_cry", "Human status"),
    Tag("Snore", "Human status"),
    Tag("Whisper", "Human speech"),
)
TAG_NAMES: tuple[str, ...] = tuple(tag.name for tag in TAGS)
TAG_INDEX: dict[str, int] = {name: index for index, name in enumerate(TAG_NAMES)}

# Short by nature: two label frames (50 ms) of these are an occurrence.
IMPULSIVE_TAGS = frozenset(
    {"Drum", "Gunshot", "Knock", "Clap", "Bell", "Bicycle_bell", "Crossing_signal", "Footstep", "Thud", "Keyboard"}
    | {"Glass_break", "Dining_clink", "Bird_chirp", "Dog_bark"}
)
# Over within one label frame: one is enough.
MOMENTARY_TAGS = frozenset({"Single_click", "Finger_snap"})


@dataclass(frozen=True)
class Labels:
    """What a stem teaches: tags that it has, and tags about which it says nothing. All other tags it has not."""

    present: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()


SPEECH = Labels(("Speech",), ("Male_speech", "Female_speech"))
MALE_SPEECH = Labels(("Speech", "Male_speech"))
FEMALE_SPEECH = Labels(("Speech", "Female_speech"))
NOTHING = Labels()
DRUM_KIT = Labels(("Music", "Instrument", "Drum"))

_MUSIC = ("Music", "Instrument")
# General MIDI 1 sound set, programs counted from 0. Programs that are not named here are music and nothing else.
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


# Sound effects of the GS standard beside the General MIDI ones: (bank, program) to labels and drawing urn.
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
