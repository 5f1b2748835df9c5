"""Real-time inference as a user of SageMaker writes it: boto3, and nothing known of what is behind the endpoint."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import boto3
import botocore.exceptions
import pytest
import requests
from botocore.client import BaseClient

from scripts.torchserve import TorchServe
from tests.support.audio import encode, tone
from tests.support.sagemaker_stand_in import ENDPOINT_NAME, MAX_BODY_BYTES
from tests.support.toy_model import SAMPLE_RATE

CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "nobody",
    "AWS_SECRET_ACCESS_KEY": "nothing",
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}

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
def mixture() -> bytes:
    """Three seconds of MP3: Siren at 0.2, Speech at 0.3 and Laughter at 0.6 (each tag's threshold is 0.5)."""
    parts = [tone(hertz, amplitude, 3, SAMPLE_RATE) for hertz, amplitude in ((1000, 0.2), (500, 0.3), (2000, 0.6))]
    return bytes(encode(parts[0] + parts[1] + parts[2], SAMPLE_RATE, "mp3"))


@pytest.fixture(scope="module")
def client(sagemaker_url: str) -> BaseClient:
    session = boto3.Session("nobody", "nothing", region_name="us-east-1")
    return session.client("sagemaker-runtime", endpoint_url=sagemaker_url)


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
def test_a_users_script(script: str, expected: list[str], sagemaker_url: str, mixture: bytes, tmp_path: Path) -> None:
    (tmp_path / "test.mp3").write_bytes(mixture)
    environment = {**os.environ, **CREDENTIALS, "AWS_ENDPOINT_URL_SAGEMAKER_RUNTIME": sagemaker_url}
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


def test_own_headers_do_not_pass_through_sagemaker(sagemaker_url: str, mixture: bytes) -> None:
    headers = {"Content-Type": "audio/mp3", "X-Filename": "lost.mp3", "X-Default-Sensitivity": "2"}
    url = f"{sagemaker_url}/endpoints/{ENDPOINT_NAME}/invocations"
    answer = requests.post(url, data=mixture, headers=headers, timeout=60).json()
    assert answer["metadata"]["name"] == "sagemaker_input"
    assert names(answer) == [["Laughter"]] * 2


def test_a_request_above_sagemakers_limit_never_reaches_the_container(client: BaseClient) -> None:
    with pytest.raises(botocore.exceptions.ClientError) as raised:
        client.invoke_endpoint(EndpointName=ENDPOINT_NAME, ContentType="audio/wav", Body=bytes(MAX_BODY_BYTES + 1))
    assert raised.value.response["Error"]["Code"] == "ValidationError"


def test_the_stock_containers_archive_tags(stock_container: TorchServe, mixture: bytes) -> None:
    """Its sensitivity comes from the environment, as that of a batch transform job must."""
    headers = {"Content-Type": "audio/mp3"}
    answer = requests.post(f"{stock_container.url}/invocations", data=mixture, headers=headers, timeout=60).json()
    reported = [{tag["name"] for tag in window["tags"]} & {"Siren", "Laughter"} for window in answer["data"]]
    assert reported == [set(), set()]
    headers["X-Amzn-SageMaker-Custom-Attributes"] = 'X-Default-Sensitivity=2,X-Tags-Sensitivity={"Laughter": 0}'
    answer = requests.post(f"{stock_container.url}/invocations", data=mixture, headers=headers, timeout=60).json()
    reported = [{tag["name"] for tag in window["tags"]} & {"Siren", "Laughter"} for window in answer["data"]]
    assert reported == [{"Siren", "Laughter"}] * 2
