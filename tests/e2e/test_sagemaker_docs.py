"""The examples of docs/sagemaker.md run as they stand against what `make sagemaker` has, but for the bucket's name."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.archive import TREE
from local_sagemaker.__main__ import prepare
from local_sagemaker.gateway import LocalSageMaker
from tests.e2e.conftest import clean_environment
from tests.support.waiting import eventually

INVOKE = (TREE / "docs" / "sagemaker.md").read_text().partition("\n## Invoke\n")[2].partition("\n## ")[0]
BUCKET = "cochl-sense"
INVOKE = INVOKE.replace("<your-bucket>", BUCKET)
SCRIPTS = re.findall(r"```python\n(.*?)```", INVOKE, re.DOTALL)
BLOCKS = re.findall(r"^    aws .*\n(?:    .*\n)*", INVOKE, re.MULTILINE)
COMMANDS = [re.sub("^    ", "", block, flags=re.MULTILINE) for block in BLOCKS]


@pytest.fixture(scope="module")
def documented(sagemaker: LocalSageMaker) -> Iterator[LocalSageMaker]:
    """What `make sagemaker` has, and nothing else of these names."""
    prepare(sagemaker)
    yield sagemaker
    control = sagemaker.client("sagemaker")
    for name in ("cochl-sense", "cochl-sense-async"):
        control.delete_endpoint(EndpointName=name)
        control.delete_endpoint_config(EndpointConfigName=name)
        control.delete_model(ModelName=name)
    control.delete_model(ModelName="cochl-sense-batch")


@pytest.fixture
def folder(tmp_path: Path, mixture: bytes) -> Path:
    for name in ("test.mp3", "long.mp3"):
        (tmp_path / name).write_bytes(mixture)
    return tmp_path


def run(command: list[str], folder: Path, sagemaker: LocalSageMaker) -> str:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    environment = clean_environment(**sagemaker.environment(), PATH=path)
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=90)
    assert done.returncode == 0, done.stderr
    return done.stdout


def tags(answer: str) -> list[str]:
    return [tag["name"] for tag in json.loads(answer)["data"][0]["tags"]]


def test_the_page_has_all_three_kinds_in_both_languages() -> None:
    calls = ("invoke_endpoint(", "invoke_endpoint_async(", "create_transform_job(")
    assert all(call in script for call, script in zip(calls, SCRIPTS, strict=True))
    kinds = ("invoke-endpoint ", "invoke-endpoint-async ", "create-transform-job ")
    assert all(kind in command for kind, command in zip(kinds, COMMANDS, strict=True))
    assert "InvocationTimeoutSeconds=3600" in SCRIPTS[1]
    assert "FailureLocation" in SCRIPTS[1]
    assert "--invocation-timeout-seconds 3600" in COMMANDS[1]


def test_real_time(documented: LocalSageMaker, folder: Path) -> None:
    assert tags(run([sys.executable, "-c", SCRIPTS[0]], folder, documented)) == ["Laughter", "Siren"]
    run(["bash", "-ec", COMMANDS[0]], folder, documented)
    assert tags((folder / "response.json").read_text()) == ["Laughter", "Siren"]


def test_asynchronous(documented: LocalSageMaker, folder: Path) -> None:
    assert tags(run([sys.executable, "-c", SCRIPTS[1]], folder, documented)) == ["Laughter"]
    run(["bash", "-ec", COMMANDS[1]], folder, documented)
    located = json.loads((folder / "located.json").read_text())
    assert located["FailureLocation"].startswith(f"s3://{BUCKET}/failures/")


def test_an_asynchronous_failure_ends_the_script(documented: LocalSageMaker, folder: Path) -> None:
    (folder / "long.mp3").write_text("no sound")
    command = [sys.executable, "-c", SCRIPTS[1]]
    environment = clean_environment(**documented.environment())
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False, timeout=90)
    assert done.returncode == 1
    assert "(400)" in done.stderr


def test_batch_transform(documented: LocalSageMaker, folder: Path, mixture: bytes) -> None:
    s3, control = documented.client("s3"), documented.client("sagemaker")
    s3.delete_object(Bucket=BUCKET, Key="input/long.mp3")
    s3.put_object(Bucket=BUCKET, Key="input/street.mp3", Body=mixture)
    run([sys.executable, "-c", SCRIPTS[2]], folder, documented)
    (name,) = set(re.findall(r'TransformJobName="(.*?)"', SCRIPTS[2]))

    def over() -> bool:
        return bool(control.describe_transform_job(TransformJobName=name)["TransformJobStatus"] != "InProgress")

    assert eventually(over, 300)
    answer = s3.get_object(Bucket=BUCKET, Key=f"output/{name}/street.mp3.out")["Body"].read()
    assert set(tags(answer.decode())) == {"Laughter", "Speech", "Siren"}
