"""A model file that cannot be served: each try says so."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.torchserve.alone import LOG_NAME, started
from deploy.torchserve.launch import Options, TorchServe
from tests.conftest import build_archives
from tests.e2e.conftest import LOGS, clean_environment
from tests.support.waiting import eventually

COMPLAINT = "cannot serve: model.pt2 is"
FOLDER = LOGS / "wrong-model"
PATIENCE_SECONDS = 60.0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[TorchServe]:
    """A server, just started, of an archive whose model file is none."""
    (tmp_path / "model.pt2").write_bytes(b"no model")
    build_archives(tmp_path / "model.pt2", tmp_path)
    options = Options(tmp_path, environment=clean_environment(TS_DEFAULT_WORKERS_PER_MODEL="1"))
    with started(options, FOLDER) as begun:
        yield begun


def log() -> str:
    return (FOLDER / LOG_NAME).read_text()


def test_each_try_says_so(server: TorchServe) -> None:
    assert eventually(lambda: log().count(COMPLAINT) == 2, PATIENCE_SECONDS)
    assert "Traceback" not in log()
