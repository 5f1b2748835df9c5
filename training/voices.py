"""Voices: made-up sentences read by eSpeak NG, Flite and Festival."""

from __future__ import annotations

import functools
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import signal
from scipy.io import wavfile

from training.catalogue import FEMALE_SPEECH, MALE_SPEECH, SPEECH, Labels
from training.settings import RATE
from training.stems import Samples, Stem

_OPENINGS = "the|a|my|this|every|our|that|her|his|no|some|another".split("|")
_NOUNS = (
    "morning|river|doctor|window|market|engine|garden|captain|station|letter|mountain|teacher|kitchen|picture|summer"
    "|neighbour|question|hospital|journey|evening|weather|village|machine|story|bottle|building|driver|council|number"
).split("|")
_VERBS = (
    "follows|opens|carries|remembers|watches|answers|leaves behind|turns over|believes in|walks around|measures"
    "|repairs|asks about|throws away|describes|waits for|shares|calls|forgets|chooses|listens to|draws|sells"
).split("|")
_ENDINGS = (
    "before noon|in silence|for a long time|with great care|near the old bridge|again and again|after the meeting"
    "|without a reason|at five o'clock|on the way home|because nobody else would|as usual|twice a week|if you like"
).split("|")
_ONSETS = "b|d|f|g|k|l|m|n|p|r|s|t|v|st|tr|pl|br|ch|kl|sp".split("|")
_VOWELS = "a|e|i|o|u|ai|au|ia|ei".split("|")
_LETTERS = {
    "latin": (_ONSETS, _VOWELS, ["", "", "n", "r", "s", "l"]),
    "cyrillic": (
        "б|в|г|д|з|к|л|м|н|п|р|с|т|ст|пр|ч|ш".split("|"),
        "а|е|и|о|у|я|ы".split("|"),
        ["", "", "н", "р", "й", "л"],
    ),
}


def sentence(rng: np.random.Generator) -> str:
    """An English sentence that is grammatical and means nothing much."""
    words = [_OPENINGS, _NOUNS, _VERBS, _OPENINGS, _NOUNS, _ENDINGS]
    return " ".join(str(rng.choice(choices)) for choices in words) + str(rng.choice([".", "?", "!", ", and so on."]))


def babble(rng: np.random.Generator, alphabet: str) -> str:
    """Words of no language, in syllables that most languages can read."""
    onsets, vowels, codas = _LETTERS[alphabet]
    words = [
        "".join(str(rng.choice(part)) for _ in range(rng.integers(1, 5)) for part in (onsets, vowels, codas))
        for _ in range(rng.integers(4, 10))
    ]
    return " ".join(words) + "."


@dataclass(frozen=True)
class Voice:
    """A speaker: how to call it, its gender ("male", "female"), its usual pitch (0: cannot be set), its alphabet."""

    engine: str
    name: str
    gender: str
    pitch_hz: float = 0.0
    letters: str = "english"


_ESPEAK_LANGUAGES = (
    "en-us|en-gb|en-gb-scotland|en-gb-x-rp|en-029|de|fr-fr|es|it|pl|cs|sv|fi|tr|hu|nl|pt|pt-br|ro|hr|id|sw|da|nb|ca|eo|lt|sk|vi|cy"
).split("|")
# No human sound: robots, announcers through a machine, whispers.
_ESPEAK_ODD = ("robo", "Robot", "Demonic", "whisper", "croak", "announcer", "UniRobot", "Tweaky", "fast", "klatt6")
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


def _trimmed(samples: Samples) -> Samples:
    """Without the silence at both ends (below 2 % of the peak)."""
    loud = np.flatnonzero(np.abs(samples) > 0.02 * np.abs(samples).max())
    return samples[loud[0] : loud[-1] + 1] if len(loud) else samples


def _read(path: Path) -> Samples:
    rate, samples = wavfile.read(path)
    floats = samples.astype(np.float32) / 32768
    return floats if rate == RATE else np.asarray(signal.resample(floats, int(len(floats) * RATE / rate)), np.float32)


def _labels(gender: str) -> Labels:
    return {"male": MALE_SPEECH, "female": FEMALE_SPEECH}.get(gender, SPEECH)


def _changed_tract(rng: np.random.Generator, samples: Samples, factor: float) -> Samples:
    """Played faster by the factor: pitch and formants rise together, as with a smaller speaker."""
    return np.asarray(signal.resample(samples, int(len(samples) / (factor * rng.uniform(0.97, 1.03)))), np.float32)


def _text(rng: np.random.Generator, voice: Voice) -> str:
    if voice.letters == "english":
        return f"{sentence(rng)} {sentence(rng)}" if rng.random() < 0.5 else sentence(rng)
    return babble(rng, voice.letters)


