"""The tags that can be trained: name, category and meaning; and the labels of a sound.

Spelling and category follow the public documentation of Cochl.Sense. catalogue/tags.json grades how well each spelling
is attested.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Tag:
    """A sound tag.

    Attributes:
        name: its spelling in the answer.
        category: as in the catalogue of tags.
        meaning: what it stands for in the bundled model, as the model card shows it.
    """

    name: str
    category: str
    meaning: str


TAGS: tuple[Tag, ...] = (
    Tag("Music", "Music", "anything played"),
    Tag("Instrument", "Music", "any instrument (choirs and synthesiser effects are left undecided)"),
    Tag("Piano", "Music", "grand and upright pianos (electric pianos are left undecided)"),
    Tag("Guitar", "Music", "acoustic and electric guitars (bass, banjo, sitar are left undecided)"),
    Tag("Drum", "Music", "drum kits, hand drums, toms"),
    Tag("Bowed_string_instrument", "Music", "violin to double bass, solo and in sections"),
    Tag("Speech", "Human speech", "people speaking with their voice"),
    Tag("Male_speech", "Human speech", "a man speaking, as far as a voice tells"),
    Tag("Female_speech", "Human speech", "a woman speaking, as far as a voice tells"),
    Tag("Siren", "Emergency", "both kinds of siren"),
    Tag("Emergency_vehicle_siren", "Emergency", "wail, yelp, phaser, hi-lo"),
    Tag("Civil_defense_siren", "Emergency", "rotors that run up and down"),
    Tag(
        "Alarm",
        "Emergency",
        "signals that ask for attention: beeps, warbles, buzzers, alarm bells (telephones, sirens left undecided)",
    ),
    Tag("Gunshot", "Emergency", "shots, single and in bursts"),
    Tag(
        "Bell",
        "Home context",
        "church and hand bells, chimes, sleigh bells, alarm bells (doorbells and glockenspiels are left undecided)",
    ),
    Tag("Knock", "Home context", "knuckles on a door or a table"),
    Tag("Whistle", "Human action", "by mouth or with a pea; flutes do not count"),
    Tag("Applause", "Human action", "an audience that claps"),
    Tag("Clap", "Human action", "hands of one person or a few, clap by clap"),
    Tag("Car_horn", "Outdoor context", "horns of cars"),
    Tag(
        "Fire_smoke_alarm",
        "Emergency",
        "smoke, carbon monoxide and fire detectors and panels: three or four beeps and a pause, horns, fast pulses",
    ),
    Tag(
        "Appliance_alarm",
        "Home context",
        "microwave, oven, washer, timer, alarm clock: a few beeps or a little melody of beeps",
    ),
    Tag(
        "Reversing_beep",
        "Outdoor context",
        "lorries and forklifts going backwards: one beep a second, or pulses of noise",
    ),
    Tag(
        "Car_alarm",
        "Outdoor context",
        "several patterns in turn (chirp, hi-lo, yelp, horn), or a horn in rhythm for long",
    ),
    Tag("Doorbell", "Home context", "ding-dong, electronic chimes of two to eight notes (buzzers are left undecided)"),
    Tag("Bicycle_bell", "Outdoor context", "thumb bells, and single strokes on a small dome"),
    Tag("Crossing_signal", "Outdoor context", "bells of level crossings; cuckoo, chirp and tick for pedestrians"),
    Tag("Footstep", "Human action", "walking, running, stairs, on any ground"),
    Tag("Thud", "Home context", "a dull heavy blow or fall, without a ring"),
    Tag("Keyboard", "Home context", "typing, from membrane keys to typewriters"),
    Tag("Single_click", "Home context", "one click or a few apart from each other: mouse, switch, pen"),
    Tag("Finger_snap", "Human action", "finger snaps, alone or to a beat"),
    Tag("Glass_break", "Emergency", "a hit, then a shower of ringing shards"),
    Tag("Dining_clink", "Home context", "cutlery on plates, glasses that clink, dishes"),
    Tag("Explosion", "Emergency", "a boom with a long rumbling tail"),
    Tag("Water_run", "Home context", "tap, stream, pouring, shower: water with audible splashes and bubbles"),
    Tag("Boiling", "Home context", "bubbling in a pot or a kettle"),
    Tag("Wind_noise", "Outdoor context", "gusts on a microphone"),
    Tag("Aircraft_noise", "Outdoor context", "propeller, jet, helicopter"),
    Tag("Vacuum_cleaner", "Home context", "the whine of the motor and the noise of the air"),
    Tag("Electric_shaver_or_toothbrush", "Home context", "the buzz of a small motor under changing load"),
    Tag("Mosquito", "Animal", "the thin tone of its wings, coming and going"),
    Tag("Bird_chirp", "Animal", "songbirds: chirps, trills, whistles"),
    Tag("Dog_bark", "Animal", "barks (howls and whines are left undecided)"),
    Tag("Cat_meow", "Animal", "meows"),
    Tag("Baby_cry", "Human status", "crying of a baby, with gasps between"),
    Tag("Snore", "Human status", "snoring, breath after breath"),
    Tag("Whisper", "Human speech", "speech without voice"),
    Tag("Sing", "Music", "people singing, alone or in a choir"),
    Tag("Yell", "Human speech", "shouts, alone or of many"),
    Tag("Scream", "Emergency", "screams of people"),
    Tag("Laughter", "Human status", "laughter of adults and children"),
    Tag("Baby_laughter", "Human status", "a baby laughing"),
    Tag("Cough", "Human status", "coughs"),
    Tag("Sneeze", "Human status", "sneezes"),
    Tag("Throat_clear", "Human status", "throats being cleared"),
    Tag("Sigh", "Human status", "sighs"),
    Tag("Moan", "Human status", "moans and groans"),
    Tag("Burp", "Human status", "burps"),
    Tag("Hiccup", "Human status", "hiccups"),
    Tag("Fart", "Human status", "farts"),
    Tag("Chewing", "Human action", "eating that can be heard"),
    Tag("Cooking", "Home context", "frying and chopping"),
    Tag("Toilet_flush", "Home context", "toilets being flushed"),
    Tag("Break", "Home context", "things that smash, break or shatter"),
    Tag("Bird_honk", "Animal", "geese"),
)
TAG_NAMES: tuple[str, ...] = tuple(tag.name for tag in TAGS)
NUM_TAGS = len(TAG_NAMES)
TAG_INDEX: dict[str, int] = {name: index for index, name in enumerate(TAG_NAMES)}
# Tags that are present wherever the tag is.
PARENTS: dict[str, tuple[str, ...]] = {
    **dict.fromkeys(("Emergency_vehicle_siren", "Civil_defense_siren"), ("Siren",)),
    **dict.fromkeys(("Male_speech", "Female_speech"), ("Speech",)),
    **dict.fromkeys(("Fire_smoke_alarm", "Appliance_alarm", "Reversing_beep", "Car_alarm"), ("Alarm",)),
    **dict.fromkeys(("Piano", "Guitar", "Drum", "Bowed_string_instrument"), ("Instrument", "Music")),
    **{"Instrument": ("Music",), "Bicycle_bell": ("Bell",), "Glass_break": ("Break",), "Baby_laughter": ("Laughter",)},
}

# Short sounds: two label frames of 50 ms are enough for the tag.
IMPULSIVE_TAGS = frozenset(
    {"Drum", "Gunshot", "Knock", "Clap", "Bell", "Bicycle_bell", "Crossing_signal", "Footstep", "Thud", "Keyboard"}
    | {"Glass_break", "Dining_clink", "Bird_chirp", "Dog_bark", "Break", "Cough", "Sneeze", "Hiccup", "Throat_clear"}
    | {"Burp", "Fart", "Bird_honk"}
)
# Shorter than one label frame: one is enough.
MOMENTARY_TAGS = frozenset({"Single_click", "Finger_snap"})


@dataclass(frozen=True)
class Labels:
    """What a sound teaches. It does not have the tags that are in neither list.

    Attributes:
        present: tags that it has.
        unsure: tags that it may or may not have; it teaches nothing about them.
    """

    present: tuple[str, ...] = ()
    unsure: tuple[str, ...] = ()


# Steady noise may be taken for them: it does not teach that they are absent.
LIKE_NOISE = frozenset({"Boiling", "Cooking", "Toilet_flush"})
SPEECH = Labels(("Speech",), ("Male_speech", "Female_speech"))
MALE_SPEECH = Labels(("Speech", "Male_speech"))
FEMALE_SPEECH = Labels(("Speech", "Female_speech"))
NOTHING = Labels()
FIRE_ALARM = Labels(("Alarm", "Fire_smoke_alarm"), ("Appliance_alarm", "Siren"))
APPLIANCE_ALARM = Labels(("Alarm", "Appliance_alarm"))
REVERSING_BEEP = Labels(("Alarm", "Reversing_beep"), ("Appliance_alarm",))
CAR_ALARM = Labels(("Alarm", "Car_alarm"), ("Siren", "Emergency_vehicle_siren", "Car_horn"))
DOORBELL = Labels(("Doorbell",), ("Bell", "Alarm", "Appliance_alarm", "Instrument", "Music"))
BICYCLE_BELL = Labels(("Bell", "Bicycle_bell"), ("Doorbell",))
