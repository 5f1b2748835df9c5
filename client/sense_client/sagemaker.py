"""Calls of a SageMaker endpoint, real-time and asynchronous, through boto3."""

from __future__ import annotations

import json
import re
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sense_client import aws
from sense_client.errors import CallError, RefusedError, SetupError
from sense_client.http import read_warnings
from sense_client.recording import ANY_CONTENT_TYPE, Recording, TagOptions
from sense_client.results import MalformedResultError, Result
from sense_client.retries import Retries

if TYPE_CHECKING:
    from botocore.client import BaseClient

# A real-time endpoint takes no more. Anything larger goes to an asynchronous one.
MAX_REALTIME_BYTES = 25_000_000
# SageMaker gives up a real-time call after 60 s, and advises to wait for 70.
READ_SECONDS = 70
# Without it SageMaker gives up an asynchronous call after 15 minutes.
INVOCATION_TIMEOUT_SECONDS = 3_600
POLL_SECONDS = 1.0


@dataclass(frozen=True)
class Endpoint:
    """Where to call.

    Attributes:
        name: A real-time endpoint, or an asynchronous one where `is_async` is set.
        async_name: The endpoint for recordings that are too large for `name`; None: `name` as well.
        is_async: Whether all recordings go through S3.
        input_location: ``s3://bucket/prefix`` for what is uploaded; None: ``input/`` in the bucket of the endpoint's
            answers.
        region: AWS's region; None: as configured.
        profile: The profile of AWS's configuration; None: as configured.
    """

    name: str
    async_name: str | None = None
    is_async: bool = False
    input_location: str | None = None
    region: str | None = None
    profile: str | None = None


