from __future__ import annotations

from pathlib import Path

import pytest

from deploy.torchserve.driver import driver_version, library_path, read_driver_version

CLOSED = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.183.01  Sun May 12 19:39:15 UTC 2024\nGCC version:  12\n"
OPEN = (
    "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.95.05  Release Build  (dvs-builder@U22)  Tue Sep 23\n"
    "GCC version:  gcc version 11.4.0\n"
)


@pytest.mark.parametrize(("text", "version"), [(CLOSED, 535), (OPEN, 580), ("", None), ("GCC version: 12.3.0\n", None)])
def test_driver_version(text: str, version: int | None) -> None:
    assert driver_version(text) == version


def test_a_host_without_a_driver(tmp_path: Path) -> None:
    assert read_driver_version(tmp_path / "version") is None


@pytest.mark.parametrize(("version", "wanted"), [(535, True), (579, True), (580, False), (590, False), (None, False)])
def test_only_an_older_driver_gets_the_compatibility_libraries(
    tmp_path: Path, version: int | None, wanted: bool
) -> None:
    assert library_path({}, version, [tmp_path / "none", tmp_path]) == (
        {"LD_LIBRARY_PATH": str(tmp_path)} if wanted else {}
    )


def test_they_come_before_what_is_there(tmp_path: Path) -> None:
    expected = {"LD_LIBRARY_PATH": f"{tmp_path}:/usr/local/nvidia/lib64"}
    assert library_path({"LD_LIBRARY_PATH": "/usr/local/nvidia/lib64"}, 535, [tmp_path]) == expected


def test_an_image_without_them_is_left_alone(tmp_path: Path) -> None:
    assert library_path({}, 535, [tmp_path / "compat"]) == {}
