"""Asynchronous requests and transform jobs whose server is killed midway: every input has exactly one end."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from botocore.client import BaseClient

from local_sagemaker import storage
from local_sagemaker.containers import Container, started
from local_sagemaker.gateway import LocalSageMaker, create_endpoint, create_model, running
from tests.e2e.conftest import LOGS, WORKERS
from tests.support.audio import encode, tone
from tests.support.sagemaker_container import alive, processes, workers
from tests.support.toy_model import SAMPLE_RATE
from tests.support.waiting import eventually

NUM_INPUTS = 8
# Long enough that some answers are there and others are not.
INPUT_SECONDS = 100
CONCURRENT = 4
BUCKET = "killed"
END_SECONDS = 600.0


def kill_workers(container: Container) -> None:
    for worker in workers(container):
        worker.kill()


def kill_container(container: Container) -> None:
    """Kills every process, as the end of a container does."""
    members = processes(container)
    for process in members:
        process.kill()
    os.killpg(container.process.pid, signal.SIGKILL)
    assert eventually(lambda: not alive(members), END_SECONDS)


@pytest.fixture(scope="module")
def recording() -> bytes:
    return bytes(encode(tone(1000, 0.8, INPUT_SECONDS, SAMPLE_RATE), SAMPLE_RATE, "mp3"))


@contextmanager
def served(container_command: list[str], name: str) -> Iterator[tuple[LocalSageMaker, Container]]:
    """A SageMaker whose transform jobs run in the container of its endpoints, so that tests know what to kill."""
    with started(container_command, {"SENSE_PROFILE": "async", **WORKERS}, LOGS / f"killed-{name}.log") as container:
        container.wait_until_healthy()

        @contextmanager
        def same(*_: object) -> Iterator[str]:
            yield container.url

        with running(container.url, same) as sagemaker:
            sagemaker.client("s3").create_bucket(Bucket=BUCKET)
            yield sagemaker, container


def put_inputs(s3: BaseClient, folder: str, recording: bytes) -> list[str]:
    """Writes the inputs; returns their names."""
    names = [f"{number:02}.mp3" for number in range(NUM_INPUTS)]
    for name in names:
        s3.put_object(Bucket=BUCKET, Key=f"{folder}/{name}", Body=recording)
    return names


def stored(s3: BaseClient, folder: str) -> list[str]:
    """The names of the objects in a folder."""
    return [key.rpartition("/")[2] for key in storage.keys(s3, f"s3://{BUCKET}/{folder}/")]


def require_whole(s3: BaseClient, folder: str) -> None:
    """Every output is a whole answer."""
    for name in stored(s3, folder):
        answer = json.load(s3.get_object(Bucket=BUCKET, Key=f"{folder}/{name}")["Body"])
        assert [tag["name"] for window in answer["data"] for tag in window["tags"]] == ["Siren"] * (INPUT_SECONDS - 1)


@pytest.mark.parametrize("kill", [kill_workers, kill_container])
def test_every_input_has_one_end(
    container_command: list[str], recording: bytes, kill: Callable[[Container], None]
) -> None:
    """How many fail depends on how soon workers are back."""
    name = kill.__name__.replace("_", "-")
    with served(container_command, name) as (sagemaker, container):
        s3, control = sagemaker.client("s3"), sagemaker.client("sagemaker")
        inputs = put_inputs(s3, f"{name}/input", recording)
        start_job(control, name)
        ends = invoke_all(sagemaker, name, inputs)
        assert eventually(lambda: stored(s3, f"{name}/output") and stored(s3, f"{name}/job"), END_SECONDS, 0.02)
        kill(container)

        def ended() -> bool:
            num_ends = len(stored(s3, f"{name}/output") + stored(s3, f"{name}/failures"))
            return num_ends >= NUM_INPUTS and status_of(control, name) != "InProgress"

        assert eventually(ended, END_SECONDS)
        answered, failed = set(stored(s3, f"{name}/output")), set(stored(s3, f"{name}/failures"))
        transformed = stored(s3, f"{name}/job")
        require_whole(s3, f"{name}/output")
        require_whole(s3, f"{name}/job")
        job = control.describe_transform_job(TransformJobName=name)
    assert all((output in answered) != (failure in failed) for output, failure in ends.items())
    assert len(answered) + len(failed) == NUM_INPUTS
    assert failed or kill is kill_workers
    lost = NUM_INPUTS - len(transformed)
    assert lost or (job["TransformJobStatus"], transformed) == ("Completed", [f"{each}.out" for each in inputs])
    assert not lost or f"{lost} of {NUM_INPUTS} objects failed" in job["FailureReason"]


def start_job(control: BaseClient, name: str) -> None:
    create_model(control, f"{name}-job")
    source = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/{name}/input"}
    control.create_transform_job(
        TransformJobName=name,
        ModelName=f"{name}-job",
        MaxConcurrentTransforms=CONCURRENT,
        TransformInput={"DataSource": {"S3DataSource": source}, "ContentType": "audio/mp3"},
        TransformOutput={"S3OutputPath": f"s3://{BUCKET}/{name}/job"},
        TransformResources={"InstanceType": "ml.g5.xlarge", "InstanceCount": 1},
    )


def status_of(control: BaseClient, name: str) -> str:
    status: str = control.describe_transform_job(TransformJobName=name)["TransformJobStatus"]
    return status


def invoke_all(sagemaker: LocalSageMaker, name: str, inputs: list[str]) -> dict[str, str]:
    """Sends each input to an asynchronous endpoint; returns the names of its output and of its failure object."""
    places = {"S3OutputPath": f"s3://{BUCKET}/{name}/output", "S3FailurePath": f"s3://{BUCKET}/{name}/failures"}
    limits = {"MaxConcurrentInvocationsPerInstance": CONCURRENT}
    settings = {"OutputConfig": places, "ClientConfig": limits}
    create_endpoint(sagemaker.client("sagemaker"), name, asynchronous=settings)
    runtime, ends = sagemaker.client("sagemaker-runtime"), {}
    for each in inputs:
        location = f"s3://{BUCKET}/{name}/input/{each}"
        response = runtime.invoke_endpoint_async(
            EndpointName=name, InputLocation=location, ContentType="audio/mp3", Filename=each
        )
        ends[each] = response["FailureLocation"].rpartition("/")[2]
    return ends
