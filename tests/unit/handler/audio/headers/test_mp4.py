from __future__ import annotations

import struct

import pytest

from handler.audio.headers.container import identify
from handler.errors import BadRequestError
from tests.support import audio

M4A = audio.clip("m4a")
FRAGMENTS = bytes(
    audio.encode_as(audio.lively(3.0), 44_100, ("-c:a", "aac", "-movflags", "frag_keyframe+empty_moov", "-f", "mp4"))
)


def with_count(body: bytes, box: bytes, offset: int, count: int) -> bytes:
    changed = bytearray(body)
    place = body.index(box) + 4 + offset
    changed[place : place + 4] = struct.pack(">I", count)
    return bytes(changed)


def found(body: bytes) -> str:
    return identify(memoryview(body)).name


@pytest.mark.parametrize("body", [M4A, FRAGMENTS, audio.rare_clip("mp4_mov")], ids=["m4a", "fragments", "mov"])
def test_honest_files_are_let_through(body: bytes) -> None:
    assert found(body) == "MP4"


@pytest.mark.parametrize(("box", "offset"), [(b"stsz", 8), (b"stts", 4), (b"stsc", 4), (b"stco", 4)])
@pytest.mark.parametrize("count", [10_000_000, 0xFFFFFFFF])
def test_a_count_that_the_body_rules_out_is_refused(box: bytes, offset: int, count: int) -> None:
    with pytest.raises(BadRequestError, match="claims at least"):
        found(with_count(M4A, box, offset, count))


def test_a_run_of_a_fragment_that_claims_too_much_is_refused() -> None:
    with pytest.raises(BadRequestError, match="claims at least"):
        found(with_count(FRAGMENTS, b"trun", 4, 50_000_000))


def test_a_fragment_without_its_beginning_is_named() -> None:
    with pytest.raises(BadRequestError, match="fragment of an MP4 stream without its beginning"):
        found(FRAGMENTS[FRAGMENTS.index(b"moof") - 4 :])


def test_words_that_look_like_a_box_are_no_movie() -> None:
    with pytest.raises(BadRequestError, match="is no audio"):
        found(b"carefree days were here" * 10)


def test_boxes_in_boxes_without_end_are_given_up() -> None:
    nested = b""
    for _ in range(5_000):
        nested = struct.pack(">I", len(nested) + 8) + b"moov" + nested
    assert found(M4A[:32] + nested) == "MP4"
