"""How the packages lean on each other: never in a circle, and the handler, which travels alone, on none."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

from tests.conftest import TREE

PACKAGES = sorted(file.parent.name for file in TREE.glob("*/__init__.py"))


def imported(file: Path) -> Iterator[str]:
    """The names of all that a module imports, at its top or inside a function."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def module_of(name: str) -> str | None:
    """The module of this tree that an imported name is, or is of."""
    parts = name.split(".")
    while parts[0] in PACKAGES:
        path = TREE.joinpath(*parts)
        if path.with_suffix(".py").exists() or (path / "__init__.py").exists():
            return ".".join(parts)
        parts.pop()
    return None


def modules() -> dict[str, set[str]]:
    """Each module of the tree -> those that it imports."""
    graph: dict[str, set[str]] = {}
    for package in PACKAGES:
        for file in (TREE / package).rglob("*.py"):
            name = ".".join(file.relative_to(TREE).with_suffix("").parts).removesuffix(".__init__")
            graph[name] = {module for each in imported(file) if (module := module_of(each)) is not None} - {name}
    return graph


def test_no_module_imports_itself_in_a_roundabout_way() -> None:
    graph = modules()
    assert "handler.tagger" in graph["handler.sense_handler"]
    assert list(TopologicalSorter(graph).static_order())  # raises CycleError and names the circle


def test_no_two_packages_lean_on_each_other() -> None:
    graph: dict[str, set[str]] = {package: set() for package in PACKAGES}
    for module, needed in modules().items():
        package = module.partition(".")[0]
        graph[package] |= {each.partition(".")[0] for each in needed} - {package}
    assert list(TopologicalSorter(graph).static_order())
    assert graph["handler"] == set()
    assert graph["deploy"] == {"handler"}