_ESPEAK_WHISPERS = (("whisper", "male"), ("whisperf", "female"))


def speak_with_espeak(rng: np.random.Generator, count: int, whispering: bool = False) -> list[Stem]:
    """Sentences by random variants (as many female as male), languages, pitches and speeds; or by whisperers."""
    stems, variants = [], _ESPEAK_WHISPERS if whispering else espeak_variants()
    with tempfile.TemporaryDirectory() as folder:
        wave = Path(folder, "out.wav")
        for _ in range(count):
            gender = str(rng.choice(["male", "female"]))
            variant = str(rng.choice([name for name, each in variants if each == gender]))
            language = str(rng.choice(_ESPEAK_LANGUAGES))
            text = _text(rng, Voice("", "", "", 0, "english" if language.startswith("en") else "latin"))
            manner = ["-p", str(rng.integers(25, 75)), "-s", str(rng.integers(110, 220)), "-g", str(rng.integers(0, 6))]
            command = ["espeak-ng", "-v", f"{language}+{variant}", *manner, "-w", str(wave), text]
            subprocess.run(command, check=True, capture_output=True)
            samples = _changed_tract(rng, _trimmed(_read(wave)), 1.0)
            stems.append(Stem(samples, _labels(gender), f"espeak/{variant}", "Speech"))
    return stems


def _pitch_plan(rng: np.random.Generator, voice: Voice, crossing: bool) -> tuple[float, float, str]:
    """The pitch to ask for, the factor of the tract, and the gender that comes out.

    A man's tract shortened by 15 to 20 % with a woman's pitch passes for a woman, and the other way round
    (Fant, Speech Sounds and Features: female tracts are about 15 % shorter).
    """
    if not crossing or not voice.pitch_hz:
        return voice.pitch_hz * rng.uniform(0.85, 1.2), rng.uniform(0.96, 1.04), voice.gender
    if voice.gender == "male":
        factor = rng.uniform(1.14, 1.2)
        return rng.uniform(170, 240) / factor, factor, "female"
    factor = rng.uniform(0.82, 0.87)
    return rng.uniform(90, 140) / factor, factor, "male"


def speak_with_flite(rng: np.random.Generator, voice: Voice, count: int, crossing: float) -> list[Stem]:
    """Sentences by one Flite voice; `crossing` is the share that is turned into the other gender."""
    stems = []
    with tempfile.TemporaryDirectory() as folder:
        wave = Path(folder, "out.wav")
        for _ in range(count):
            pitch, factor, gender = _pitch_plan(rng, voice, rng.random() < crossing)
            stretch = rng.uniform(0.8, 1.3) * factor
            settings = ["--setf", f"duration_stretch={stretch:.2f}", "--setf", f"int_f0_target_mean={pitch:.0f}"]
            command = ["flite", "-voice", voice.name, *settings, "-t", _text(rng, voice), "-o", str(wave)]
            subprocess.run(command, check=True, capture_output=True)
            samples = _changed_tract(rng, _trimmed(_read(wave)), factor)
            stems.append(Stem(samples, _labels(gender), f"flite/{voice.name}", "Speech"))
    return stems


def speak_with_festival(rng: np.random.Generator, voice: Voice, count: int, crossing: float) -> list[Stem]:
    """Sentences by one Festival voice, all by one process (a voice takes a while to load)."""
    plans = [_pitch_plan(rng, voice, rng.random() < crossing) for _ in range(count)]
    with tempfile.TemporaryDirectory() as folder:
        lines = [f"(voice_{voice.name})"]
        for number, (pitch, factor, _) in enumerate(plans):
            lines.append(f"(Parameter.set 'Duration_Stretch {rng.uniform(0.85, 1.25) * factor:.2f})")
            if voice.pitch_hz:
                means = f"(target_f0_mean {pitch:.0f}) (target_f0_std {pitch * rng.uniform(0.08, 0.2):.0f})"
                lines.append(f"(set! int_lr_params '({means} (model_f0_mean 170) (model_f0_std 34)))")
            lines.append(f'(utt.save.wave (SynthText "{_text(rng, voice)}") "{folder}/{number}.wav" \'riff)')
        script = Path(folder, "script.scm")
        script.write_text("\n".join(lines))
        subprocess.run(["festival", "-b", str(script)], check=True, capture_output=True)
        read = [_trimmed(_read(Path(folder, f"{number}.wav"))) for number in range(count)]
    stems = []
    for samples, (_, factor, gender) in zip(read, plans, strict=True):
        stems.append(Stem(_changed_tract(rng, samples, factor), _labels(gender), f"festival/{voice.name}", "Speech"))
    return stems
