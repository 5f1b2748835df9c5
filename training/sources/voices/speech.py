"""Stems of speech: made-up sentences read by eSpeak NG, Flite and Festival."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import numpy as np
from scipy import signal
from scipy.io import wavfile

from training.settings import RATE
from training.sources.voices.speakers import ESPEAK_LANGUAGES, ESPEAK_WHISPERS, Voice, espeak_variants
from training.sources.voices.texts import babble, sentence
from training.stems import Samples, Stem
from training.tags import FEMALE_SPEECH, MALE_SPEECH, SPEECH, Labels


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


def speak_with_espeak(rng: np.random.Generator, count: int, whispering: bool = False) -> list[Stem]:
    """Sentences by random variants (half female, half male), languages, pitches and speeds."""
    stems, variants = [], ESPEAK_WHISPERS if whispering else espeak_variants()
    with tempfile.TemporaryDirectory() as folder:
        wave = Path(folder, "out.wav")
        for _ in range(count):
            gender = str(rng.choice(["male", "female"]))
            variant = str(rng.choice([name for name, each in variants if each == gender]))
            language = str(rng.choice(ESPEAK_LANGUAGES))
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


def speak(rng: np.random.Generator, voice: Voice, count: int, crossing: float) -> list[Stem]:
    """Sentences by a voice of Flite or Festival; `crossing` is the share that is turned into the other gender."""
    engine = speak_with_flite if voice.engine == "flite" else speak_with_festival
    return engine(rng, voice, count, crossing)


def speak_with_flite(rng: np.random.Generator, voice: Voice, count: int, crossing: float) -> list[Stem]:
    """Sentences by one Flite voice; `crossing` as in `speak`."""
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
    """Sentences by one Festival voice in one process, for a voice takes a while to load; `crossing` as in `speak`."""
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
