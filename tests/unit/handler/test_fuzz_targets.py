"""The committed corpus of guided fuzzing through its targets, which need no atheris; and a second of it where it is."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import TREE
from tests.fuzz import guided
from tests.fuzz.targets import TARGETS

pytestmark = pytest.mark.slow

MAX_CORPUS_BYTES = 500_000


def test_each_target_has_a_corpus_and_all_are_small() -> None:
    assert {folder.name for folder in guided.CORPUS.iterdir()} == set(TARGETS)
    assert sum(file.stat().st_size for file in guided.CORPUS.glob("*/*")) < MAX_CORPUS_BYTES


@pytest.mark.parametrize("target", TARGETS)
def test_the_corpus_has_no_finding(target: str) -> None:
    files = sorted((guided.CORPUS / target).iterdir())
    assert files
    for file in files:
        TARGETS[target](file.read_bytes())


@pytest.mark.skipif(not guided.is_available(), reason="atheris is not installed; the corpus alone was tried")
def test_guided_fuzzing_is_guided(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.fuzz.guided", "content_type", str(tmp_path), "-runs=300", "-seed=1"]
    run = subprocess.run(command, cwd=TREE, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert len(set(re.findall(r"cov: (\d+)", run.stderr))) > 1
    assert any(tmp_path.iterdir())
