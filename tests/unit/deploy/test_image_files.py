"""The image's parts: what the container starts finds everything of the tree that it imports."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from deploy.torchserve import TREE

PACKAGES = {file.parent.name for file in TREE.glob("*/__init__.py")}


def copied() -> set[str]:
    """What the Dockerfile copies out of the tree, by its path there."""
    lines = re.findall(r"^COPY (.+) /opt/sense/", (TREE / "Dockerfile").read_text(), re.MULTILINE)
    return {path for line in lines for path in line.split()}


def imported(file: Path) -> Iterator[str]:
    """The top-level packages that a module imports, anywhere in it."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module.partition(".")[0]


def test_the_image_has_every_package_that_its_own_import() -> None:
    packages = copied() & PACKAGES
    assert "deploy" in packages
    needed = {name for package in packages for file in (TREE / package).glob("*.py") for name in imported(file)}
    assert needed & PACKAGES == packages


def test_what_is_copied_is_there_and_reaches_the_build() -> None:
    let_through = set(re.findall(r"^!(.+)$", (TREE / ".dockerignore").read_text(), re.MULTILINE))
    assert copied() == let_through
    assert all((TREE / path).exists() for path in copied())
