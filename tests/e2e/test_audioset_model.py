"""`make serve MODEL=efficientat-mn04`: the published checkpoint from a web server on this machine, and then served.

The checkpoint itself lies outside of the tree. Without it the tests that need it are skipped.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest
import requests

from catalogue.catalogue import load_thresholds
from deploy.torchserve.alone import running
from deploy.torchserve.launch import Options, TorchServe
from importers.published import PUBLISHED
from tests.conftest import TREE, build_archives
from tests.e2e.conftest import LOGS, clean_environment
from tests.support.web_folder import serving

CHECKPOINT = TREE.parent / "shared" / "checkpoints" / "mn04_as_mAP_432.pt"


def planned(*arguments: str) -> str:
    """The commands that make would run."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    command = ["make", "--dry-run", *arguments]
    return subprocess.run(
        command, cwd=TREE, env=environment, capture_output=True, text=True, check=True
    ).stdout.replace("\\\n", "")


@pytest.mark.parametrize("name", list(PUBLISHED))
def test_make_imports_a_model_by_name_and_packs_it(name: str) -> None:
    commands = planned("--always-make", "archive", f"MODEL={name}", "CHECKPOINTS=http://mirror/")
    file = f"build/models/{name}.pt2"
    fetched = commands.index(f"-m importers fetch {name} --output {file} --from http://mirror/")
    assert fetched < commands.index(f"./build_mar.sh --model {file}")
    assert ("requirements-dev.lock" in commands) == (name == "ast")  # which needs transformers


@pytest.mark.parametrize("model", ["model/model.pt2", "/somewhere/else.pt2", "own.pt2"])
def test_make_still_takes_a_file(model: str) -> None:
    commands = planned("--always-make", "archive", f"MODEL={model}")
    assert f"./build_mar.sh --model {model}" in commands
    assert "importers" not in commands


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TorchServe]:
    """The model, by the commands of make, in folders of their own."""
    if not CHECKPOINT.is_file():
        pytest.skip(f"the real checkpoint is not here: {CHECKPOINT}")
    folder = tmp_path_factory.mktemp("audioset")
    model, published = folder / "efficientat-mn04.pt2", folder / "published"
    published.mkdir()
    shutil.copy(CHECKPOINT, published)
    arguments = ["fetch", "efficientat-mn04", "--output", str(model), "--cache", str(folder / "cache")]
    with serving(published) as (url, asked):
        command = [sys.executable, "-m", "tests.support.only_locked", "importers", *arguments, "--from", url]
        subprocess.run(command, cwd=TREE, check=True, capture_output=True)
    assert dict(asked) == {f"/{CHECKPOINT.name}": 1}
    build_archives(model, folder)
    with running(Options(folder, environment=clean_environment()), LOGS / "audioset") as server:
        yield server


def ask(server: TorchServe, body: bytes, attributes: str = "") -> requests.Response:
    headers = {"Content-Type": "audio/mp3", "X-Amzn-SageMaker-Custom-Attributes": attributes}
    return requests.post(f"{server.url}/predictions/cochl-sense", data=body, headers=headers, timeout=120)


def test_serves_the_measured_thresholds(served: TorchServe) -> None:
    described = ask(served, b"", '{"describe": true}').json()
    thresholds = {tag["name"]: tag["threshold"] for tag in described["tags"]}
    assert thresholds == pytest.approx(load_thresholds("efficientat").by_tag)


def test_hears_the_demo(served: TorchServe) -> None:
    answer = ask(served, (TREE / "samples" / "demo.mp3").read_bytes())
    assert answer.headers["X-Model"].startswith("mn04_as_mAP_432")
    windows = [{tag["name"] for tag in window["tags"]} for window in answer.json()["data"]]
    assert sum({"Piano", "Music", "Instrument"} <= tags for tags in windows) >= len(windows) // 2
