"""Pieces against the judge: one packet after the other, from the first to the last."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator
from functools import cache
from math import ceil
from random import Random

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchcodec.decoders import AudioDecoder

from handler.audio import mono, mp3
from handler.audio.headers import container
from handler.audio.headers.mpeg_frames import parse_header
from handler.audio.mono import Mono
from handler.audio.mp3 import Mp3
from handler.errors import BadRequestError
from tests.support import audio, packet_judge, playlists
from tests.support.properties import SLOW_LAW

pytestmark = pytest.mark.slow

# Bit rate of the encoder, what else it is told, sample rate, channels.
STREAMS = {
    "constant rate": ("-b:a 128k", 44_100, 2),
    "variable rate": ("-q:a 4", 44_100, 2),
    "low variable rate": ("-q:a 9", 48_000, 1),
    "without a tag": ("-b:a 128k -write_xing 0 -id3v2_version 0", 44_100, 1),
    "wide frames": ("-b:a 320k", 48_000, 2),
    "small frames": ("-b:a 32k", 44_100, 1),
    "MPEG-2": ("-b:a 64k", 22_050, 2),
    "MPEG-2, smallest frames": ("-b:a 8k", 24_000, 1),
    "MPEG-2.5": ("-q:a 5", 8_000, 1),
    "no joint stereo": ("-b:a 64k -joint_stereo 0 -reservoir 0", 32_000, 2),
}
PIECE_SECONDS = 1
STEP_SECONDS = 0.2
SECONDS = 5.3


@cache
def body_of(name: str, seconds: float = SECONDS) -> bytes:
    arguments, sample_rate, num_channels = STREAMS[name]
    samples = audio.lively(seconds, num_channels=num_channels, sample_rate=sample_rate, seed=len(name))
    return bytes(audio.encode_as(samples, sample_rate, ("-c:a", "libmp3lame", *arguments.split(), "-f", "mp3")))


@pytest.fixture(autouse=True)
def short_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mono, "BLOCK_SECONDS", PIECE_SECONDS)
    monkeypatch.setattr(mp3, "_STEP_SECONDS", STEP_SECONDS)


def in_pieces(body: bytes | bytearray) -> Iterator[Mono]:
    view = memoryview(bytearray(body))
    start_bytes = container.identify(view).start_bytes
    first = parse_header(bytes(view[start_bytes : start_bytes + 4]))
    assert first is not None
    return Mp3(view, start_bytes, first).decoded()


def samples_in_pieces(body: bytes | bytearray) -> torch.Tensor:
    return torch.cat([torch.empty(0), *(part.data for part in in_pieces(body))])


def samples_in_packets(body: bytes | bytearray) -> torch.Tensor:
    return packet_judge.samples_in_packets(body, container.identify(memoryview(body)).start_bytes)


def is_equal(body: bytes | bytearray) -> bool:
    return packet_judge.agrees(body, samples_in_pieces, samples_in_packets)


# --- sound streams ---


@pytest.mark.parametrize("name", STREAMS)
def test_pieces_give_the_samples_of_a_sequential_decode(
    name: str, packet_runs: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    body = body_of(name)
    if "smallest" in name:  # a second of them does not fill the bit reservoir
        monkeypatch.setattr(mono, "BLOCK_SECONDS", 2)
    in_short_pieces = samples_in_pieces(body)
    assert packet_runs == []
    assert torch.equal(in_short_pieces, samples_in_packets(body))


@pytest.mark.parametrize("name", STREAMS)
@SLOW_LAW
@given(piece_seconds=st.floats(0.05, 4))
def test_pieces_of_any_length_give_the_same_samples(name: str, piece_seconds: float) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(mono, "BLOCK_SECONDS", piece_seconds)
        assert is_equal(body_of(name))


@pytest.mark.parametrize("seconds", [0.01, 0.05, 0.5, 0.99, 1.0, 1.49, 1.51, 2.0, 2.5])
def test_any_length_gives_the_same_samples(seconds: float) -> None:
    assert is_equal(body_of("constant rate", seconds))


def test_a_long_stream_is_divided_and_a_short_one_is_not() -> None:
    assert len(list(in_pieces(body_of("constant rate")))) == round(SECONDS * 44_100 / mono.block_frames(44_100, 2))
    assert len(list(in_pieces(body_of("constant rate", 1.2)))) == 1


def test_pieces_grow_with_what_is_before_them() -> None:
    body = body_of("constant rate", 20.0)
    seconds = [round(len(part.data) / 44_100) for part in in_pieces(body)]
    assert seconds[:4] == [1, 1, 1, 1]
    assert seconds[-2] == mp3._PIECE_BLOCKS
    assert is_equal(body)


@SLOW_LAW
@given(step_seconds=st.floats(0, 2))
def test_steps_of_any_length_give_the_same_samples(step_seconds: float) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(mp3, "_STEP_SECONDS", step_seconds)
        for name in ("constant rate", "low variable rate", "MPEG-2.5"):
            assert is_equal(body_of(name))


def test_a_short_stream_needs_no_other_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[int] = []

    class Watched(AudioDecoder):  # type: ignore[misc]  # torchcodec is not annotated
        def __init__(self, source: torch.Tensor) -> None:
            threads.append(threading.get_ident())
            super().__init__(source)

    monkeypatch.setattr(mp3, "AudioDecoder", Watched)
    samples_in_pieces(body_of("constant rate", 1.2))
    assert threads == [threading.get_ident()]
    samples_in_pieces(body_of("constant rate"))
    assert threading.get_ident() not in threads[1:]


# --- what stands around the stream ---

TAILS = {
    "ID3v1": b"TAG" + bytes(125),
    "APE": b"APETAGEX" + bytes(200),
    "zeros": bytes(3_000),
    "noise": Random(5).randbytes(700),
    "part of a frame": b"\xff\xfb\x90\x64" + bytes(100),
    "another stream": body_of("constant rate", 1.2),
    "a stream of another rate": body_of("MPEG-2", 2.2),
}


@pytest.mark.parametrize("name", ["constant rate", "without a tag", "MPEG-2.5"])
@pytest.mark.parametrize("tail", TAILS.values(), ids=TAILS)
@pytest.mark.parametrize("seconds", [0.3, 1.2, SECONDS])
def test_what_follows_is_treated_alike(name: str, tail: bytes, seconds: float) -> None:
    assert is_equal(body_of(name, seconds) + tail)


def with_tag(num_frames: int, claimed_bytes: int, delays: int) -> bytes:
    """A stream whose tag claims this."""
    body = bytearray(body_of("constant rate"))
    tag = body.index(b"Info")
    body[tag + 8 : tag + 16] = num_frames.to_bytes(4, "big") + claimed_bytes.to_bytes(4, "big")
    body[tag + 141 : tag + 144] = delays.to_bytes(3, "big")
    return bytes(body)


@SLOW_LAW
@given(
    num_frames=st.integers(0, 250) | st.integers(0, 2**32 - 1),
    claimed_share=st.floats(0.85, 1.2) | st.sampled_from([0.0, 0.5, 15 / 16, 16 / 17, 50.0]),
    delays=st.sampled_from([0, 0x240_000, 0x240_211, 0x240_212, 0x240_FFF, 0xFFF_FFF]) | st.integers(0, 2**24 - 1),
)
def test_whatever_a_tag_claims_is_treated_alike(num_frames: int, claimed_share: float, delays: int) -> None:
    claimed_bytes = ceil(claimed_share * len(body_of("constant rate")))
    assert is_equal(with_tag(num_frames, claimed_bytes, delays))


@pytest.mark.parametrize("flags", range(16))
def test_whatever_fields_a_tag_has_is_treated_alike(flags: int) -> None:
    body = bytearray(body_of("constant rate"))
    body[body.index(b"Info") + 7] = flags
    assert is_equal(body)


def test_a_tag_in_the_middle_is_a_frame_like_others() -> None:
    body = body_of("constant rate", 2.0)
    assert is_equal(body * 4)
    assert is_equal(body_of("without a tag", 2.0) * 4)


def test_vbri_tags_are_no_sound() -> None:
    body = bytearray(body_of("without a tag"))
    body[36 : 36 + 18] = b"VBRI\0\1\0\0\0\0" + len(body).to_bytes(4, "big") + (200).to_bytes(4, "big")
    assert is_equal(body)


# --- damage ---

# The same bodies each time: of some 2,000 random ones, most of them damaged far worse than in life, in one a frame that
# lacked its bits went on with what a frame long before had left in the decoder.
DAMAGE_LAW = settings(SLOW_LAW, derandomize=True)


@pytest.mark.parametrize("name", STREAMS)
@DAMAGE_LAW
@given(seed=st.integers(0, 10**6), num_bytes=st.sampled_from([1, 5, 100]))
def test_of_overwritten_bytes_as_much_is_lost_as_sequentially(name: str, seed: int, num_bytes: int) -> None:
    random, body = Random(seed), bytearray(body_of(name))
    for _ in range(num_bytes):
        body[random.randrange(500, len(body))] = random.randrange(256)
    assert is_equal(body)


@pytest.mark.parametrize("name", STREAMS)
@DAMAGE_LAW
@given(
    place=st.floats(0, 1),
    size_bytes=st.sampled_from([1, 20, 500, 5_000]),
    kind=st.sampled_from("hole gap junk".split()),
)
def test_around_a_break_as_much_is_lost_as_sequentially(name: str, place: float, size_bytes: int, kind: str) -> None:
    body = bytearray(body_of(name))
    start = 500 + round(place * (len(body) - 500))
    if kind == "junk":
        body[start:start] = Random(start).randbytes(size_bytes)
    else:
        body[start : start + size_bytes] = bytes(size_bytes if kind == "hole" and start + size_bytes < len(body) else 0)
    assert is_equal(body)


@pytest.mark.parametrize("name", STREAMS)
@DAMAGE_LAW
@given(place=st.floats(0.05, 1))
def test_cut_anywhere_the_beginning_and_the_end_are_those_of_a_sequential_decode(name: str, place: float) -> None:
    body = body_of(name)
    cut = round(place * len(body))
    assert is_equal(body[:cut])
    assert is_equal(body[len(body) - cut :])


# --- hostile bodies ---


def test_a_playlist_inside_a_piece_is_damage_like_any_other() -> None:
    body = bytearray(body_of("constant rate", SECONDS))
    middle = len(body) // 2
    body[middle : middle + len(playlists.DASH)] = playlists.DASH
    assert is_equal(body)


def test_a_piece_without_a_zero_byte_is_searched_for_playlists(monkeypatch: pytest.MonkeyPatch) -> None:
    body = bytearray(body_of("constant rate", SECONDS).replace(b"\0", b"\1"))
    middle = len(body) // 2
    body[middle : middle + len(playlists.DASH)] = playlists.DASH
    monkeypatch.setattr(container, "PROBED_BYTES", 20_000)  # the head is found clean
    with pytest.raises(BadRequestError, match="holds a playlist"):
        samples_in_pieces(body)


def test_an_endless_chain_of_the_smallest_frames_is_decoded_in_bounded_pieces() -> None:
    frame = b"\xff\xf3\x14\xc4" + bytes(20)  # 8 kb/s at 24 kHz: 24 bytes of header and silence
    lengths = [len(part.data) for part in in_pieces(frame * 20_000)]
    assert sum(lengths) == 20_000 * 576
    assert max(lengths) <= 1.6 * mp3._PIECE_BLOCKS * PIECE_SECONDS * 24_000


def test_one_header_without_end_is_no_chain() -> None:
    body = b"\xff\xfb\x90\x64" * 30_000
    assert is_equal(body)


def test_a_consumer_that_goes_away_stops_the_decoding() -> None:
    decoded: list[int] = []

    class Watched(AudioDecoder):  # type: ignore[misc]  # torchcodec is not annotated
        def __init__(self, source: torch.Tensor) -> None:
            decoded.append(len(source))
            super().__init__(source)

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(mp3, "AudioDecoder", Watched)
        samples = in_pieces(body_of("constant rate", 20.0))
        next(samples)
        samples.close()  # type: ignore[attr-defined]
        num_decoded = len(decoded)
        assert num_decoded < 12
        samples_in_pieces(body_of("constant rate", 1.0))
        assert len(decoded) == num_decoded + 1


class Body(bytearray):
    """A bytearray that can be watched."""


def test_a_body_is_let_go_with_its_iterator() -> None:
    gc.collect()
    gc.disable()
    try:
        body = Body(body_of("without a tag"))
        watched = weakref.ref(body)
        first = parse_header(bytes(body[:4]))
        assert first is not None
        samples = Mp3(memoryview(body), 0, first).decoded()
        next(samples)
        del body, samples
        assert watched() is None
    finally:
        gc.enable()
