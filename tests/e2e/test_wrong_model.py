"""A model file that cannot be served: the worker says so and stays down."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy import torchserve
from tests.conftest import build_archives
from tests.e2e.conftest import LOGS, clean_environment

COMPLAINT = "cannot serve: model.pt2 is no torch.export program"
# TorchServe's waits before the next tries would be 1, 1, 2, 3, 5 and 8 seconds.
PATIENCE_SECONDS, QUIET_SECONDS = 60.0, 15.0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[torchserve.TorchServe]:
    """A server, just started, of an archive whose model file is none."""
    (tmp_path / "model.pt2").write_bytes(b"no model")
    build_archives(tmp_path / "model.pt2", tmp_path)
    settings = torchserve.Settings(
        LOGS / "wrong-model", model_store=tmp_path, environment=clean_environment(TS_DEFAULT_WORKERS_PER_MODEL="1")
    )
    started = torchserve.start(settings, tmp_path)
    yield started
    torchserve.stop(started.process)


def complaints(server: torchserve.TorchServe) -> int:
    return sum(COMPLAINT in line for line in torchserve.read_lines(server.log))


def test_the_worker_says_so_and_stays_down(server: torchserve.TorchServe) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    # Once, and once more for the restart that every crash gets.
    while complaints(server) < 2 and time.monotonic() < deadline:
        time.sleep(0.5)
    time.sleep(QUIET_SECONDS)
    assert (complaints(server), server.workers()) == (2, [])
    assert "Traceback" not in server.log.read_text()
