from __future__ import annotations

import struct

import pytest

from handler.audio.headers import mp4
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


def with_large_size(body: bytes, box: bytes) -> bytes:
    """The same with 64 bits for the size of a box at the top, as files above 4 GB have it."""
    start = body.index(box) - 4
    (size,) = struct.unpack(">I", body[start : start + 4])
    return body[:start] + struct.pack(">I4sQ", 1, box, size + 8) + body[start + 8 :]


def test_boxes_with_large_sizes_are_read() -> None:
    assert found(with_large_size(M4A, b"moov")) == "MP4"
    with pytest.raises(BadRequestError, match="claims at least"):
        found(with_count(with_large_size(M4A, b"moov"), b"stsz", 8, 10_000_000))


# FFmpeg looks for tables in these, too, and in the last one behind its handler.
@pytest.mark.parametrize("parent", [b"dinf", b"edts", b"mvex", b"udta", b"wave", b"ilst", b"tref", b"meta", b"abcd"])
def test_a_count_may_stand_anywhere(parent: bytes) -> None:
    lie = with_count(M4A, b"stsz", 8, 10_000_000)
    start = lie.index(b"stbl") + 4
    handler = bytes.fromhex("00000010") + b"hdlr" + bytes(8) if parent == b"meta" else b""
    (size,) = struct.unpack(">I", lie[start - 8 : start - 4])
    moved = lie[: start - 8] + struct.pack(">I4s", size + len(handler), parent) + handler + lie[start:]
    with pytest.raises(BadRequestError, match="claims at least"):
        found(moved)


@pytest.mark.parametrize("name", [b"free", b"abcd"])
def test_a_file_of_boxes_without_end_is_refused(monkeypatch: pytest.MonkeyPatch, name: bytes) -> None:
    monkeypatch.setattr(mp4, "_MAX_BOXES", 1_000)
    with pytest.raises(BadRequestError, match="more than 1000 boxes"):
        found(M4A[:28] + (b"\0\0\0\x08" + name) * 1_000 + M4A[28:])


@pytest.mark.parametrize(("name", "other"), [(b"udta", b"cmov"), (b"esds", b"stsz")])
def test_tables_that_cannot_be_read_are_refused(name: bytes, other: bytes) -> None:
    with pytest.raises(BadRequestError, match="where they can hide"):
        found(M4A.replace(name, other))


def test_a_box_that_is_too_small_is_the_last_one() -> None:
    assert found(M4A + b"\0\0\0\x07free" + with_count(M4A, b"stsz", 8, 10_000_000)) == "MP4"


def test_a_second_table_of_times_ends_the_exception_for_chunks() -> None:
    one_tick = struct.pack(">I4s4I", 24, b"stts", 0, 1, 10_000_000, 1)
    lie = with_count(with_count(M4A, b"stsz", 8, 10_000_000), b"stsz", 4, 1)
    start = lie.index(b"stsz") - 4
    with pytest.raises(BadRequestError, match="claims at least"):
        found(lie[:start] + one_tick + lie[start:])


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
