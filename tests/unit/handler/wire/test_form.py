from __future__ import annotations

import mmap
from pathlib import Path

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st

from handler.errors import BadRequestError
from handler.wire.form import is_form, read_form
from tests.support.attempt import attempt
from tests.support.properties import LAW

TYPE = "multipart/form-data; boundary=x"


def written(*parts: tuple[str, str | None, bytes, str | None]) -> tuple[bytes, str]:
    """A form as the requests library writes it: (name, file name, content, type) of each part."""
    files = [(name, (file_name, content, kind)) for name, file_name, content, kind in parts]
    prepared = requests.Request("POST", "http://x", files=files).prepare()
    assert isinstance(prepared.body, bytes)
    return prepared.body, prepared.headers["Content-Type"]


@LAW
@given(
    st.lists(
        st.binary(max_size=200) | st.sampled_from([b"\r\n", b"\r\n--", b"--", b"\r\n\r\n"]), min_size=1, max_size=5
    )
)
def test_what_a_library_writes_is_read(contents: list[bytes]) -> None:
    body, content_type = written(*((f"part{index}", None, content, None) for index, content in enumerate(contents)))
    parts = read_form(memoryview(body), content_type)
    assert [bytes(part.content) for part in parts.values()] == contents


def test_a_part_has_its_own_headers() -> None:
    body, content_type = written(("data", "straße.mp3", b"sound", "audio/mpeg"))
    part = read_form(memoryview(body), content_type)["data"]
    assert part.headers["content-type"] == "audio/mpeg"
    assert "straße.mp3" in part.headers["content-disposition"] or "stra%C3%9Fe" in part.headers["content-disposition"]


def test_a_mapped_file_is_not_copied(tmp_path: Path) -> None:
    body, content_type = written(("data", "a", b"sound" * 1_000, None))
    (tmp_path / "body").write_bytes(body)
    with (tmp_path / "body").open("rb") as file:
        mapped = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))
    part = read_form(mapped, content_type)["data"]
    assert part.content.obj is mapped.obj
    assert bytes(part.content) == b"sound" * 1_000


@pytest.mark.parametrize(
    ("content_type", "expected"),
    [(TYPE, True), ("Multipart/Form-Data", True), ("multipart/mixed", False), ("audio/mp3", False), (None, False)],
)
def test_a_form_is_known_by_its_type(content_type: str | None, expected: bool) -> None:
    assert is_form(content_type) == expected


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "does not begin with the boundary"),
        (b"--y\r\n\r\nsound\r\n--y--", "does not begin with the boundary"),
        (b"--x", "is cut short"),
        (b"--x\r\nContent-Type: audio/mp3\r\n", "is cut short"),
        (b"--x\r\n\r\nsound", "is cut short"),
        (b"--x\r\n\r\nsound\r\n--x", "is cut short"),
        (b"--x\r\n" + b"a" * 9_000 + b"\r\n\r\nsound\r\n--x--", "is cut short"),
        (b"--x\r\n\r\na\r\n" * 2 + b"--x--", "two parts with the name ''"),
        (
            b"".join(b"--x\r\nContent-Disposition: form-data; name=%d\r\n\r\na\r\n" % index for index in range(40))
            + b"--x--",
            "more than 32 parts",
        ),
    ],
)
def test_a_broken_form_is_refused(body: bytes, message: str) -> None:
    with pytest.raises(BadRequestError, match=message):
        read_form(memoryview(body), TYPE)


def test_a_form_without_boundary_is_refused() -> None:
    with pytest.raises(BadRequestError, match="needs the parameter 'boundary'"):
        read_form(memoryview(b"--x--"), "multipart/form-data")


@LAW
@given(
    st.lists(st.sampled_from([b"--x", b"\r\n", b"--", b"\r\n\r\n", b"a:b", b"\xff", b"Content-Disposition: ;name="]))
)
def test_junk_is_at_most_a_bad_request(pieces: list[bytes]) -> None:
    outcome = attempt(lambda: read_form(memoryview(b"--x" + b"".join(pieces)), TYPE))
    assert isinstance(outcome, dict | BadRequestError)
