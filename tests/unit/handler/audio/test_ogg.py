"""Pieces of pages against the judge: one packet after the other, from the first to the last."""

from __future__ import annotations

import struct
from functools import cache
from random import Random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from handler.audio import container, ogg
from handler.errors import BadRequestError
from tests.support import audio, playlists
from tests.support.packet_judge import agrees, samples_in_packets
from tests.support.properties import SLOW_LAW

VORBIS = ("-c:a", "libvorbis", "-q:a", "5")
OPUS = ("-c:a", "libopus", "-b:a", "64k")
SHORT_PAGES = ("-page_duration", "100000")
# What the encoder is told, sample rate, channels.
STREAMS = {
    "Vorbis": (VORBIS, 44_100, 2),
    "Vorbis, short pages": ((*VORBIS, *SHORT_PAGES), 48_000, 1),
    "Vorbis, 6 channels": (VORBIS, 22_050, 6),
    "Opus": (OPUS, 48_000, 2),
    "Opus, short pages": ((*OPUS, *SHORT_PAGES), 48_000, 1),
    "Opus, low rate": (("-c:a", "libopus", "-b:a", "12k", "-application", "voip"), 16_000, 1),
}
SECONDS = 6.3


@cache
def body_of(name: str, seconds: float = SECONDS) -> bytes:
    arguments, sample_rate, num_channels = STREAMS[name]
    samples = audio.lively(seconds, num_channels=num_channels, sample_rate=sample_rate, seed=len(name))
    samples[sample_rate:] += audio.tone(440, 0.2, seconds, sample_rate)[sample_rate : len(samples), None]
    return bytes(audio.encode_as(samples, sample_rate, (*arguments, "-f", "ogg")))


@pytest.fixture(autouse=True)
def short_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ogg, "BLOCK_SECONDS", 0.5)


def samples_in_pieces(body: bytes | bytearray) -> torch.Tensor:
    return torch.cat([torch.empty(0), *(mono.data for mono in ogg.decoded(memoryview(bytearray(body))))])


def is_equal(body: bytes | bytearray) -> bool:
    return agrees(body, samples_in_pieces)


@pytest.mark.parametrize("name", STREAMS)
@pytest.mark.parametrize("seconds", [0.1, 2.2, SECONDS])
def test_pieces_give_the_samples_of_a_sequential_decode(name: str, seconds: float, packet_runs: list[int]) -> None:
    body = body_of(name, seconds)
    in_short_pieces = samples_in_pieces(body)
    assert packet_runs == ([] if can_be_divided(name) or seconds < 1 else [len(body)])
    assert torch.equal(in_short_pieces, samples_in_packets(body))


def can_be_divided(name: str) -> bool:
    return name.startswith("Vorbis")


@pytest.mark.parametrize("name", [name for name in STREAMS if can_be_divided(name)])
def test_a_long_stream_is_divided(name: str) -> None:
    assert len(list(ogg.decoded(memoryview(bytearray(body_of(name)))))) >= 3


@pytest.mark.parametrize("name", STREAMS)
@SLOW_LAW
@given(piece_seconds=st.floats(0.05, 4))
def test_pieces_of_any_length_give_the_same_samples(name: str, piece_seconds: float) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(ogg, "BLOCK_SECONDS", piece_seconds)
        assert is_equal(body_of(name))


@pytest.mark.parametrize("name", STREAMS)
@SLOW_LAW
@given(place=st.floats(0.1, 1))
def test_cut_anywhere_the_beginning_is_that_of_a_sequential_decode(name: str, place: float) -> None:
    body = body_of(name)
    assert is_equal(body[: round(place * len(body))])


@pytest.mark.parametrize("name", STREAMS)
def test_streams_in_a_row_are_decoded_to_their_end(name: str) -> None:
    assert is_equal(body_of(name, 1.2) + body_of(name))
    assert is_equal(body_of(name) + body_of("Vorbis", 1.2))


@pytest.mark.parametrize("name", STREAMS)
def test_a_missing_page_costs_as_much_as_sequentially(name: str) -> None:
    body = body_of(name)
    starts = [index for index in range(len(body)) if body.startswith(b"OggS\0", index)]
    start, stop = starts[len(starts) // 2], starts[len(starts) // 2 + 1]
    assert is_equal(body[:start] + body[stop:])
    assert is_equal(body[:start] + bytes(stop - start) + body[stop:])


@pytest.mark.parametrize("granule", [0, 1, 2**40, -2])
def test_a_last_page_that_lies_about_the_end_is_treated_alike(granule: int) -> None:
    body = bytearray(body_of("Vorbis, short pages"))
    last = body.rindex(b"OggS\0")
    body[last + 6 : last + 14] = struct.pack("<q", granule)
    assert is_equal(body)


def test_another_codec_is_left_to_packets(packet_runs: list[int]) -> None:
    body = bytes(audio.encode_as(audio.lively(1.2), 44_100, ("-c:a", "flac", "-f", "ogg")))
    samples_in_pieces(body)
    assert packet_runs == [len(body)]


def test_a_playlist_inside_a_later_piece_never_reaches_ffmpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    body = bytearray(body_of("Vorbis"))
    middle = len(body) // 2
    body[middle : middle + len(playlists.DASH)] = playlists.DASH
    monkeypatch.setattr(container, "PROBED_BYTES", 50_000)  # the head is found clean
    with pytest.raises(BadRequestError, match="holds a playlist"):
        samples_in_pieces(body)


@pytest.mark.parametrize("name", STREAMS)
@settings(SLOW_LAW, derandomize=True)
@given(seed=st.integers(0, 10**6), num_bytes=st.sampled_from([1, 5]))
def test_of_overwritten_bytes_as_much_is_lost_as_sequentially(name: str, seed: int, num_bytes: int) -> None:
    random, body = Random(seed), bytearray(body_of(name))
    for _ in range(num_bytes):
        body[random.randrange(len(body))] = random.randrange(256)
    assert is_equal(body)
