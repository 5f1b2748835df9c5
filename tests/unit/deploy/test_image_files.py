"""What of the tree the image has."""

from __future__ import annotations

import re

from deploy.archive import TREE


def copied() -> set[str]:
    """What the Dockerfile copies out of the tree, by its path there."""
    lines = re.findall(r"^COPY (.+) /opt/sense/", (TREE / "Dockerfile").read_text(), re.MULTILINE)
    return {path for line in lines for path in line.split()}


def test_it_has_the_packages_that_its_server_is_made_of() -> None:
    # tests/unit/test_packages.py: these two need no other.
    assert {path for path in copied() if (TREE / path / "__init__.py").exists()} == {"deploy", "handler"}


def test_what_is_copied_is_there_and_reaches_the_build() -> None:
    let_through = set(re.findall(r"^!(.+)$", (TREE / ".dockerignore").read_text(), re.MULTILINE))
    assert copied() == let_through
    assert all((TREE / path).exists() for path in copied())
