"""Who speaks: the voices of eSpeak NG, Flite and Festival, and which of them only judge."""

from __future__ import annotations

import functools
import subprocess
from dataclasses import dataclass


@dataclass(frozen=True)
class Voice:
    """A speaker: engine, name, gender ("male", "female"), usual pitch (0: cannot be set), letters of its texts."""

    engine: str
    name: str
    gender: str
    pitch_hz: float = 0.0
    letters: str = "english"


ESPEAK_LANGUAGES = (
    "en-us|en-gb|en-gb-scotland|en-gb-x-rp|en-029|de|fr-fr|es|it|pl|cs|sv|fi|tr|hu|nl|pt|pt-br|ro|hr|id|sw|da|nb|ca|eo|lt|sk|vi|cy"
).split("|")
# Variants that do not sound human, and whispers.
_ESPEAK_ODD = ("robo", "Robot", "Demonic", "whisper", "croak", "announcer", "UniRobot", "Tweaky", "fast", "klatt6")
ESPEAK_WHISPERS = (("whisper", "male"), ("whisperf", "female"))  # variants that whisper
TRAIN_VOICES: tuple[Voice, ...] = (
    Voice("flite", "kal16", "male", 105),
    Voice("flite", "kal", "male", 105),
    Voice("flite", "awb", "male", 130),
    Voice("festival", "ked_diphone", "male", 105),
    Voice("festival", "kal_diphone", "male", 105),
    Voice("festival", "pc_diphone", "male", 0, "latin"),
    Voice("festival", "lp_diphone", "female", 0, "latin"),
    Voice("festival", "czech_machac", "male", 0, "latin"),
    Voice("festival", "czech_ph", "male", 0, "latin"),
    Voice("festival", "czech_dita", "female", 0, "latin"),
    Voice("festival", "upc_ca_ona_hts", "female", 0, "latin"),
    Voice("festival", "msu_ru_nsh_clunits", "male", 0, "cyrillic"),
)
# Speakers that no training voice shares, in any engine: slt is Flite's and Festival's, so it is held out of both.
UNSEEN_VOICES: tuple[Voice, ...] = (
    Voice("flite", "slt", "female", 180),
    Voice("flite", "rms", "male", 100),
    Voice("festival", "cmu_us_slt_arctic_hts", "female"),
    Voice("festival", "suo_fi_lj_diphone", "female", 0, "latin"),
    Voice("festival", "hy_fi_mv_diphone", "male", 0, "latin"),
)


@functools.cache
def espeak_variants() -> tuple[tuple[str, str], ...]:
    """eSpeak NG's voice variants that sound human, with their gender as eSpeak NG lists it."""
    listing = subprocess.run(["espeak-ng", "--voices=variant"], check=True, capture_output=True, text=True).stdout
    rows = [line.split() for line in listing.splitlines()[1:]]
    found = [(row[4].removeprefix("!v/"), "female" if row[2].endswith("F") else "male") for row in rows if len(row) > 4]
    return tuple((name, gender) for name, gender in found if not any(odd in name for odd in _ESPEAK_ODD))
