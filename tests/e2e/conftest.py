"""Servers for the end-to-end tests: real TorchServe, real archives, the tree's own config.properties."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.torchserve import Settings, TorchServe, running
from tests.conftest import TREE, build_archives
from tests.support.sagemaker_stand_in import sagemaker_stand_in
from tests.support.toy_model import TOY_INFO, write_toy_model

LOGS = TREE / "build" / "logs" / "tests"
# A small limit for the one server whose limits are set by environment variables.
SMALL_MAX_REQUEST_BYTES = 8_000_000
# With names like these, a quarter of an hour of noise makes an answer above TorchServe's own limit of 6,553,500 bytes.
LONG_NAMES = ("M" * 4_000, "S" * 4_000)


def clean_environment(**extra: str) -> dict[str, str]:
    """Returns this process's environment without anything that would configure a server, and with `extra`."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("TS_", "SENSE_"))}
    return {**kept, **extra}


@pytest.fixture(scope="session")
def server(toy_store: Path) -> Iterator[TorchServe]:
    """The toy's .mar, configured by config.properties alone."""
    with running(Settings(LOGS / "toy", model_store=toy_store, environment=clean_environment())) as started:
        yield started


@pytest.fixture(scope="session")
def sagemaker_url(server: TorchServe) -> Iterator[str]:
    """SageMaker's runtime API in front of the toy."""
    with sagemaker_stand_in(server.url.removeprefix("http://")) as url:
        yield url


@pytest.fixture(scope="session")
def stock_container(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TorchServe]:
    """model.tar.gz as SageMaker's stock container serves it, configured by environment variables."""
    folder = tmp_path_factory.mktemp("stock")
    unpacked = folder / "opt-ml-model"
    names = (*LONG_NAMES, "Siren", "Laughter")
    thresholds = (1e-6, 1e-6, 0.5, 0.5)
    tags = [{"name": name, "category": "Test", "threshold": at} for name, at in zip(names, thresholds, strict=True)]
    build_archives(write_toy_model(folder / "toy.pt2", **{**TOY_INFO, "tags": tags}), folder)
    unpacked.mkdir()
    subprocess.run(["tar", "-xzf", folder / "model.tar.gz", "-C", unpacked], check=True)
    environment = clean_environment(
        TS_MAX_REQUEST_SIZE=str(SMALL_MAX_REQUEST_BYTES),
        SENSE_DEFAULT_SENSITIVITY="1",
        SENSE_TAGS_SENSITIVITY='{"Laughter": -2}',
    )
    models = f"model={unpacked}"
    with running(Settings(LOGS / "stock", model_store=folder, models=models, environment=environment)) as started:
        yield started


@pytest.fixture(scope="session")
def bundled_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TorchServe]:
    """The bundled model's .mar."""
    model = TREE / "model" / "model.pt2"
    if not model.exists():
        pytest.skip("model/model.pt2 is not there yet")
    store = tmp_path_factory.mktemp("bundled")
    build_archives(model, store)
    with running(Settings(LOGS / "bundled", model_store=store, environment=clean_environment())) as started:
        yield started
