"""The bundled model at the edges of what is sent, through the handler in a real TorchServe Service.

Calm means: every window gets an answer; every probability is a number from 0 to 1; where there is no sound there is no
tag; and a recording that is only damaged (clipped, over a telephone, at a low bit rate) is still reported to have its
main tags in four of five windows that clearly have them, and hardly any new ones.
"""

from __future__ import annotations

import json

import numpy as np
import pytest

from tests.conftest import TREE
from tests.support.audio import Floats, decode, encode_as, encode_raw
from tests.support.torchserve_worker import Worker

RATE, NUM_CHANNELS = 44_100, 2
MAIN_TAGS = ("Music", "Speech", "Siren")
CLEAR, KEPT_SHARE, MOST_WINDOWS_WITH_A_NEW_TAG = 0.8, 0.8, 2
TELEPHONE = ("-af", "highpass=f=300,lowpass=f=3400", "-ar", "8000", "-ac", "1", "-c:a", "pcm_mulaw", "-f", "wav")
LOW_BIT_RATE = ("-ar", "22050", "-ac", "1", "-c:a", "libmp3lame", "-b:a", "32k", "-f", "mp3")
Tags = list[dict[str, float]]


@pytest.fixture(scope="module")
def worker() -> Worker:
    return Worker(TREE / "model" / "model.pt2")


@pytest.fixture(scope="module")
def recording() -> Floats:
    """The sample, float32 of shape (samples, 2)."""
    return decode((TREE / "samples" / "demo.mp3").read_bytes()).reshape(-1, NUM_CHANNELS)


@pytest.fixture(scope="module")
def undamaged(worker: Worker) -> Tags:
    return heard(worker, (TREE / "samples" / "demo.mp3").read_bytes(), "audio/mp3")


def heard(worker: Worker, body: bytes | bytearray, content_type: str = "audio/wav", sensitivity: int = 0) -> Tags:
    """Probabilities by tag for every window; whatever comes, they are numbers from 0 to 1."""
    headers = {"Content-Type": content_type, "X-Default-Sensitivity": str(sensitivity)}
    answer = worker.answer({"headers": headers, "body": body})[0]
    assert answer.status == 200, answer.body
    windows = json.loads(answer.body, parse_constant=pytest.fail)["data"]  # NaN and Infinity are constants to json
    tags = [{tag["name"]: tag["probability"] for tag in window["tags"]} for window in windows]
    assert windows
    assert all(0 <= probability <= 1 for window in tags for probability in window.values())
    return tags


def raw(samples: Floats, rate: int = RATE) -> tuple[bytes, str]:
    """Float PCM as a body and its type: the one way in which NaN and infinity can arrive."""
    return samples.astype("<f4").tobytes(), f"audio/x-raw; rate={rate}; format=f32le; channels={samples.shape[1]}"


def check_calm(undamaged: Tags, damaged: Tags, most_new: int = MOST_WINDOWS_WITH_A_NEW_TAG) -> None:
    assert len(damaged) == len(undamaged)
    for name in MAIN_TAGS:
        expected = [index for index, window in enumerate(undamaged) if window.get(name, 0) >= CLEAR]
        kept = [index for index in expected if name in damaged[index]]
        assert expected
        assert len(kept) >= KEPT_SHARE * len(expected), f"{name} only in {kept} of {expected}"
    known = {name for window in undamaged for name in window}
    new = [window.keys() - known for window in damaged]
    assert sum(map(bool, new)) <= most_new, new


@pytest.mark.parametrize(
    "encoding", [("-f", "wav"), ("-c:a", "libmp3lame", "-f", "mp3"), ("-f", "flac")], ids=lambda e: e[-1]
)
def test_digital_silence_has_no_tag(worker: Worker, encoding: tuple[str, ...]) -> None:
    body = encode_as(np.zeros((5 * RATE, 2), np.float32), RATE, encoding)
    assert heard(worker, body, f"audio/{encoding[-1]}") == [{}] * 4


@pytest.mark.parametrize("level", [1e-6, 0.3, -1.0])
@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
def test_a_constant_has_no_tag(worker: Worker, level: float, rate: int) -> None:
    assert heard(worker, *raw(np.full((5 * rate, 1), level, np.float32), rate)) == [{}] * 4


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_a_recording_of_no_numbers_has_no_tag(worker: Worker, value: float, rate: int) -> None:
    assert heard(worker, *raw(np.full((5 * rate, 1), value, np.float32), rate)) == [{}] * 4


@pytest.mark.parametrize("value", [np.nan, np.inf, 3e38])
def test_odd_samples_in_a_recording_leave_every_window_an_answer(
    worker: Worker, recording: Floats, undamaged: Tags, value: float
) -> None:
    odd = recording.copy()
    odd[:: RATE // 3] = value
    assert len(heard(worker, *raw(odd), sensitivity=2)) == len(undamaged)


def test_the_windows_beside_one_odd_sample_stay_as_they_are(worker: Worker, recording: Floats, undamaged: Tags) -> None:
    odd = recording.copy()
    odd[round(2.5 * RATE)] = np.nan
    damaged = heard(worker, *raw(odd))
    assert [window.keys() for window in damaged[5:]] == [window.keys() for window in undamaged[5:]]


@pytest.mark.parametrize(("decibels", "most_new"), [(6, 2), (12, 3)])  # 12 dB over, harmonics are taken for birds
def test_clipping_leaves_the_main_tags(
    worker: Worker, recording: Floats, undamaged: Tags, decibels: int, most_new: int
) -> None:
    gain = 10 ** (decibels / 20) / np.abs(recording).max()
    clipped = np.clip(recording * gain, -1, 1)
    check_calm(
        undamaged,
        heard(worker, encode_raw(clipped, RATE, "s16le"), "audio/x-raw; rate=44100; format=s16le; channels=2"),
        most_new,
    )


def test_a_telephone_line_leaves_the_main_tags(worker: Worker, recording: Floats, undamaged: Tags) -> None:
    check_calm(undamaged, heard(worker, encode_as(recording, RATE, TELEPHONE)))


def test_mp3_at_32_kilobits_leaves_the_main_tags(worker: Worker, recording: Floats, undamaged: Tags) -> None:
    check_calm(undamaged, heard(worker, encode_as(recording, RATE, LOW_BIT_RATE), "audio/mp3"))
