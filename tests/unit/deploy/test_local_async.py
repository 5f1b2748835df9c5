"""What becomes of an asynchronous request: its limits of time, its headers, its failure object."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext

import pytest
from botocore.client import BaseClient

from local_sagemaker import storage
from local_sagemaker.asynchronous import Backlog, Job
from local_sagemaker.gateway import LocalSageMaker
from tests.support.local_sagemaker import SECONDS, create_config, create_model, in_service
from tests.support.scripted_server import Reply, Server, answer
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow


@pytest.fixture
def runtime(local: LocalSageMaker, control: BaseClient, s3: BaseClient) -> BaseClient:
    """A runtime client, with the endpoint `later` that works off one request at a time."""
    create_model(control, "later")
    places = {"S3OutputPath": "s3://models/out", "S3FailurePath": "s3://models/failed"}
    limits = {"MaxConcurrentInvocationsPerInstance": 1}
    create_config(control, "later", "later", AsyncInferenceConfig={"OutputConfig": places, "ClientConfig": limits})
    control.create_endpoint(EndpointName="later", EndpointConfigName="later")
    in_service(control, "later")
    s3.put_object(Bucket="models", Key="in/a.mp3", Body=b"x", ContentType="audio/mpeg")
    return local.client("sagemaker-runtime")


@pytest.fixture
def backlog(local: LocalSageMaker, common: Server) -> Iterator[Backlog]:
    queue = Backlog(lambda _: nullcontext(common.url), local.client("s3"), local.client("sns"))
    yield queue
    queue.close()


def text_of(s3: BaseClient, location: str) -> str:
    bucket, key = storage.parse(location)
    assert eventually(lambda: key in storage.keys(s3, f"s3://{bucket}/"), SECONDS)
    return str(s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode())


def test_headers_reach_the_container(runtime: BaseClient, s3: BaseClient, common: Server) -> None:
    located = runtime.invoke_endpoint_async(
        EndpointName="later",
        InputLocation="s3://models/in/a.mp3",
        InferenceId="call-1",
        Accept="application/json",
        CustomAttributes="X-Default-Sensitivity=1",
    )
    assert located["InferenceId"] == "call-1"
    assert "Common" in text_of(s3, located["OutputLocation"])
    (request,) = common.requests
    assert request.headers["content-type"] == "audio/mpeg"  # the object's own
    assert request.headers["accept"] == "application/json"
    assert request.headers["x-amzn-sagemaker-inference-id"] == "call-1"
    assert request.headers["x-amzn-sagemaker-custom-attributes"] == "X-Default-Sensitivity=1"


def test_an_invocation_that_takes_too_long_fails(runtime: BaseClient, s3: BaseClient, common: Server) -> None:
    over = threading.Event()

    def slow(_: object) -> Reply:
        over.wait(SECONDS)
        return Reply(200, answer("Late"))

    common.script = slow
    located = runtime.invoke_endpoint_async(
        EndpointName="later", InputLocation="s3://models/in/a.mp3", InvocationTimeoutSeconds=1
    )
    assert "Your invocation timed out" in text_of(s3, located["FailureLocation"])
    over.set()


def test_a_request_that_waited_too_long_is_not_sent(backlog: Backlog, s3: BaseClient, common: Server) -> None:
    places = ("s3://models/in/a.mp3", "s3://models/out/a.out", "s3://models/failed/a.out")
    backlog.add(Job("later", "id", *places, {}, 900, ttl_seconds=60, taken_at=time.monotonic() - 61), None)
    assert "RequestTTLSeconds" in text_of(s3, "s3://models/failed/a.out")
    assert common.requests == []


def test_requests_of_a_deleted_endpoint_fail(local: LocalSageMaker, s3: BaseClient) -> None:
    def gone(name: str) -> AbstractContextManager[str]:
        raise LookupError(name)

    queue = Backlog(gone, local.client("s3"), local.client("sns"))
    s3.put_object(Bucket="models", Key="in/a.mp3", Body=b"x")
    places = ("s3://models/in/a.mp3", "s3://models/out/a.out", "s3://models/failed/a.out")
    queue.add(Job("later", "id", *places, {}, 900, 60), None)
    assert text_of(s3, "s3://models/failed/a.out") == "Endpoint later was deleted."
    queue.close()
