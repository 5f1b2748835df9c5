"""Real-time inference as a user of SageMaker writes it: boto3, and nothing known of what is behind the endpoint."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import botocore.exceptions
import pytest
import requests
from botocore.client import BaseClient

from local_sagemaker.gateway import LocalSageMaker
from local_sagemaker.runtime import MAX_BODY_BYTES
from tests.e2e.conftest import clean_environment
from tests.support.audio import encode_raw, tone

ENDPOINT_NAME = "tagger"
AWS = Path(sys.executable).with_name("aws")

# What a user's script looks like; where the endpoint is stands in the environment.
PLAIN_CALL = """
import boto3

client = boto3.client("sagemaker-runtime")
with open("test.mp3", "rb") as file:
    response = client.invoke_endpoint(EndpointName="tagger", ContentType="audio/mp3", Body=file.read())
print(response["Body"].read().decode("utf-8"))
"""

CALL_WITH_SENSITIVITY = """
import boto3
import json

client = boto3.client("sagemaker-runtime")
tags_sensitivity = json.dumps({"Siren": 2, "Laughter": -2})
custom_attributes = f"X-Default-Sensitivity=1,X-Tags-Sensitivity={tags_sensitivity}"
with open("test.mp3", "rb") as file:
    response = client.invoke_endpoint(
        EndpointName="tagger", ContentType="audio/mp3", CustomAttributes=custom_attributes, Body=file.read()
    )
