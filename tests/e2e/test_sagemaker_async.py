"""Asynchronous inference as a user of SageMaker writes it: upload, invoke, poll, read."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import botocore.exceptions
import pytest
from botocore.client import BaseClient

from local_sagemaker import storage
from local_sagemaker.containers import Container
from local_sagemaker.gateway import LocalSageMaker, create_endpoint
from tests.e2e.conftest import clean_environment
from tests.support.sagemaker_container import spooled
from tests.support.waiting import eventually

AWS = Path(sys.executable).with_name("aws")
ENDPOINT_NAME = "tagger-async"
POLL_SECONDS = 30.0

USERS_SCRIPT = """
import boto3
import time

runtime_client = boto3.client("sagemaker-runtime")
s3_client = boto3.client("s3")
bucket_name, s3_key = "sounds", "input/test.mp3"
s3_client.upload_file("test.mp3", bucket_name, s3_key)
response = runtime_client.invoke_endpoint_async(
    EndpointName="tagger-async", InputLocation=f"s3://{bucket_name}/{s3_key}", ContentType="audio/mp3"
)
output_location = response["OutputLocation"]
while True:
    try:
        bucket = output_location.split("/")[2]
        key = "/".join(output_location.split("/")[3:])
        obj = s3_client.get_object(Bucket=bucket, Key=key)
        print(obj["Body"].read().decode("utf-8"))
        break
    except s3_client.exceptions.NoSuchKey:
        time.sleep(1)
