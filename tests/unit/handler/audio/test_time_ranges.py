"""Ranges against the judge: one packet after the other, from the first to the last."""

from __future__ import annotations

import struct
from functools import cache
from random import Random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchcodec.decoders import AudioDecoder

from handler.audio import mono, time_ranges
from handler.audio.headers import wav
from tests.support import audio
from tests.support.packet_judge import agrees, samples_in_packets
from tests.support.properties import SLOW_LAW

pytestmark = pytest.mark.slow

ENCODINGS = ("wav", "wav24", "wav32f", "w64", "rf64")
SECONDS = 4.3


@cache
def body_of(encoding: str, seconds: float = SECONDS, num_channels: int = 2, sample_rate: int = 44_100) -> bytes:
    samples = audio.lively(seconds, num_channels=num_channels, sample_rate=sample_rate)
    return bytes(audio.encode(samples, sample_rate, encoding))


def encoded_as(codec: str) -> bytes:
    return bytes(audio.encode_as(audio.lively(SECONDS), 44_100, ("-c:a", codec, "-f", "wav")))


def samples_in_ranges(body: bytes | bytearray) -> torch.Tensor:
    return torch.cat([torch.empty(0), *(part.data for part in time_ranges.decoded(memoryview(bytearray(body))))])


def is_equal(body: bytes | bytearray) -> bool:
    return agrees(body, samples_in_ranges)


@pytest.fixture(autouse=True)
def short_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mono, "BLOCK_SECONDS", 1)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(("num_channels", "sample_rate"), [(2, 44_100), (1, 48_000), (1, 22_050), (6, 16_000)])
@pytest.mark.parametrize("seconds", [0.2, 1.4, SECONDS])
def test_ranges_give_the_samples_of_a_sequential_decode(
    encoding: str, seconds: float, num_channels: int, sample_rate: int, packet_runs: list[int]
) -> None:
    body = body_of(encoding, seconds, num_channels, sample_rate)
    in_short_ranges = samples_in_ranges(body)
    assert packet_runs == []
    assert torch.equal(in_short_ranges, samples_in_packets(body))


@pytest.mark.parametrize("codec", ["pcm_u8", "pcm_s32le", "pcm_f64le", "pcm_alaw", "pcm_mulaw", "adpcm_ms"])
def test_every_codec_of_a_wav_gives_the_samples_of_a_sequential_decode(codec: str) -> None:
    assert is_equal(encoded_as(codec))


@pytest.mark.parametrize("encoding", ENCODINGS)
@SLOW_LAW
@given(range_seconds=st.floats(0.01, 3))
def test_ranges_of_any_length_give_the_same_samples(encoding: str, range_seconds: float) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(mono, "BLOCK_SECONDS", range_seconds)
        assert is_equal(body_of(encoding))


@pytest.mark.parametrize("encoding", ENCODINGS)
@settings(SLOW_LAW, derandomize=True)
@given(seed=st.integers(0, 10**6), num_bytes=st.sampled_from([1, 10]), reach=st.sampled_from([100, 10**7]))
def test_of_overwritten_bytes_as_much_is_lost_as_sequentially(
    encoding: str, seed: int, num_bytes: int, reach: int
) -> None:
    random, body = Random(seed), bytearray(body_of(encoding, 2.2, 1))
    for _ in range(num_bytes):
        body[random.randrange(20, min(reach, len(body)))] = random.randrange(256)
    assert is_equal(body)


@pytest.mark.parametrize("encoding", ENCODINGS)
@SLOW_LAW
@given(place=st.floats(0.1, 1))
def test_cut_anywhere_the_beginning_is_that_of_a_sequential_decode(encoding: str, place: float) -> None:
    body = body_of(encoding, 2.2)
    assert is_equal(body[: round(place * len(body))])


def test_a_hole_costs_as_much_as_sequentially() -> None:
    body = body_of("wav")
    middle = len(body) // 2
    assert is_equal(body[:middle] + bytes(30_000) + body[middle + 30_000 :])
    assert is_equal(body[:middle] + body[middle + 30_000 :])


@pytest.mark.parametrize("size_bytes", [0, 1, 2_000, 200_001, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_wav_of_any_claimed_length_gives_the_samples_of_a_sequential_decode(size_bytes: int) -> None:
    body = bytearray(body_of("wav"))
    start = body.index(b"data") + 4
    body[start : start + 4] = struct.pack("<I", size_bytes)
    assert is_equal(body)


def test_a_wav_of_two_chunks_of_samples_is_read_to_its_end() -> None:
    body = body_of("wav", 1.0)
    samples = body[body.index(b"data") :]
    assert is_equal(body + samples)
    assert is_equal(body + b"LIST" + struct.pack("<I", 8) + bytes(8) + samples)


def is_plain(body: bytes | bytearray) -> bool:
    view = memoryview(bytearray(body))
    return wav.is_sound(view) and wav.is_plain(view, torch.frombuffer(view, dtype=torch.uint8))


def test_wav_files_of_whole_numbers_are_plain_and_others_are_not() -> None:
    assert {encoding for encoding in ENCODINGS if is_plain(body_of(encoding))} == {"wav", "wav24"}


@pytest.mark.parametrize("mark", wav._HIDDEN_CODECS)
def test_a_wav_that_may_hide_another_codec_is_left_to_ffmpeg(mark: bytes) -> None:
    body = bytearray(body_of("wav", 0.2))
    assert is_plain(body)
    body[2_000 : 2_000 + len(mark)] = mark
    assert not is_plain(body)


# Whole numbers at their places in a format of whole numbers: rate, bytes per second, bytes per frame, bits, and, in the
# extensible one of 24 bits, valid bits.
LIES = [("wav", 24, 10_052), ("wav", 28, 1_000), ("wav", 32, 3), ("wav", 34, 8), ("wav24", 38, 1)]


@pytest.mark.parametrize(("encoding", "place", "value"), LIES)
def test_a_format_that_contradicts_itself_is_left_to_packets(
    encoding: str, place: int, value: int, packet_runs: list[int]
) -> None:
    body = bytearray(body_of(encoding))
    body[place : place + 2] = struct.pack("<H", value)
    expected = samples_in_packets(body)
    packet_runs.clear()
    assert torch.equal(samples_in_ranges(body), expected)
    assert len(packet_runs) == 1


def test_decoders_are_used_again(monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[int] = []

    class Watched(AudioDecoder):  # type: ignore[misc]  # torchcodec is not annotated
        def __init__(self, source: torch.Tensor) -> None:
            opened.append(len(source))
            super().__init__(source)

    monkeypatch.setattr(time_ranges, "AudioDecoder", Watched)
    monkeypatch.setattr(mono, "BLOCK_SECONDS", 0.05)
    samples_in_ranges(body_of("wav32f"))
    assert len(opened) <= 4
