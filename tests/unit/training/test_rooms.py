"""The rooms of training: which way they lean on each other, and how many modules each has."""

from __future__ import annotations

from graphlib import TopologicalSorter

import pytest

from tests.conftest import TREE
from tests.unit.test_packages import modules

# Each room, and the rooms that its modules may import; all of them may import the modules at the top.
ROOMS = {
    "sources": set[str](),
    "mixes": {"sources"},
    "fitting": {"mixes"},
    "judging": {"sources", "mixes", "fitting"},
    "reporting": {"judging"},
}
MAX_MODULES = 12


def training_imports() -> dict[str, set[str]]:
    """Each module of training -> the modules of training that it imports."""
    inside = {name: needed for name, needed in modules().items() if name.startswith("training.")}
    return {name: {each for each in needed if each in inside} for name, needed in inside.items()}


def room_of(module: str) -> str:
    """The room of a module; "" for the modules at the top."""
    first = module.split(".")[1]
    return first if first in ROOMS else ""


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_leans_on_the_rooms_before_it_only(room: str) -> None:
    needed = {
        room_of(each) for name, imports in training_imports().items() if room_of(name) == room for each in imports
    }
    assert needed - {room, ""} == ROOMS[room]


def test_only_the_command_line_leans_on_the_rooms_from_the_top() -> None:
    assert "training.judging.judge" in training_imports()["training.__main__"]
    leaning = {
        name for name, imports in training_imports().items() if room_of(name) == "" and any(map(room_of, imports))
    }
    assert leaning == {"training.__main__"}
    assert not any("training.__main__" in imports for imports in training_imports().values())


def test_no_two_folders_lean_on_each_other() -> None:
    """A folder is a package below training; the modules at the top count one by one."""

    def folder_of(module: str) -> str:
        parent = module.rpartition(".")[0]
        return module if parent == "training" or (TREE / module.replace(".", "/")).is_dir() else parent

    graph: dict[str, set[str]] = {}
    for name, imports in training_imports().items():
        folder = folder_of(name)
        graph.setdefault(folder, set()).update({folder_of(each) for each in imports} - {folder})
    assert "training.stems" in graph["training.sources.voices"]
    assert list(TopologicalSorter(graph).static_order())  # raises CycleError and names the circle


def test_no_folder_has_more_than_12_modules() -> None:
    folders = [init.parent for init in (TREE / "training").rglob("__init__.py")]
    sizes = {str(folder.relative_to(TREE)): len(list(folder.glob("*.py"))) - 1 for folder in folders}
    assert len(sizes) > len(ROOMS)
    assert max(sizes.values()) <= MAX_MODULES, sizes
