from __future__ import annotations

import os
import zlib
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from handler.audio.stream import AudioStream
from handler.errors import BodyTooLargeError
from handler.media import EncodedAudio
from handler.memory import forget_pages
from handler.settings import Settings
from handler.wire.request import TagRequest, read_request
from handler.wire.spool import SpoolError, is_removed, map_spooled_body
from tests.support import audio


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "spool"
    folder.mkdir()
    (folder / "0000000001").write_bytes(b"sound")
    (tmp_path / "secret").write_bytes(b"secret")
    return folder


def mapped(folder: Path, path: str) -> memoryview:
    return map_spooled_body({"x-sense-body-file": path}, folder)


def test_a_spooled_file_is_the_body(folder: Path) -> None:
    assert bytes(mapped(folder, f"{folder}/0000000001")) == b"sound"


def test_the_file_may_be_removed_once_it_is_mapped(folder: Path) -> None:
    body = mapped(folder, f"{folder}/0000000001")
    (folder / "0000000001").unlink()
    assert bytes(body) == b"sound"


def test_the_file_itself_is_never_written(folder: Path) -> None:
    mapped(folder, f"{folder}/0000000001")[0] = 0
    assert (folder / "0000000001").read_bytes() == b"sound"


@pytest.mark.parametrize("headers", [{}, {"x-sense-body-file": ""}])
def test_no_file_is_an_empty_body(folder: Path, headers: dict[str, str]) -> None:
    assert len(map_spooled_body(headers, folder)) == 0


def test_an_empty_file_is_an_empty_body(folder: Path) -> None:
    (folder / "empty").touch()
    assert len(mapped(folder, f"{folder}/empty")) == 0


@pytest.mark.parametrize(
    "path",
    ["{}/../secret", "{}/../spool/0000000001", "0000000001", "/etc/passwd", "{}", "{}/", "{}/..", "{}/a/b", "/", ".."],
)
def test_a_file_elsewhere_is_refused(folder: Path, path: str) -> None:
    with pytest.raises(SpoolError, match="is not in|is not a regular file|cannot be opened"):
        mapped(folder, path.format(folder))


def test_a_link_is_refused(folder: Path) -> None:
    (folder / "link").symlink_to(folder.parent / "secret")
    with pytest.raises(SpoolError, match="cannot be opened"):
        mapped(folder, f"{folder}/link")


def test_a_missing_file_is_our_own_fault(folder: Path) -> None:
    with pytest.raises(SpoolError, match="missing cannot be opened: No such file"):
        mapped(folder, f"{folder}/missing")


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_what_is_no_regular_file_is_refused_at_once(folder: Path, make: Callable[[Path], None]) -> None:
    make(folder / "odd")
    with pytest.raises(SpoolError, match="is not a regular file"):
        mapped(folder, f"{folder}/odd")


def test_no_file_stays_open(folder: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    mapped(folder, f"{folder}/0000000001").release()
    with pytest.raises(SpoolError):
        mapped(folder, str(folder / ".." / "spool"))
    assert len(os.listdir("/proc/self/fd")) == before


# --- as part of a request ---


def test_the_header_counts_only_where_a_folder_is_set(folder: Path) -> None:
    headers = {"Content-Type": "audio/mp3", "X-Sense-Body-File": f"{folder}/0000000001"}
    request = read_request({"body": b"sent"}, headers, Settings())
    assert isinstance(request, TagRequest)
    assert bytes(request.body) == b"sent"


def test_where_a_folder_is_set_only_the_header_counts(folder: Path) -> None:
    headers = {"Content-Type": "audio/mp3", "X-Sense-Body-File": f"{folder}/0000000001"}
    request = read_request({"body": b"sent"}, headers, Settings(spool_folder=folder))
    assert isinstance(request, TagRequest)
    assert bytes(request.body) == b"sound"


def test_a_request_without_a_spooled_body_is_empty(folder: Path) -> None:
    request = read_request({"body": b"sent"}, {"Content-Type": "audio/mp3"}, Settings(spool_folder=folder))
    assert isinstance(request, TagRequest)
    assert len(request.body) == 0


def test_the_limit_holds_for_spooled_bodies(folder: Path) -> None:
    headers = {"Content-Type": "audio/mp3", "X-Sense-Body-File": f"{folder}/0000000001"}
    with pytest.raises(BodyTooLargeError, match="5 bytes"):
        read_request({}, headers, Settings(spool_folder=folder, max_body_bytes=4))


def test_a_spooled_body_is_decoded(folder: Path) -> None:
    (folder / "sound").write_bytes(audio.clip("mp3"))
    body = mapped(folder, f"{folder}/sound")
    blocks = list(AudioStream(body, EncodedAudio(), sample_rate=16_000, max_seconds=9))
    assert sum(map(len, blocks)) == 20_800


def test_pages_that_were_read_are_forgotten_and_come_back(folder: Path) -> None:
    size_bytes = 64 << 20
    (folder / "large").write_bytes(os.urandom(size_bytes))
    body = mapped(folder, f"{folder}/large")
    resident, process = [], psutil.Process()
    resident.append(process.memory_info().rss)
    checksum = zlib.crc32(body)
    resident.append(process.memory_info().rss)
    forget_pages(body[1000:])
    resident.append(process.memory_info().rss)
    assert resident[1] - resident[0] > 0.9 * size_bytes
    assert resident[2] - resident[0] < 0.1 * size_bytes
    assert zlib.crc32(body) == checksum


def test_a_body_that_is_no_file_is_left_alone() -> None:
    body = memoryview(bytearray(b"sound"))
    forget_pages(body)
    assert bytes(body) == b"sound"


def test_a_removed_file_is_noticed_in_any_part_of_its_body(tmp_path: Path) -> None:
    file = tmp_path / "body"
    file.write_bytes(b"sound")
    part = map_spooled_body({"x-sense-body-file": str(file)}, tmp_path)[1:3]
    assert not is_removed(part)
    file.unlink()
    assert is_removed(part)
    assert bytes(part) == b"ou"


def test_a_body_without_a_file_is_not_removed() -> None:
    assert not is_removed(memoryview(b"sound"))
