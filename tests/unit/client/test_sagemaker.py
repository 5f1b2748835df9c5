"""The client against SageMaker: the local one in front of a scripted container, and errors that only AWS makes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError, ConnectionClosedError
from botocore.stub import Stubber

from local_sagemaker import storage
from local_sagemaker.gateway import LocalSageMaker, create_endpoint
from local_sagemaker.gateway import running as run_sagemaker
from sense_client import (
    CallError,
    Client,
    DroppedError,
    Endpoint,
    Recording,
    RefusedError,
    Retries,
    SetupError,
    TagOptions,
    UnavailableError,
    sagemaker,
)
from tests.support.scripted_server import Reply, Server, answer, in_turn, running

pytestmark = pytest.mark.slow

QUICK = Retries(max_tries=3, first_wait_seconds=0.001)
GOOD = Reply(200, answer("Siren"))
REFUSAL = Reply(400, {"status_code": 400, "error": "no audio in 4 bytes"})
BUSY = Reply(429, {"status_code": 429, "error": "too many requests"})
ASYNC = Endpoint("tagger", async_name="tagger-async")


@pytest.fixture(scope="module")
def container() -> Iterator[Server]:
    with running(in_turn(GOOD)) as server:
        yield server


@pytest.fixture(scope="module")
def aws(container: Server) -> Iterator[LocalSageMaker]:
    def start_nothing(*_: object) -> object:
        raise NotImplementedError

    with run_sagemaker(container.url, start_nothing) as local:  # type: ignore[arg-type]
        local.client("s3").create_bucket(Bucket="sounds")
        create_endpoint(local.client("sagemaker"), "tagger")
        output = {"S3OutputPath": "s3://sounds/output", "S3FailurePath": "s3://sounds/failures"}
        create_endpoint(local.client("sagemaker"), "tagger-async", asynchronous={"OutputConfig": output})
        yield local


@pytest.fixture(autouse=True)
def environment(aws: LocalSageMaker, container: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in aws.environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sagemaker, "POLL_SECONDS", 0.01)
    container.requests.clear()
    container.script = in_turn(GOOD)


def client(endpoint: str | Endpoint = "tagger") -> Client:
    return Client(endpoint=endpoint, retries=QUICK)


def uploads(aws: LocalSageMaker) -> list[str]:
    return list(storage.keys(aws.client("s3"), "s3://sounds/input/"))


def test_a_realtime_call(container: Server) -> None:
    container.script = in_turn(
        Reply(200, answer("Siren"), {"X-Amzn-SageMaker-Custom-Attributes": '{"warnings": ["odd"]}'})
    )
    result = client().tag(b"body", name="naïve.mp3", content_type="audio/mp3", options=TagOptions(2))
    assert result.windows[0].tags[0].name == "Siren"
    assert result.warnings == ("odd",)
    (request,) = container.requests
    assert (request.body, request.headers["content-type"]) == (b"body", "audio/mp3")
    attributes = json.loads(request.headers["x-amzn-sagemaker-custom-attributes"])
    assert attributes == {"default_sensitivity": 2, "filename": "UTF-8''na%C3%AFve.mp3"}


def test_an_error_of_the_model_is_the_taggers_own(container: Server) -> None:
    container.script = in_turn(REFUSAL)
    with pytest.raises(RefusedError) as caught:
        client().tag(b"body")
    assert (caught.value.status, caught.value.text) == (400, "no audio in 4 bytes")
    assert len(container.requests) == 1


def test_a_busy_model_is_asked_again(container: Server) -> None:
    container.script = in_turn(BUSY, BUSY, GOOD)
    assert client().tag(b"body").windows
    container.script = in_turn(BUSY)
    with pytest.raises(UnavailableError, match="status 429: too many requests"):
        client().tag(b"body")


def test_a_large_recording_goes_through_s3(
    container: Server, aws: LocalSageMaker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sagemaker, "MAX_REALTIME_BYTES", 10)
    (tmp_path / "long.wav").write_bytes(b"more than ten")
    result = client(ASYNC).tag(tmp_path / "long.wav", options=TagOptions(-1))
    assert result.windows[0].tags[0].name == "Siren"
    (request,) = container.requests
    assert request.body == b"more than ten"
    attributes = json.loads(request.headers["x-amzn-sagemaker-custom-attributes"])
    assert attributes == {"default_sensitivity": -1, "filename": "long.wav"}
    assert uploads(aws) == []


def test_an_asynchronous_failure_is_the_taggers_own(container: Server, aws: LocalSageMaker) -> None:
    container.script = in_turn(REFUSAL)
    with pytest.raises(RefusedError) as caught:
        client(Endpoint("tagger-async", is_async=True)).tag(b"body")
    assert (caught.value.status, caught.value.text) == (400, "no audio in 4 bytes")
    assert uploads(aws) == []


def test_a_place_of_ones_own_for_uploads(aws: LocalSageMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[str] = []
    monkeypatch.setattr(sagemaker.SageMakerTransport, "_delete", lambda _, bucket, key: kept.append(f"{bucket}/{key}"))
    assert client(Endpoint("tagger-async", is_async=True, input_location="s3://sounds/mine/")).tag(b"body").windows
    (place,) = kept
    assert place.startswith("sounds/mine/")
    assert place.removeprefix("sounds/") in storage.keys(aws.client("s3"), "s3://sounds/mine/")


def test_an_hour_is_asked_for() -> None:
    asked = {
        "EndpointName": "tagger-async",
        "InputLocation": "s3://b/k",
        "ContentType": "audio/mp3",
        "InvocationTimeoutSeconds": 3600,
    }
    calls = client(Endpoint("tagger-async", is_async=True))
    transport = calls.transport
    assert isinstance(transport, sagemaker.SageMakerTransport)
    with Stubber(transport._runtime) as stub:
        stub.add_response("invoke_endpoint_async", {"OutputLocation": "s3://b/o"}, asked)
        recording = Recording(b"body", None, "audio/mp3")
        assert transport._invoke_async("s3://b/k", recording, TagOptions())["OutputLocation"] == "s3://b/o"


def test_a_realtime_endpoint_takes_no_large_recording(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sagemaker, "MAX_REALTIME_BYTES", 1)
    with pytest.raises(SetupError, match="endpoint tagger is not asynchronous"):
        client().tag(b"body")


def test_an_unknown_endpoint() -> None:
    with pytest.raises(SetupError, match="nowhere"):
        client("nowhere").tag(b"body")


def test_no_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    with pytest.raises(SetupError, match="credentials"):
        client().tag(b"body")


def test_an_unknown_profile() -> None:
    with pytest.raises(SetupError, match="nobody"):
        client(Endpoint("tagger", profile="nobody"))


@pytest.mark.parametrize(
    ("code", "status", "kind", "num_calls"),
    [
        ("ThrottlingException", 400, UnavailableError, 3),
        ("ServiceUnavailable", 503, UnavailableError, 3),
        ("AccessDeniedException", 403, SetupError, 1),
    ],
)
def test_errors_of_aws(code: str, status: int, kind: type[CallError], num_calls: int) -> None:
    calls = client()
    runtime: BaseClient = calls.transport._runtime  # type: ignore[attr-defined]
    with Stubber(runtime) as stub:
        for _ in range(num_calls):
            stub.add_client_error("invoke_endpoint", code, "said AWS", status)
        with pytest.raises(kind, match=f"status {status}: {code}: said AWS"):
            calls.tag(b"body")
        stub.assert_no_pending_responses()


def test_a_connection_that_breaks_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = client()
    num_calls = 0

    def breaks(**_: object) -> None:
        nonlocal num_calls
        num_calls += 1
        raise ConnectionClosedError(endpoint_url="https://runtime")

    monkeypatch.setattr(calls.transport._runtime, "invoke_endpoint", breaks)  # type: ignore[attr-defined]
    with pytest.raises(DroppedError):
        calls.tag(b"body")
    assert num_calls == 3


def test_the_description(container: Server) -> None:
    container.script = in_turn(Reply(200, {"tags": [{"name": "Siren", "category": "Emergency", "threshold": 0.5}]}))
    assert [tag.name for tag in client().tags()] == ["Siren"]
    (request,) = container.requests
    assert request.body == b""
    assert json.loads(request.headers["x-amzn-sagemaker-custom-attributes"]) == {"describe": True}


def test_the_cause_stays_with_the_error(container: Server) -> None:
    container.script = in_turn(REFUSAL)
    with pytest.raises(RefusedError) as caught:
        client().tag(b"body")
    assert isinstance(caught.value.__cause__, ClientError)
