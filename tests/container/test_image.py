"""What only the image has: the bundled model, the user, the files. Needs --container-command."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.archive import TREE
from local_sagemaker.containers import Container, invoke, started
from tests.e2e.conftest import LOGS
from tests.support.sagemaker_container import processes


@pytest.fixture(scope="module")
def container(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Container]:
    """The image with an empty /opt/ml/model, started as SageMaker does."""
    given = request.config.getoption("--container-command")
    if not given:
        pytest.skip("needs --container-command: make image-test")
    command = shlex.split(given.replace("{model}", str(tmp_path_factory.mktemp("empty"))))
    with started(command, {}, LOGS / "container-bundled.log") as begun:
        begun.wait_until_healthy()
        yield begun


def test_the_bundled_model_tags_the_sample(container: Container) -> None:
    with (TREE / "samples" / "demo.mp3").open("rb") as body:
        answer = invoke(container.url, {"Content-Type": "audio/mp3"}, body, 60, chunked=False)
    assert answer.status == 200, answer.body
    windows = json.loads(answer.body)["data"]
    assert sum(bool(window["tags"]) for window in windows) > len(windows) / 2
    assert re.search(r"model: \S+ \S+, from the archive", container.log.read_text())


def test_the_servers_do_not_run_as_root(container: Container) -> None:
    servers = [*processes(container, "nginx"), *processes(container, "ModelServer"), *processes(container, "worker.py")]
    assert len(servers) >= 4
    assert 0 not in {process.uids().effective for process in servers}


def test_no_build_tools_are_left(container: Container) -> None:
    root = Path(f"/proc/{processes(container, 'ModelServer')[0].pid}/root")
    assert (root / "opt/sense/.venv/bin/python").exists()
    tools = ("usr/bin/gcc", "usr/bin/make", "usr/bin/pip3", "opt/sense/.venv/bin/pip", "usr/bin/git")
    assert [tool for tool in tools if (root / tool).exists()] == []
