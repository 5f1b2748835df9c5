"""docs/importing.md's commands with nothing but what `make setup` installs."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.only_locked import unlocked_modules
from tests.support.seeded_checkpoints import efficientat_weights, panns_weights, write_checkpoint

TREE = Path(__file__).parents[2]
COMMAND = ".venv/bin/python -m importers "
FAMILIES = {"efficientat", "panns", "huggingface"}


def documented_commands() -> list[str]:
    """The arguments of the page's last command for each family of networks: the others name another file of it."""
    lines = (TREE / "docs" / "importing.md").read_text().splitlines()
    commands = [line.strip().removeprefix(COMMAND) for line in lines if line.strip().startswith(COMMAND)]
    by_family = {command.split()[0]: command for command in commands if command.split()[0] in FAMILIES}
    assert by_family.keys() == FAMILIES
    return list(by_family.values())


def run(arguments: list[str], folder: Path, module: str = "importers") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "tests.support.only_locked", module, *arguments]
    environment = {"PYTHONPATH": str(TREE), "PATH": "/usr/bin:/bin"}
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment, check=False)


def test_the_tests_own_packages_are_hidden() -> None:
    assert {"transformers", "scipy", "pytest"} <= unlocked_modules()
    assert not {"torch", "torchaudio", "numpy", "yaml"} & unlocked_modules()


@pytest.mark.parametrize(("module", "arguments"), [("importers", ["calibrate"]), ("evaluation", [])])
def test_calibration_and_evaluation_load_after_set_up(module: str, arguments: list[str], tmp_path: Path) -> None:
    answer = run([*arguments, "--help"], tmp_path, module)
    assert answer.returncode == 0, answer.stderr
    assert "recordings" in answer.stdout


@pytest.mark.parametrize("arguments", documented_commands())
def test_a_documented_command_works_after_set_up(arguments: str, tmp_path: Path) -> None:
    family, source, *rest = shlex.split(arguments)
    if family == "huggingface":
        answer = run([family, source, *rest], tmp_path)
        assert (answer.returncode, answer.stdout, len(answer.stderr.splitlines())) == (1, "", 1)
        assert ".venv/bin/pip install 'transformers" in answer.stderr
        return
    weights = efficientat_weights() if family == "efficientat" else {"model": panns_weights(32_000)}
    write_checkpoint(tmp_path / source, weights)
    answer = run([family, source, *rest], tmp_path)
    assert answer.returncode == 0, answer.stderr
    output = rest[rest.index("--output") + 1]
    assert (tmp_path / output).is_file()
    assert answer.stdout.splitlines()[-1] == f"serve it: make serve MODEL={output}"
