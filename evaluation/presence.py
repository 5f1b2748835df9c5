"""Which tags a clip has, surely lacks, or may have without its label saying so.

Labels name what a clip was published for, not everything in it. A clip counts as having a tag if it lists it or a tag
under it. It counts as lacking the tag unless

- it lists the tag, or one above it, or "*", which stands for any, among `tags_one_of`;
- its most specific tags stand above the tag in the catalogue: Music may be Piano, and Speech may be Male_speech;
- `MAY_HOLD` names the tag for one of the clip's tags, or for its label: crowds that applaud also whistle.

Such a clip is neither: it is left out of the tag's figures. `tags_absent` overrules all of that.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set

import numpy as np
import numpy.typing as npt

from catalogue.catalogue import Catalogue, load_catalogue
from evaluation.recordings import Recording

Presence = npt.NDArray[np.int8]
THERE, ABSENT, UNKNOWN = 1, 0, -1
ANYTHING = "*"

_VOICES = ("Speech", "Male_speech", "Female_speech")
_BIRDS = ("Bird_chirp", "Bird_honk")
# A tag, or a label of a data set in small letters -> what may be heard beside it, or may be another name for it.
MAY_HOLD: dict[str, tuple[str, ...]] = {
    "Alarm": ("Appliance_alarm", "Bell", "Car_alarm", "Fire_smoke_alarm", "Reversing_beep", "Siren"),
    "Applause": ("Clap", "Laughter", "Sing", "Whistle", "Yell", *_VOICES),
    "Baby_cry": ("Baby_laughter", "Burp", "Cough", "Hiccup", "Moan", "Scream", "Sigh", "Yell", *_VOICES),
    "Baby_laughter": ("Laughter", "Scream", *_VOICES),
    "Bell": ("Alarm", "Bicycle_bell", "Crossing_signal", "Doorbell", "Instrument", "Music"),
    "Bicycle_bell": ("Bell", "Doorbell"),
    "Bird_chirp": ("Bird_honk", "Whistle", "Wind_noise"),
    "Bird_honk": ("Bird_chirp", "Car_horn"),
    "Boiling": ("Cooking", "Water_run"),
    "Break": ("Glass_break", "Thud"),
    "Burp": ("Cough", "Throat_clear", "Vomit"),
    "Car_alarm": ("Alarm", "Car_horn", "Siren"),
    "Car_horn": ("Car_alarm", "Siren"),
    "Clap": ("Applause", "Finger_snap"),
    "Cooking": ("Boiling", "Dining_clink", "Water_run"),
    "Cough": ("Moan", "Sneeze", "Throat_clear", "Vomit"),
    "Crossing_signal": ("Alarm", "Bell"),
    "Dining_clink": ("Bell", "Chewing", "Cooking", "Glass_break"),
    "Doorbell": ("Alarm", "Bell", "Knock"),
    "Explosion": ("Break", "Car_backfire", "Glass_break", "Gunshot", "Gunshot_single", "Thud", "Wind_noise"),
    "Fire_smoke_alarm": ("Alarm", "Appliance_alarm", "Siren"),
    "Footstep": ("Knock", "Thud"),
    "Glass_break": ("Break", "Dining_clink", "Thud"),
    "Gunshot": ("Car_backfire", "Explosion", "Gunshot_single", "Thud"),
    "Keyboard": ("Knock", "Single_click"),
    "Knock": ("Doorbell", "Footstep", "Thud"),
    "Laughter": ("Baby_laughter", "Scream", "Yell", *_VOICES),
    "Moan": ("Scream", "Sigh", "Yell", *_VOICES),
    "Music": ("Applause", "Clap", "Sing", "Whistle", *_VOICES),
    "Scream": ("Moan", "Yell", *_VOICES),
    "Sing": ("Music", "Instrument", *_VOICES),
    "Siren": ("Alarm", "Car_alarm", "Car_horn"),
    "Sneeze": ("Cough", "Sigh", "Throat_clear"),
    "Snore": ("Moan", "Sigh"),
    "Speech": ("Whisper",),
    "Throat_clear": ("Cough",),
    "Thud": ("Break", "Footstep", "Knock"),
    "Toilet_flush": ("Water_run",),
    "Vomit": ("Burp", "Cough", "Moan", "Throat_clear"),
    "Water_run": ("Boiling", "Dining_clink", "Toilet_flush"),
    "Yell": ("Scream", *_VOICES),
    # UrbanSound8K's, whose clips come from the street
    "children_playing": (
        *("Baby_cry", "Baby_laughter", "Clap", "Footstep", "Laughter", "Scream", "Sing", "Whistle", "Yell"),
        *_VOICES,
    ),
    "jackhammer": ("Knock",),
    # ESC's and games'
    "thunderstorm": ("Explosion", "Thud", "Wind_noise"),
    "thunder": ("Explosion", "Thud", "Wind_noise"),
    "fireworks": ("Applause", "Explosion", "Gunshot", "Yell"),
    "firetruck": ("Car_horn", "Siren"),
    "train": ("Bell", "Car_horn", "Crossing_signal"),
    "rooster": _BIRDS,
    "duck": _BIRDS,
    "duck quack": _BIRDS,
    "owl": _BIRDS,
    "peacock": _BIRDS,
    "seagull": _BIRDS,
    "sea waves": ("Bird_honk", "Wind_noise"),
    "rain": ("Water_run", "Wind_noise"),
    "rain heavy": ("Water_run", "Wind_noise"),
    "wind": ("Wind_noise",),
    "horse": ("Footstep",),
    "door close": ("Knock", "Thud"),
    "microwave": ("Appliance_alarm", "Bell"),
    # SESA's for everyday sounds of any kind, ProtoSound's for all that a home has
    "casual": (ANYTHING,),
    "appliances": (ANYTHING,),
}


def presence(recordings: Sequence[Recording], tags: Sequence[str]) -> Presence:
    """Returns what is known of each tag in each clip: 1 there, 0 absent, -1 unknown; int8 of shape (clips, tags)."""
    relations = _Relations(load_catalogue(), tags)
    return np.array([relations.known(recording) for recording in recordings], np.int8).reshape(-1, len(tags))


class _Relations:
    """How some tags lie to those that clips list. A tag that the catalogue does not have stands alone."""

    def __init__(self, catalogue: Catalogue, tags: Sequence[str]) -> None:
        self._catalogue, self._tags = catalogue, tags
        self._above = {tag: self._with_above([tag]) for tag in tags}

    def known(self, recording: Recording) -> list[int]:
        there = self._with_above(recording.tags)
        specific = [tag for tag in recording.tags if tag not in self._strictly_above(recording.tags)]
        possible = {*recording.tags_one_of, *specific}
        possible |= {each for name in (*possible, recording.label.lower()) for each in MAY_HOLD.get(name, ())}
        return [self._of(tag, recording, there, possible) for tag in self._tags]

    def _of(self, tag: str, recording: Recording, there: Set[str], possible: Set[str]) -> int:
        if tag in recording.tags_absent:
            return ABSENT
        if tag in there:
            return THERE
        return UNKNOWN if ANYTHING in possible or not self._above[tag].isdisjoint(possible) else ABSENT

    def _with_above(self, tags: Iterable[str]) -> Set[str]:
        known = [tag for tag in tags if tag in self._catalogue.by_name]
        return {*tags, *self._catalogue.with_ancestors(known)}

    def _strictly_above(self, tags: Iterable[str]) -> Set[str]:
        known = [self._catalogue.by_name[tag] for tag in tags if tag in self._catalogue.by_name]
        return self._with_above([parent for tag in known for parent in tag.parents])
