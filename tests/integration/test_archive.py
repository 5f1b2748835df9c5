"""What build_mar.sh writes: the archives alone must do, without the tree they were made from."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import pytest

from tests.conftest import TREE, VERSION

MANIFEST = "MAR-INF/MANIFEST.json"

# Runs in an interpreter that knows nothing of the tree; prints what it found as JSON.
IMPORT_HANDLER = """
import inspect, json, sys
sys.path.insert(0, sys.argv[1])
import sense_handler
classes = [name for name, kind in inspect.getmembers(sense_handler, inspect.isclass)
           if kind.__module__ == sense_handler.__name__]
files = [module.__file__ for name, module in sys.modules.items() if name.split(".")[0] in ("handler", "sense_handler")]
print(json.dumps({"classes": classes, "files": files}))
"""


@pytest.fixture(scope="module")
def unpacked(toy_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mar")
    with zipfile.ZipFile(toy_store / "cochl-sense.mar") as archive:
        archive.extractall(folder)
    return folder


def build_mar(arguments: Sequence[str | Path], cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [TREE / "build_mar.sh", *arguments], cwd=cwd, capture_output=True, text=True, check=False, timeout=120
    )


def package_files() -> set[str]:
    """Returns the paths of the handler package's modules in the tree."""
    return {path.relative_to(TREE).as_posix() for path in (TREE / "handler").rglob("*.py")}


def test_the_handler_imports_from_the_archive_alone(unpacked: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-IB", "-c", IMPORT_HANDLER, str(unpacked)]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout)
    assert found["classes"] == ["SenseHandler"]  # TorchServe refuses a module with any other number of classes
    assert len(found["files"]) > 5
    assert all(Path(file).is_relative_to(unpacked) for file in found["files"]), found["files"]


def test_the_manifest_names_what_torchserve_needs(unpacked: Path) -> None:
    model = json.loads((unpacked / MANIFEST).read_text())["model"]
    expected = {
        "modelName": "cochl-sense",
        "modelVersion": VERSION,
        "handler": "sense_handler.py",
        "serializedFile": "toy.pt2",
        "configFile": "model-config.yaml",
    }
    assert {name: model.get(name) for name in expected} == expected


def test_the_archive_holds_the_package_whole_and_nothing_else(unpacked: Path, toy_model: Path) -> None:
    files = {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*") if path.is_file()}
    assert files == package_files() | {MANIFEST, "sense_handler.py", "toy.pt2", "model-config.yaml"}
    assert (unpacked / "toy.pt2").read_bytes() == toy_model.read_bytes()
    assert (unpacked / "model-config.yaml").read_bytes() == (TREE / "model-config.yaml").read_bytes()


def test_model_tar_gz_is_one_folder_with_the_same_files(unpacked: Path, toy_store: Path) -> None:
    """TorchServe looks into /opt/ml/model's only sub-folder for MAR-INF/MANIFEST.json; a .mar inside is not loaded."""
    with tarfile.open(toy_store / "model.tar.gz") as archive:
        paths = [PurePosixPath(member.name) for member in archive.getmembers() if member.isfile()]
    assert {path.parts[0] for path in paths} == {"cochl-sense"}
    inside = {path.relative_to("cochl-sense").as_posix() for path in paths}
    assert inside == {path.relative_to(unpacked).as_posix() for path in unpacked.rglob("*") if path.is_file()}
    assert MANIFEST in inside


def test_builds_from_any_folder_and_leaves_nothing_beside_the_archives(toy_model: Path, tmp_path: Path) -> None:
    run = build_mar(["--model", toy_model, "--output", "new/store"], cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    assert sorted(path.name for path in (tmp_path / "new" / "store").iterdir()) == ["cochl-sense.mar", "model.tar.gz"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--model", "nowhere.pt2"], "no model file 'nowhere.pt2'"),
        (["--model"], "--model needs a file"),
        (["--colour"], "unknown argument '--colour'"),
        (["--model", "model.pt2", "--output", "model.pt2/store"], "cannot write to 'model.pt2/store'"),
    ],
)
def test_a_mistake_gives_one_clear_line(arguments: list[str], message: str, tmp_path: Path) -> None:
    (tmp_path / "model.pt2").write_bytes(b"")
    run = build_mar(arguments, cwd=tmp_path)
    assert run.returncode == 1
    assert message in run.stderr
    assert len(run.stderr.splitlines()) == 1
    assert run.stdout == ""


def test_help_names_every_option(tmp_path: Path) -> None:
    run = build_mar(["--help"], cwd=tmp_path)
    assert run.returncode == 0
    assert "--model" in run.stdout
    assert "--output" in run.stdout
