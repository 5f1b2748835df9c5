"""What the image's build on a bare machine asks for and takes along."""

from __future__ import annotations

import re

import pytest

from deploy.archive import TREE
from tests.container import image

LISTED = """\
:env:.cert='/etc/ssl/certs/ours.crt'
:env:.find-links='/opt/wheels'
global.constraint='/etc/xdg/pip/constraints.txt'
global.extra-index-url='file:///opt/pypi/simple https://packages.example/simple'
global.index-url='https://pypi.example/simple'
install.requirement='/home/me/always.txt'
"""


def test_pip_takes_what_reaches_the_index_and_no_other_file() -> None:
    configuration, certificates = image.index_configuration(LISTED)
    assert certificates == "/etc/ssl/certs/ours.crt"
    assert set(configuration.splitlines()) == {
        "[global]",
        "index-url = https://pypi.example/simple",
        "extra-index-url = https://packages.example/simple",
        f"cert = {image.CA_IN_BUILD}",
    }


def test_a_machine_without_a_configuration_has_nothing_to_take() -> None:
    assert image.index_configuration("") == ("[global]\n", None)


@pytest.mark.parametrize(
    ("programs", "user", "said"),
    [
        (set(), 1000, r"buildah and debootstrap missing; install with: sudo apt-get install buildah debootstrap$"),
        ({"buildah"}, 0, r"^debootstrap missing; install with"),
        ({"buildah", "debootstrap"}, 1000, r"need root here: sudo make image-test"),
    ],
)
def test_what_is_lacking_is_said_in_one_line(
    monkeypatch: pytest.MonkeyPatch, programs: set[str], user: int, said: str
) -> None:
    monkeypatch.setattr("shutil.which", lambda program: program if program in programs else None)
    monkeypatch.setattr("os.geteuid", lambda: user)
    lack = image.lacking()
    assert lack is not None
    assert re.search(said, lack)
    assert "\n" not in lack


def test_with_both_and_root_nothing_is_lacking(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda program: program)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert image.lacking() is None


def test_the_image_carries_the_version_that_make_hands_over() -> None:
    assert 'LABEL org.opencontainers.image.version="${VERSION}"' in (TREE / "Dockerfile").read_text()
    assert "--build-arg VERSION=$(VERSION)" in (TREE / "Makefile").read_text()
