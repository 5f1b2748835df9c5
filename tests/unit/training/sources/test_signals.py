"""The signal generators: finite, loud enough, in the band, and with the spectra that they are named after."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest

from training.settings import RATE, ROOT
from training.sources.signals.tones import harmonic_tone, ringing, shaped_noise
from training.sources.trained_signals import TRAIN_SIGNALS, Generator
from training.sources.unseen import whispers
from training.sources.unseen_signals import UNSEEN_SIGNALS
from training.stems import Samples, Stem, is_audible
from training.tags import FEMALE_SPEECH

pytestmark = pytest.mark.slow

SOURCES = ROOT / "training" / "sources"
WHISPERS = (whispers.whispered_channels, whispers.whispered_phases)
GENERATORS = [
    generator for generator, *_ in (*TRAIN_SIGNALS, *UNSEEN_SIGNALS) if generator not in WHISPERS
]  # whispers need voices that are installed


@pytest.mark.parametrize("generator", GENERATORS, ids=lambda generator: generator.__name__)
def test_every_generator_gives_seconds_of_audible_sound(generator: Generator) -> None:
    samples = generator(np.random.default_rng(11))
    assert samples.ndim == 1
    assert 2 * RATE < len(samples) < 11 * RATE
    assert is_audible((samples / np.abs(samples).max()).astype(np.float32))


@pytest.mark.parametrize("generator", WHISPERS, ids=lambda generator: generator.__name__)
def test_a_whisper_is_audible_and_has_lost_the_pitch_of_its_voice(
    generator: Generator, monkeypatch: pytest.MonkeyPatch
) -> None:
    voice = _buzz(120)
    stem = Stem(voice, FEMALE_SPEECH, "test/buzz", "Speech")
    for engine in ("speak_with_flite", "speak_with_festival"):
        monkeypatch.setattr(whispers, engine, lambda *_: [stem])
    whispered = np.asarray(generator(np.random.default_rng(11)), np.float32)
    assert is_audible(whispered)
    assert _share_of_energy_on_harmonics(voice, 120) > 0.95
    assert _share_of_energy_on_harmonics(whispered, 120) < 0.25


def _buzz(pitch_hz: int) -> Samples:
    """Four seconds of pulses: every harmonic of the pitch, and nothing between."""
    pulses = np.zeros(4 * RATE, np.float32)
    pulses[:: RATE // pitch_hz] = 1
    return pulses


def _share_of_energy_on_harmonics(samples: Samples, pitch_hz: int) -> float:
    """Of the energy from 800 to 3,000 Hz, how much lies within 6 Hz of a harmonic (a tenth of all frequencies)."""
    power = np.square(np.abs(np.fft.rfft(samples * np.hanning(len(samples)))))
    hertz = np.fft.rfftfreq(len(samples), 1 / RATE)
    pitch = RATE / (RATE // pitch_hz)
    band = (hertz > 800) & (hertz < 3000)
    near = np.abs(hertz / pitch - np.round(hertz / pitch)) * pitch < 6
    return float(power[band & near].sum() / power[band].sum())


@pytest.mark.parametrize("generator", GENERATORS[:3], ids=lambda generator: generator.__name__)
def test_a_seed_always_gives_the_same_sound_and_another_seed_another(
    generator: Generator,
) -> None:
    first, again, other = (generator(np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert len(first) != len(other) or not np.allclose(first, other)


def test_a_steady_tone_has_its_partials_where_they_belong() -> None:
    tone = harmonic_tone(np.full(RATE, 500.0), np.array([1.0, 0.0, 0.5]))
    spectrum = np.abs(np.fft.rfft(tone)) / (RATE / 2)
    assert spectrum[500] == pytest.approx(1, abs=1e-3)
    assert spectrum[1500] == pytest.approx(0.5, abs=1e-3)
    assert spectrum[1000] < 1e-3


def test_partials_above_the_band_do_not_fold_back() -> None:
    tone = harmonic_tone(np.full(RATE, 3000.0), np.ones(8))
    spectrum = np.abs(np.fft.rfft(tone)) / (RATE / 2)
    assert set(np.flatnonzero(spectrum > 0.01)) == {3000, 6000}


def test_a_mode_rings_down_60_decibels_in_its_decay_time() -> None:
    ring = ringing(2.0, np.array([440.0]), np.ones(1), np.array([1.0]))
    loudness = [np.abs(ring[start : start + 800]).max() for start in (0, RATE)]
    assert 20 * np.log10(loudness[1] / loudness[0]) == pytest.approx(-60, abs=1)


def test_shaped_noise_follows_its_corners() -> None:
    noise = shaped_noise(np.random.default_rng(0), 10 * RATE, [100, 1000, 1001, 8000], [0, 0, -40, -40])
    power = np.square(np.abs(np.fft.rfft(noise)))
    low, high = power[2000:9000].mean(), power[12000:70000].mean()
    assert 10 * np.log10(low / high) == pytest.approx(40, abs=1)


def _training_imports(path: Path) -> set[str]:
    imports = {node.module for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.ImportFrom)}
    return {name for name in imports if name and name.startswith("training")}


@pytest.mark.parametrize("path", sorted(SOURCES.glob("unseen/*.py")), ids=lambda path: path.stem)
def test_what_judges_shares_no_code_with_what_trains(path: Path) -> None:
    allowed = {"training.settings", "training.sources.unseen.parts"}
    if path.stem == "whispers":  # needs speech: that of the voices that never train
        allowed |= {"training.sources.voices.speakers", "training.sources.voices.speech"}
    assert _training_imports(path) <= allowed


@pytest.mark.parametrize("path", sorted(SOURCES.glob("signals/**/*.py")), ids=lambda path: path.stem)
def test_what_trains_shares_no_code_with_what_judges(path: Path) -> None:
    assert not {name for name in _training_imports(path) if "unseen" in name}