class SageMakerTransport:
    """Calls an endpoint and waits.

    Args:
        endpoint: Which one.
        retries: When a failed call is made again.
        timeout_seconds: How long an asynchronous answer may take.
        max_connections: How many calls there may be at once.
    """

    def __init__(self, endpoint: Endpoint, retries: Retries, timeout_seconds: float, max_connections: int) -> None:
        self._endpoint, self._retries, self._timeout_seconds = endpoint, retries, timeout_seconds
        clients = _clients(endpoint, max_connections)
        self._runtime, self._control, self._s3 = clients
        self._input_location = endpoint.input_location

    def tag(self, recording: Recording, options: TagOptions) -> Result:
        """Tags a recording.

        Raises:
            CallError: No result came.
            OSError: The recording's file cannot be read.
        """
        if self._endpoint.is_async or recording.size_bytes > MAX_REALTIME_BYTES:
            return self._tag_through_s3(recording, options)
        return self._retries.call(lambda: self._tag_once(recording, options))

    def describe(self) -> dict[str, Any]:
        """Asks the endpoint for its description: versions, model, limits and tags."""
        attributes = json.dumps({"describe": True})

        def once() -> dict[str, Any]:
            answer = self._invoke(b"", ANY_CONTENT_TYPE, attributes)
            description: dict[str, Any] = json.loads(answer["Body"].read())
            return description

        return self._retries.call(once)

    def close(self) -> None:
        """Closes the connections."""
        for client in (self._runtime, self._control, self._s3):
            client.close()

    def _tag_once(self, recording: Recording, options: TagOptions) -> Result:
        attributes = _attributes(recording, options)
        with recording.open() as file:
            answer = self._invoke(file.read(), recording.content_type, attributes)
        with aws.explained():
            return _result(answer["Body"].read(), read_warnings(answer.get("CustomAttributes")))

    def _invoke(self, body: bytes, content_type: str, attributes: str) -> Mapping[str, Any]:
        more = {"CustomAttributes": attributes} if attributes else {}
        with aws.explained():
            answer: Mapping[str, Any] = self._runtime.invoke_endpoint(
                EndpointName=self._endpoint.name, ContentType=content_type, Body=body, **more
            )
        return answer

    def _tag_through_s3(self, recording: Recording, options: TagOptions) -> Result:
        # Without the recording's name: the location travels in a header, which takes ASCII alone.
        bucket, key = aws.bucket_and_key(f"{self._uploads()}/{uuid.uuid4()}")
        with recording.open() as file, aws.explained():
            self._s3.upload_fileobj(file, bucket, key)
        try:
            located = self._retries.call(lambda: self._invoke_async(f"s3://{bucket}/{key}", recording, options))
            return self._awaited(located)
        finally:
            self._delete(bucket, key)

    def _delete(self, bucket: str, key: str) -> None:
        """Removes what was uploaded. Callers who may not delete leave it to the bucket's lifecycle rules."""
        with suppress(CallError), aws.explained():
            self._s3.delete_object(Bucket=bucket, Key=key)

    def _uploads(self) -> str:
        """Where recordings are uploaded to."""
        if self._input_location is None:
            with aws.explained():
                endpoint = self._control.describe_endpoint(EndpointName=self._async_name)
                configuration = self._control.describe_endpoint_config(
                    EndpointConfigName=endpoint["EndpointConfigName"]
                )
            if "AsyncInferenceConfig" not in configuration:
                raise SetupError(
                    f"endpoint {self._async_name} is not asynchronous, and a larger recording than "
                    f"{MAX_REALTIME_BYTES:,} bytes needs one that is"
                )
            output = configuration["AsyncInferenceConfig"]["OutputConfig"]["S3OutputPath"]
            self._input_location = f"s3://{aws.bucket_and_key(output)[0]}/input"
        return self._input_location.rstrip("/")

    @property
    def _async_name(self) -> str:
        return self._endpoint.async_name or self._endpoint.name

    def _invoke_async(self, location: str, recording: Recording, options: TagOptions) -> Mapping[str, Any]:
        attributes = _attributes(recording, options)
        more = {"CustomAttributes": attributes} if attributes else {}
        with aws.explained():
            located: Mapping[str, Any] = self._runtime.invoke_endpoint_async(
                EndpointName=self._async_name,
                InputLocation=location,
                ContentType=recording.content_type,
                InvocationTimeoutSeconds=INVOCATION_TIMEOUT_SECONDS,
                **more,
            )
        return located

    def _awaited(self, located: Mapping[str, Any]) -> Result:
        """Polls until there is an answer or a failure."""
        deadline = time.monotonic() + self._timeout_seconds
        while time.monotonic() < deadline:
            answer = self._read(located["OutputLocation"])
            if answer is not None:
                return _result(answer)
            failure = self._read(located.get("FailureLocation"))
            if failure is not None:
                raise _failure(failure.decode(errors="replace"), located.get("InferenceId"))
            time.sleep(POLL_SECONDS)
        raise RefusedError(f"nothing at {located['OutputLocation']} in time", request_id=located.get("InferenceId"))

    def _read(self, location: str | None) -> bytes | None:
        """An object's bytes, or None as long as it is not there."""
        if location is None:
            return None
        bucket, key = aws.bucket_and_key(location)
        try:
            with aws.explained():
                answer: bytes = self._s3.get_object(Bucket=bucket, Key=key)["Body"].read()
                return answer
        except aws.MissingError:
            return None


def _clients(endpoint: Endpoint, max_connections: int) -> tuple[BaseClient, BaseClient, BaseClient]:
    session = aws.session(endpoint.profile, endpoint.region)
    from botocore.config import Config

    config = Config(
        read_timeout=READ_SECONDS,
        max_pool_connections=max(10, max_connections),
        # Retries of the runtime are this package's, which knows 429 and 503 of the container, too.
        retries={"total_max_attempts": 1},
    )
    with aws.explained():
        runtime = session.client("sagemaker-runtime", config=config)
        return runtime, session.client("sagemaker"), session.client("s3")


def _failure(text: str, inference_id: str | None) -> CallError:
    """What an object at FailureLocation says. AWS publishes no form of it."""
    status = re.search(r"error \((\d{3})\)", text)
    return RefusedError(aws.said(text), status=int(status[1]) if status else None, request_id=inference_id)


def _result(body: bytes, warnings: tuple[str, ...] = ()) -> Result:
    try:
        return Result.from_dict(json.loads(body), warnings=warnings)
    except (MalformedResultError, ValueError) as error:
        raise RefusedError(f"the endpoint is no tagger: {error}") from None


def _attributes(recording: Recording, options: TagOptions) -> str:
    try:
        return options.custom_attributes(recording.name)
    except ValueError as error:
        raise SetupError(str(error)) from None