"""


@pytest.fixture
def runtime(sagemaker: LocalSageMaker) -> BaseClient:
    return sagemaker.client("sagemaker-runtime")


@pytest.fixture
def s3(sagemaker: LocalSageMaker) -> BaseClient:
    return sagemaker.client("s3")


def read(s3: BaseClient, location: str) -> str:
    """Waits for an object and returns its text."""
    bucket, key = storage.parse(location)
    deadline = time.monotonic() + POLL_SECONDS
    while True:
        try:
            text: str = s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()
            return text
        except s3.exceptions.NoSuchKey:
            assert time.monotonic() < deadline, f"nothing at {location}"
            time.sleep(0.1)


def exists(s3: BaseClient, location: str) -> bool:
    bucket, key = storage.parse(location)
    return key in storage.keys(s3, f"s3://{bucket}/")


def names(text: str) -> list[list[str]]:
    return [[tag["name"] for tag in window["tags"]] for window in json.loads(text)["data"]]


def test_a_users_script(sagemaker: LocalSageMaker, mixture: bytes, tmp_path: Path) -> None:
    (tmp_path / "test.mp3").write_bytes(mixture)
    run = subprocess.run(
        [sys.executable, "-c", USERS_SCRIPT],
        cwd=tmp_path,
        env=clean_environment(**sagemaker.environment()),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    assert names(run.stdout) == [["Laughter"], ["Laughter"]]


def test_the_aws_cli(sagemaker: LocalSageMaker, s3: BaseClient, mixture: bytes, tmp_path: Path) -> None:
    (tmp_path / "test.mp3").write_bytes(mixture)

    def aws(*arguments: str) -> str:
        environment = clean_environment(**sagemaker.environment())
        command = [str(AWS), *arguments]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True).stdout

    aws("s3", "cp", "test.mp3", "s3://sounds/input/cli.mp3")
    invoke = ("sagemaker-runtime", "invoke-endpoint-async", "--endpoint-name", ENDPOINT_NAME)
    located = json.loads(aws(*invoke, "--input-location", "s3://sounds/input/cli.mp3", "--content-type", "audio/mp3"))
    assert names(read(s3, located["OutputLocation"])) == [["Laughter"], ["Laughter"]]
    aws("s3", "cp", located["OutputLocation"], "answer.json")
    assert names((tmp_path / "answer.json").read_text()) == [["Laughter"], ["Laughter"]]


def test_sensitivity_inference_id_and_filename(runtime: BaseClient, s3: BaseClient, mixture: bytes) -> None:
    s3.put_object(Bucket="sounds", Key="input/named.mp3", Body=mixture)
    response = runtime.invoke_endpoint_async(
        EndpointName=ENDPOINT_NAME,
        InputLocation="s3://sounds/input/named.mp3",
        ContentType="audio/mp3",
        CustomAttributes='X-Default-Sensitivity=1,X-Tags-Sensitivity={"Siren": 2, "Laughter": -2}',
        InferenceId="call-4711",
        Filename="named.json",
        InvocationTimeoutSeconds=3600,
    )
    assert response["InferenceId"] == "call-4711"
    assert response["OutputLocation"] == "s3://sounds/output/named.json"
    assert names(read(s3, response["OutputLocation"])) == [["Speech", "Siren"]] * 2


def test_a_body_that_comes_with_the_request(runtime: BaseClient, s3: BaseClient, mixture: bytes) -> None:
    response = runtime.invoke_endpoint_async(EndpointName=ENDPOINT_NAME, Body=mixture, ContentType="audio/mp3")
    assert names(read(s3, response["OutputLocation"])) == [["Laughter"], ["Laughter"]]


def test_without_a_content_type_the_objects_own_is_sent(runtime: BaseClient, s3: BaseClient, mixture: bytes) -> None:
    s3.put_object(Bucket="sounds", Key="input/typed.mp3", Body=mixture, ContentType="audio/mpeg")
    s3.put_object(Bucket="sounds", Key="input/untyped.mp3", Body=mixture)
    for name, content_type in (("typed", "audio/mpeg"), ("untyped", "binary/octet-stream")):
        located = runtime.invoke_endpoint_async(
            EndpointName=ENDPOINT_NAME, InputLocation=f"s3://sounds/input/{name}.mp3"
        )
        answer = read(s3, located["OutputLocation"])
        assert json.loads(answer)["metadata"]["content_type"] == content_type
        assert names(answer) == [["Laughter"], ["Laughter"]]


def test_the_sdks_default_content_type(runtime: BaseClient, s3: BaseClient, mixture: bytes) -> None:
    located = runtime.invoke_endpoint_async(
        EndpointName=ENDPOINT_NAME, Body=mixture, ContentType="file-path/raw-bytes", Accept="*/*"
    )
    assert names(read(s3, located["OutputLocation"])) == [["Laughter"], ["Laughter"]]


@pytest.mark.parametrize("key", ["a b & c+d.mp3", "100% %41.mp3", "소리 é.mp3", "a?b#c=d;e.mp3"])
def test_any_key_is_an_input_location(runtime: BaseClient, s3: BaseClient, mixture: bytes, key: str) -> None:
    s3.put_object(Bucket="sounds", Key=f"odd/{key}", Body=mixture)
    for written in (key, quote(key)):
        located = runtime.invoke_endpoint_async(
            EndpointName=ENDPOINT_NAME, InputLocation=f"s3://sounds/odd/{written}", ContentType="audio/mp3"
        )
        assert names(read(s3, located["OutputLocation"])) == [["Laughter"], ["Laughter"]]


def test_a_broken_file_leaves_a_failure_and_no_output(runtime: BaseClient, s3: BaseClient) -> None:
    s3.put_object(Bucket="sounds", Key="input/broken.mp3", Body=b"no sound at all")
    response = runtime.invoke_endpoint_async(
        EndpointName=ENDPOINT_NAME, InputLocation="s3://sounds/input/broken.mp3", ContentType="audio/mp3"
    )
    failure = read(s3, response["FailureLocation"])
    assert "(400)" in failure
    assert "audio" in failure
    assert not exists(s3, response["OutputLocation"])


def test_a_missing_object_leaves_a_failure(runtime: BaseClient, s3: BaseClient) -> None:
    response = runtime.invoke_endpoint_async(
        EndpointName=ENDPOINT_NAME, InputLocation="s3://sounds/input/nowhere.mp3", ContentType="audio/mp3"
    )
    assert "nowhere.mp3" in read(s3, response["FailureLocation"])


def test_an_output_that_cannot_be_written_leaves_a_failure(
    sagemaker: LocalSageMaker, runtime: BaseClient, s3: BaseClient, mixture: bytes
) -> None:
    output = {"S3OutputPath": "s3://no-such-bucket/output", "S3FailurePath": "s3://sounds/failures"}
    create_endpoint(sagemaker.client("sagemaker"), "without-output", asynchronous={"OutputConfig": output})
    s3.put_object(Bucket="sounds", Key="input/unwritten.mp3", Body=mixture)
    response = runtime.invoke_endpoint_async(
        EndpointName="without-output", InputLocation="s3://sounds/input/unwritten.mp3", ContentType="audio/mp3"
    )
    assert "no-such-bucket" in read(s3, response["FailureLocation"])


def test_topics_hear_of_success_and_failure(
    sagemaker: LocalSageMaker, runtime: BaseClient, s3: BaseClient, mixture: bytes
) -> None:
    sns, sqs = sagemaker.client("sns"), sagemaker.client("sqs")
    topics = {kind: sns.create_topic(Name=f"{kind}Topic")["TopicArn"] for kind in ("Success", "Error")}
    queue = sqs.create_queue(QueueName="heard")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    for topic in topics.values():
        sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    output = {
        "S3OutputPath": "s3://sounds/told",
        "S3FailurePath": "s3://sounds/told",
        "NotificationConfig": {
            **{f"{kind}Topic": topic for kind, topic in topics.items()},
            "IncludeInferenceResponseIn": ["SUCCESS_NOTIFICATION_TOPIC"],
        },
    }
    create_endpoint(sagemaker.client("sagemaker"), "telling", asynchronous={"OutputConfig": output})
    located = [
        runtime.invoke_endpoint_async(EndpointName="telling", Body=body, ContentType="audio/mp3", InferenceId=name)
        for name, body in {"Completed": mixture, "Failed": b"no sound"}.items()
    ]
    heard: list[dict[str, Any]] = []

    def all_four() -> bool:
        received = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        heard.extend(json.loads(json.loads(message["Body"])["Message"]) for message in received)
        return len(heard) == 4

    assert eventually(all_four, POLL_SECONDS)
    event = {"eventVersion": "1.0", "eventSource": "aws:sagemaker"}
    assert heard.count({**event, "eventName": "TestNotification"}) == 2  # one for each topic
    results = {message["inferenceId"]: message for message in heard if "inferenceId" in message}
    for name, message in results.items():
        assert {**event, "eventName": "InferenceResult", "awsRegion": "us-east-1"}.items() <= message.items()
        assert message["invocationStatus"] == name
        assert message["receivedTime"] <= message["eventTime"]
        assert (message["requestParameters"]["endpointName"], message["requestParameters"]["contentType"]) == (
            "telling",
            "audio/mp3",
        )
    answered = {"contentType": "application/json", "outputLocation": located[0]["OutputLocation"]}
    assert results["Completed"]["responseParameters"] == answered
    assert json.loads(base64.b64decode(results["Completed"]["responseBody"]["content"]))["data"]
    assert results["Failed"]["failureReason"].startswith("ClientError: Received client error (400) from model.")
    assert "responseBody" not in results["Failed"]


@pytest.mark.parametrize(
    "arguments",
    [
        {"InputLocation": "s3://sounds/input/test.mp3", "InvocationTimeoutSeconds": 3601},
        {"Body": bytes(128_001)},
        {"InputLocation": "s3://sounds/input/test.mp3", "EndpointName": "tagger"},
    ],
    ids=["too-long", "inline-too-large", "real-time-endpoint"],
)
def test_what_sagemaker_itself_refuses(runtime: BaseClient, arguments: dict[str, Any]) -> None:
    with pytest.raises((botocore.exceptions.ClientError, botocore.exceptions.ParamValidationError)):
        runtime.invoke_endpoint_async(**{"EndpointName": ENDPOINT_NAME, "ContentType": "audio/mp3", **arguments})


def test_a_large_recording(runtime: BaseClient, s3: BaseClient, async_container: Container, tmp_path: Path) -> None:
    """64 MiB here, quick enough for every run; tests/container sends 1 GiB."""
    size = 64 << 20
    (tmp_path / "silence.raw").write_bytes(bytes(size))
    s3.upload_file(str(tmp_path / "silence.raw"), "sounds", "input/silence.raw")
    response = runtime.invoke_endpoint_async(
        EndpointName=ENDPOINT_NAME,
        InputLocation="s3://sounds/input/silence.raw",
        ContentType="audio/x-raw; rate=48000; format=s32le; channels=2",
        InvocationTimeoutSeconds=3600,
    )
    metadata = json.loads(read(s3, response["OutputLocation"]))["metadata"]
    assert metadata["size_byte"] == size
    assert metadata["length_sec"] == pytest.approx(size / 8 / 48_000, abs=0.001)
    assert eventually(lambda: spooled(async_container) == [], 5)
