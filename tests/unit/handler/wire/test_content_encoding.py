from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handler.errors import BadRequestError, BodyTooLargeError
from handler.wire.content_encoding import undone
from tests.support.properties import LAW

SOUND = bytes(range(256)) * 2_000


def unfolded(body: bytes, encoding: str | None, max_bytes: int = 1 << 30) -> bytes:
    return bytes(undone(memoryview(body), encoding, max_bytes=max_bytes))


@LAW
@given(content=st.binary(min_size=1, max_size=5_000), encoding=st.sampled_from(["gzip", "GZIP ", "x-gzip"]))
def test_gzip_is_undone(content: bytes, encoding: str) -> None:
    assert unfolded(gzip.compress(content), encoding) == content


def test_deflate_is_undone() -> None:
    assert unfolded(zlib.compress(SOUND), "deflate") == SOUND


def test_several_members_are_one_body() -> None:
    assert unfolded(gzip.compress(SOUND) + gzip.compress(SOUND[:300]), "gzip") == SOUND + SOUND[:300]


@pytest.mark.parametrize("size_bytes", range((1 << 16) - 3, (1 << 16) + 3))
def test_members_may_begin_anywhere(size_bytes: int) -> None:
    name = b"n" * (size_bytes - len(gzip.compress(SOUND, mtime=0)) - 1)
    first = bytearray(gzip.compress(SOUND, mtime=0))
    first[3] = 8  # RFC 1952: a file name that ends with a zero byte follows the header's ten bytes
    first[10:10] = name + b"\0"
    assert len(first) == size_bytes
    assert unfolded(bytes(first) + gzip.compress(SOUND[:300]), "gzip") == SOUND + SOUND[:300]


def test_what_follows_the_last_member_is_left_out() -> None:
    assert unfolded(gzip.compress(SOUND) + bytes(1_000), "gzip") == SOUND


@pytest.mark.parametrize("encoding", [None, "", "identity", "br", "utf-8"])
def test_other_encodings_change_nothing(encoding: str | None) -> None:
    body = gzip.compress(SOUND)
    assert unfolded(body, encoding) == body


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
def test_bytes_that_are_not_compressed_are_taken_as_they_are(encoding: str) -> None:
    assert unfolded(b"RIFF" + SOUND, encoding) == b"RIFF" + SOUND


def test_more_than_the_limit_is_refused_before_it_unfolds() -> None:
    with pytest.raises(BodyTooLargeError, match="unfolds into more than the 1000000 bytes"):
        unfolded(gzip.compress(bytes(500_000_000 // 10)), "gzip", max_bytes=1_000_000)


def test_members_without_end_are_refused() -> None:
    with pytest.raises(BadRequestError, match="more than 50000 members"):
        unfolded(gzip.compress(b"") * 50_001, "gzip")


@pytest.mark.parametrize("body", [gzip.compress(SOUND)[:-9], gzip.compress(SOUND)[:20] + bytes(500)])
def test_damaged_data_are_refused(body: bytes) -> None:
    with pytest.raises(BadRequestError, match="cannot be unpacked"):
        unfolded(body, "gzip")


def test_nothing_is_left_in_the_folder(tmp_path: Path) -> None:
    body = undone(memoryview(gzip.compress(SOUND)), "gzip", max_bytes=1 << 30, folder=tmp_path)
    assert bytes(body) == SOUND
    assert list(tmp_path.iterdir()) == []
