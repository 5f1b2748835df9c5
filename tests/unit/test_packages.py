"""How the house is divided: which modules stand where, how many, and which way they lean on each other."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

from tests.conftest import TREE

PACKAGES = sorted(file.parent.name for file in TREE.glob("*/__init__.py"))
# The modules at the top of handler/: the story, and what several rooms need.
STORY = {"sense_handler", "tagger", "windows", "sensitivity", "settings", "metrics"}
SHARED = {"arrays", "cores", "errors", "media", "memory", "text"}
ROOMS = {"wire", "audio", "model"}
MAX_MODULES = 12
# The modules that know TorchServe, whose package is `ts`.
KNOWING_TORCHSERVE = {"handler.sense_handler", "handler.metrics"}


def module_name(file: Path) -> str:
    return ".".join(file.relative_to(TREE).with_suffix("").parts).removesuffix(".__init__")


def imported(file: Path) -> Iterator[str]:
    """The names of all that a module imports, at its top or inside a function."""
    package = file.parent.relative_to(TREE).parts
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) + 1 - node.level] if node.level else ()
            origin = ".".join([*above, *([node.module] if node.module else [])])
            yield from (f"{origin}.{alias.name}" for alias in node.names)


def module_of(name: str) -> str | None:
    """The module of this tree that an imported name is, or is of."""
    parts = name.split(".")
    while parts[0] in PACKAGES:
        path = TREE.joinpath(*parts)
        if path.with_suffix(".py").exists() or (path / "__init__.py").exists():
            return ".".join(parts)
        parts.pop()
    return None


@cache
def modules() -> dict[str, set[str]]:
    """Each module of the tree -> those that it imports."""
    graph: dict[str, set[str]] = {}
    for package in PACKAGES:
        for file in (TREE / package).rglob("*.py"):
            name = module_name(file)
            graph[name] = {module for each in imported(file) if (module := module_of(each)) is not None} - {name}
    return graph


def between(graph: dict[str, set[str]], depth: int) -> dict[str, set[str]]:
    """The same between packages at most `depth` deep. A module outside them stands for itself."""
    found: dict[str, set[str]] = {}
    for module, needed in graph.items():
        package = package_of(module, depth)
        found.setdefault(package, set()).update({package_of(each, depth) for each in needed} - {package})
    return found


def package_of(module: str, depth: int) -> str:
    path = TREE.joinpath(*module.split("."))
    parts = module.split(".") if path.is_dir() else module.split(".")[:-1]
    return ".".join(parts[:depth]) if len(parts) >= depth else module


def needed_by(*names: str) -> set[str]:
    """The parts of handler/ that some of its parts import: rooms, and modules at the top."""
    graph = between(modules(), 2)
    needed = {each for name in names for each in graph[f"handler.{name}"]}
    return {each.removeprefix("handler.") for each in needed}


def test_no_module_imports_itself_in_a_roundabout_way() -> None:
    graph = modules()
    assert "handler.tagger" in graph["handler.sense_handler"]
    assert list(TopologicalSorter(graph).static_order())  # raises CycleError and names the circle


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_no_two_packages_lean_on_each_other(depth: int) -> None:
    graph = between(modules(), depth)
    assert len(graph) >= len(PACKAGES)
    assert list(TopologicalSorter(graph).static_order())


def test_the_handler_which_travels_alone_leans_on_no_other_package() -> None:
    graph = between(modules(), 1)
    assert graph["handler"] == set()
    assert graph["deploy"] == {"handler"}


def test_outside_its_rooms_the_handler_has_the_story_and_what_rooms_share() -> None:
    folder = TREE / "handler"
    assert {file.stem for file in folder.glob("*.py")} == {*STORY, *SHARED, "__init__"}
    assert {file.parent.name for file in folder.glob("*/__init__.py")} == ROOMS


def test_no_package_of_the_handler_has_more_than_12_modules() -> None:
    folders = [init.parent for init in (TREE / "handler").rglob("__init__.py")]
    sizes = {module_name(folder): len(list(folder.glob("*.py"))) - 1 for folder in folders}
    assert len(sizes) > len(ROOMS)
    assert max(sizes.values()) <= MAX_MODULES, sizes


@pytest.mark.parametrize("room", sorted(ROOMS))
def test_a_room_knows_no_other_room_and_not_who_uses_it(room: str) -> None:
    assert needed_by(room) & (ROOMS | {"sense_handler", "tagger", "metrics"}) == set()


def test_the_tagger_joins_audio_and_model() -> None:
    assert needed_by("tagger") & ROOMS == {"audio", "model"}
    assert "sense_handler" not in needed_by("tagger")


def test_the_handler_joins_the_tagger_and_the_wire() -> None:
    assert {"tagger", "wire"} <= needed_by("sense_handler")


def test_only_the_handler_and_the_tagger_know_rooms() -> None:
    others = (STORY | SHARED) - {"sense_handler", "tagger"}
    assert needed_by(*others) & (ROOMS | {"sense_handler"}) == set()


def test_two_modules_know_torchserve() -> None:
    files = (TREE / "handler").rglob("*.py")
    knowing = {module_name(file) for file in files if any(name.split(".")[0] == "ts" for name in imported(file))}
    assert knowing == KNOWING_TORCHSERVE


def test_the_client_needs_nothing_of_the_tree_and_loads_nothing_heavy() -> None:
    listing = "import sys, sense_client.cli; print(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", listing], cwd=TREE / "client", capture_output=True, text=True, check=True
    )
    loaded = {name.partition(".")[0] for name in run.stdout.split()}
    assert "sense_client" in loaded
    assert loaded.isdisjoint({*PACKAGES, "torch", "boto3", "pandas", "numpy"})
