"""The commands of docs/tour.md run in a second terminal as they stand there, beside a server with the toy model."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.conftest import TREE
from tests.e2e.conftest import clean_environment

TOUR = (TREE / "docs" / "tour.md").read_text()
SHELL = re.sub(r"```.*?```", "", TOUR, flags=re.DOTALL)
BLOCKS = re.findall(r"(?:^    .*\n)+", SHELL, re.MULTILINE)
COMMANDS = [re.sub("^    ", "", block, flags=re.MULTILINE) for block in BLOCKS]
SCRIPTS = re.findall(r"```python\n(.*?)```", TOUR, re.DOTALL)
# What the reader has done before: the server, and the client in its place.
PREPARED = re.compile(r"make |export |pip ")


def test_the_tour(local_url: str, tmp_path: Path) -> None:
    (tmp_path / "samples").mkdir()
    shutil.copy(TREE / "samples" / "demo.mp3", tmp_path / "samples")
    commands = "".join(block for block in COMMANDS if not PREPARED.match(block))
    assert commands.count("sense ") >= 10
    # Another server may have the usual port here.
    commands = re.sub(r"^(sense \w+)", rf"\1 --url {local_url}", commands, flags=re.MULTILINE)
    script = f'set -e -o pipefail\nsense() {{ "{sys.executable}" -m sense_client "$@"; }}\n{commands}'
    script = script.replace("http://127.0.0.1:8080", local_url)
    environment = clean_environment(PYTHONPATH=str(TREE / "client"))
    run = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False, timeout=300
    )
    assert run.returncode == 0, run.stderr
    answers = [json.loads(line) for line in run.stdout.splitlines() if line.startswith('{"metadata"')]
    assert [answer["metadata"]["length_sec"] for answer in answers] == [12, 12]
    assert "<html" in (tmp_path / "demo.mp3.html").read_text()
    assert (tmp_path / "table.csv").read_text().count("\n") > 0
    assert len(json.loads((tmp_path / "demo.json").read_text())["data"]) == 11
    assert (tmp_path / "demo.labels.txt").exists()


def test_the_python_of_the_tour(local_url: str) -> None:
    (script,) = SCRIPTS
    script = script.replace("Client()", f"Client({local_url!r})")
    environment = clean_environment(PYTHONPATH=str(TREE / "client"))
    run = subprocess.run(
        [sys.executable, "-c", script], cwd=TREE, env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
