"""What tests of every level share."""

from __future__ import annotations

import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.processes import interrupted_by_signals

TREE = Path(__file__).resolve().parent.parent
# The one in setup.cfg, of the package, the archive and the image.
VERSION = re.findall(r"^version = (\S+)$", (TREE / "setup.cfg").read_text(), re.MULTILINE)[0]
LEVELS = ("unit", "integration", "e2e")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Adds what `make image-test` needs."""
    parser.addoption(
        "--container-command",
        help="starts a container in the place of the tree's own server; {env} stands for --env NAME=VALUE ..., {model} "
        "for the folder with a model file that is to be its /opt/ml/model",
    )


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks every test with the level whose folder it lies in."""
    for item in items:
        level = item.path.relative_to(TREE / "tests").parts[0]
        if level in LEVELS:
            item.add_marker(level)


@pytest.fixture(scope="session", autouse=True)
def ends_in_order() -> Iterator[None]:
    """Lets a test run that is killed by SIGTERM, as by a time limit, still stop its servers."""
    # A shell's background jobs ignore it, and so would all that tests start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    with interrupted_by_signals():
        yield


@pytest.fixture(scope="session")
def toy_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The toy as a model file."""
    from tests.support.toy_model import write_toy_model  # the client's tests run without PyTorch

    return write_toy_model(tmp_path_factory.mktemp("model") / "toy.pt2")


@pytest.fixture(scope="session")
def toy_store(tmp_path_factory: pytest.TempPathFactory, toy_model: Path) -> Path:
    """A folder that holds cochl-sense.mar and model.tar.gz of the toy."""
    store = tmp_path_factory.mktemp("store")
    build_archives(toy_model, store)
    return store


def build_archives(model: Path, store: Path) -> None:
    """Packs a model with the tree's build_mar.sh."""
    subprocess.run([TREE / "build_mar.sh", "--model", model, "--output", store], check=True, stdout=subprocess.DEVNULL)