print(response["Body"].read().decode("utf-8"))
"""


@pytest.fixture(scope="module")
def client(sagemaker: LocalSageMaker) -> BaseClient:
    return sagemaker.client("sagemaker-runtime")


def names(answer: dict[str, Any]) -> list[list[str]]:
    """Returns the tags of each window."""
    return [[tag["name"] for tag in window["tags"]] for window in answer["data"]]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        (PLAIN_CALL, ["Laughter"]),
        # At sensitivity 1 the threshold is 0.27, at 2 it is 0.12, at -2 it is 0.88.
        (CALL_WITH_SENSITIVITY, ["Speech", "Siren"]),
    ],
    ids=["plain", "with-sensitivity"],
)
def test_a_users_script(
    script: str, expected: list[str], sagemaker: LocalSageMaker, mixture: bytes, tmp_path: Path
) -> None:
    (tmp_path / "test.mp3").write_bytes(mixture)
    environment = clean_environment(**sagemaker.environment())
    command = [sys.executable, "-c", script]
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    answer = json.loads(run.stdout)
    assert names(answer) == [expected, expected]
    assert answer["metadata"] == {
        "content_type": "audio/mp3",
        "length_sec": pytest.approx(3.0, abs=0.1),
        "size_byte": len(mixture),
        "name": "sagemaker_input",
    }
    assert [(window["start_time"], window["end_time"]) for window in answer["data"]] == [(0, 2), (1, 3)]


@pytest.mark.parametrize(
    "attributes",
    [
        'X-Default-Sensitivity=1,X-Tags-Sensitivity={"Siren": 2, "Laughter": -2}',
        '{"default_sensitivity": 1, "tags_sensitivity": {"Siren": 2, "Laughter": -2}}',
        'Sensitivity={"default_sensitivity": 1, "tags_sensitivity": {"Siren": 2, "Laughter": -2}}',
    ],
)
def test_every_form_of_custom_attributes(client: BaseClient, mixture: bytes, attributes: str) -> None:
    response = client.invoke_endpoint(
        EndpointName=ENDPOINT_NAME, ContentType="audio/mp3", CustomAttributes=attributes, Body=mixture
    )
    assert names(json.load(response["Body"])) == [["Speech", "Siren"]] * 2
    assert response["ContentType"] == "application/json"


def test_an_unknown_tag_is_warned_of(client: BaseClient, mixture: bytes) -> None:
    response = client.invoke_endpoint(
        EndpointName=ENDPOINT_NAME,
        ContentType="audio/mp3",
        CustomAttributes='X-Tags-Sensitivity={"Yodelling": 1}',
        Body=mixture,
    )
    assert names(json.load(response["Body"])) == [["Laughter"]] * 2
    (warning,) = json.loads(response["CustomAttributes"])["warnings"]
    assert "Yodelling" in warning


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        ({"ContentType": "text/plain"}, 415, "text/plain"),
        ({"ContentType": "audio/mp3", "CustomAttributes": "X-Default-Sensitivity=3"}, 400, "3"),
        ({"ContentType": "audio/mp3", "Body": b"no sound at all"}, 400, "audio"),
    ],
)
def test_a_users_error_arrives_whole(
    client: BaseClient, mixture: bytes, arguments: dict[str, Any], status: int, message: str
) -> None:
    with pytest.raises(client.exceptions.ModelError) as raised:
        client.invoke_endpoint(**{"EndpointName": ENDPOINT_NAME, "Body": mixture, **arguments})
    response: dict[str, Any] = raised.value.response
    original = json.loads(response["OriginalMessage"])
    assert response["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert response["OriginalStatusCode"] == original["status_code"] == status
    assert message in original["error"]


def test_own_headers_do_not_pass_through_sagemaker(sagemaker: LocalSageMaker, mixture: bytes) -> None:
    headers = {"Content-Type": "audio/mp3", "X-Filename": "lost.mp3", "X-Default-Sensitivity": "2"}
    url = f"{sagemaker.url}/endpoints/{ENDPOINT_NAME}/invocations"
    answer = requests.post(url, data=mixture, headers=headers, timeout=60).json()
    assert answer["metadata"]["name"] == "sagemaker_input"
    assert names(answer) == [["Laughter"]] * 2


def test_a_request_above_sagemakers_limit_never_reaches_the_container(client: BaseClient) -> None:
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        client.invoke_endpoint(EndpointName=ENDPOINT_NAME, ContentType="audio/wav", Body=bytes(MAX_BODY_BYTES + 1))
    assert raised.value.response["Error"]["Code"] == "ValidationError"


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ([], ["Laughter"]),
        (
            ["--custom-attributes", 'X-Default-Sensitivity=1,X-Tags-Sensitivity={"Siren": 2, "Laughter": -2}'],
            ["Speech", "Siren"],
        ),
    ],
    ids=["plain", "with-sensitivity"],
)
def test_the_aws_cli(
    sagemaker: LocalSageMaker, mixture: bytes, tmp_path: Path, attributes: list[str], expected: list[str]
) -> None:
    (tmp_path / "test.mp3").write_bytes(mixture)
    command = [str(AWS), "sagemaker-runtime", "invoke-endpoint", "--endpoint-name", ENDPOINT_NAME]
    command += ["--content-type", "audio/mp3", *attributes, "--body", "fileb://test.mp3", "response.json"]
    environment = clean_environment(**sagemaker.environment())
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert names(json.loads((tmp_path / "response.json").read_text())) == [expected, expected]


@pytest.mark.parametrize(("sample_format", "channels"), [("s16le", 1), ("s24be", 2), ("f32le", 1)])
def test_raw_samples(client: BaseClient, sample_format: str, channels: int) -> None:
    mono = tone(1000, 0.8, 3.012, 22_050)
    body = encode_raw(mono if channels == 1 else mono[:, None].repeat(channels, axis=1), 22_050, sample_format)
    content_type = f"audio/x-raw; rate=22050; format={sample_format}; channels={channels}"
    response = client.invoke_endpoint(EndpointName=ENDPOINT_NAME, ContentType=content_type, Body=bytes(body))
    answer = json.load(response["Body"])
    assert answer["metadata"]["content_type"] == content_type
    assert answer["metadata"]["length_sec"] == 3.012
    assert [window["tags"][0]["probability"] for window in answer["data"]] == pytest.approx([0.8, 0.8], abs=0.002)


def test_the_largest_request_that_sagemaker_passes_on(client: BaseClient) -> None:
    body = bytes(MAX_BODY_BYTES)  # silence
    content_type = "audio/x-raw; rate=48000; format=s16le; channels=2"
    response = client.invoke_endpoint(EndpointName=ENDPOINT_NAME, ContentType=content_type, Body=body)
    assert json.load(response["Body"])["metadata"]["size_byte"] == MAX_BODY_BYTES


def test_an_unknown_endpoint(client: BaseClient) -> None:
    with pytest.raises(botocore.exceptions.ClientError, match="not found"):
        client.invoke_endpoint(EndpointName="nobody", ContentType="audio/wav", Body=b"RIFF")


def test_the_model_is_described_through_the_one_path(client: BaseClient) -> None:
    answer = client.invoke_endpoint(EndpointName=ENDPOINT_NAME, CustomAttributes='{"describe": true}', Body=b"")
    description = json.loads(answer["Body"].read())
    assert (description["name"], [tag["threshold"] for tag in description["tags"]]) == ("toy", [0.5] * 4)


def test_all_probabilities_come_through_sagemaker(client: BaseClient, mixture: bytes) -> None:
    answer = client.invoke_endpoint(
        EndpointName=ENDPOINT_NAME,
        ContentType="audio/mp3",
        CustomAttributes='{"all_probabilities": true}',
        Body=mixture,
    )
    for window in json.loads(answer["Body"].read())["data"]:
        assert list(window["probabilities"].values()) == pytest.approx([0, 0.3, 0.2, 0.6], abs=0.05)
