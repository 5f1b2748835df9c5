"""The runtime API: invoke_endpoint and invoke_endpoint_async as HTTP requests."""

from __future__ import annotations

import json
import re
import shutil
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import Any, BinaryIO, cast

from botocore.client import BaseClient
from werkzeug.wrappers import Request, Response

from deploy.http_call import Answer
from local_sagemaker import storage
from local_sagemaker.asynchronous import Backlog, Job
from local_sagemaker.containers import error_message, invoke, original_message

PATH = re.compile(r"/endpoints/([^/]+)/(invocations|async-invocations)")
# 25 MB, of a request and of an answer; 6 MB until 2025.
MAX_BODY_BYTES = 25 << 20
MAX_INLINE_BYTES = 128_000
INVOCATION_SECONDS = 60.0
DEFAULT_ASYNC_SECONDS = 900
DEFAULT_TTL_SECONDS = 21_600
KEPT_HEADERS = re.compile(r"content-type|accept|x-amzn-sagemaker-.*", re.IGNORECASE)
RETURNED_HEADERS = ("Content-Type", "X-Amzn-SageMaker-Custom-Attributes")
PREFIX = "X-Amzn-SageMaker-"


class ValidationError(ValueError):
    """A request that SageMaker itself refuses."""


@dataclass(frozen=True)
class Runtime:
    """Answers invocations.

    Attributes:
        container: Base URL of the container behind all endpoints.
        configuration: Name of an endpoint -> its describe_endpoint_config; LookupError if unknown.
        s3: Where asynchronous requests and answers lie.
        backlog: Takes asynchronous requests.
    """

    container: str
    configuration: Callable[[str], Mapping[str, Any]]
    s3: BaseClient
    backlog: Backlog

    def answer(self, request: Request, endpoint: str, *, asynchronous: bool) -> Response:
        """Answers one request for /endpoints/ENDPOINT/..."""
        try:
            try:
                configuration = self.configuration(endpoint)
            except LookupError:
                raise ValidationError(f"Endpoint {endpoint} of account 123456789012 not found.") from None
            settings = configuration.get("AsyncInferenceConfig")
            if asynchronous != bool(settings):
                kind = "asynchronous" if settings else "real-time"
                raise ValidationError(f"Endpoint {endpoint} is {kind}; it does not take this operation.")
            return self._take(request, endpoint, settings) if settings else self._invoke(request)
        except ValidationError as error:
            return refusal("ValidationError", 400, {"Message": str(error)})

    def _invoke(self, request: Request) -> Response:
        if (request.content_length or 0) > MAX_BODY_BYTES:
            raise ValidationError(f"Request size {request.content_length} exceeds the limit of {MAX_BODY_BYTES} bytes.")
        kept = {name: value for name, value in request.headers.items() if KEPT_HEADERS.fullmatch(name)}
        with TemporaryFile() as body:
            shutil.copyfileobj(request.stream, body)
            body.seek(0)
            answer = invoke(self.container, kept, cast(BinaryIO, body), INVOCATION_SECONDS, chunked=False)
        if len(answer.body) > MAX_BODY_BYTES:
            answer = Answer(answer.status, {}, b"could not load the entire response body")
        elif answer.ok:
            headers = {
                name: answer.headers[name.lower()] for name in RETURNED_HEADERS if name.lower() in answer.headers
            }
            return Response(answer.body, 200, {**headers, "x-Amzn-Invoked-Production-Variant": "AllTraffic"})
        return refusal("ModelError", 424, model_error(answer))

    def _take(self, request: Request, endpoint: str, settings: Mapping[str, Any]) -> Response:
        headers = {name[len(PREFIX) :].lower(): text for name, text in request.headers.items() if is_own(name)}
        job_id = str(uuid.uuid4())
        output = settings["OutputConfig"]
        name = headers.get("filename") or f"{job_id}.out"
        folder = output["S3OutputPath"]
        if "s3outputpathextension" in headers:
            folder = storage.join(folder, headers["s3outputpathextension"])
        failures = output.get("S3FailurePath")
        job = Job(
            endpoint=endpoint,
            inference_id=headers.get("inference-id") or job_id,
            input_location=self._input_location(request, headers, folder, job_id),
            output_location=storage.join(folder, name),
            failure_location=storage.join(failures, f"{job_id}-error.out") if failures else None,
            headers=forwarded(headers),
            timeout_seconds=whole_number(headers, "InvocationTimeoutSeconds", DEFAULT_ASYNC_SECONDS, 1, 3600),
            ttl_seconds=whole_number(headers, "RequestTTLSeconds", DEFAULT_TTL_SECONDS, 60, 21_600),
            topics=output.get("NotificationConfig") or {},
        )
        concurrent = (settings.get("ClientConfig") or {}).get("MaxConcurrentInvocationsPerInstance")
        self.backlog.add(job, concurrent)
        located = {f"{PREFIX}OutputLocation": job.output_location}
        if job.failure_location:
            located[f"{PREFIX}FailureLocation"] = job.failure_location
        body = json.dumps({"InferenceId": job.inference_id})
        return Response(body, 202, {"Content-Type": "application/json", **located})

    def _input_location(self, request: Request, headers: Mapping[str, str], folder: str, job_id: str) -> str:
        """Returns the object that the request names, or a new one with the request's body."""
        body = request.get_data()
        location = headers.get("inputlocation")
        if bool(body) == bool(location):
            raise ValidationError("Give either InputLocation or Body.")
        if location:
            try:
                storage.parse(location)
            except ValueError as error:
                raise ValidationError(str(error)) from None
            return location
        if len(body) > MAX_INLINE_BYTES:
            raise ValidationError(f"Body has {len(body)} bytes; {MAX_INLINE_BYTES} are allowed.")
        location = storage.join(folder, f"inline/{job_id}")
        storage.upload(self.s3, location, body, "application/octet-stream")
        return location


def is_own(name: str) -> bool:
    """Says whether a header is one of SageMaker's."""
    return name.lower().startswith(PREFIX.lower())


def forwarded(headers: Mapping[str, str]) -> dict[str, str]:
    """Returns what an asynchronous request's headers become for the container."""
    names = {
        "content-type": "Content-Type",
        "accept": "Accept",
        "custom-attributes": f"{PREFIX}Custom-Attributes",
        "inference-id": f"{PREFIX}Inference-Id",
    }
    return {name: headers[own] for own, name in names.items() if own in headers}


def whole_number(headers: Mapping[str, str], name: str, default: int, lowest: int, highest: int) -> int:
    """Returns a number from a header.

    Raises:
        ValidationError: It is out of range.
    """
    text = headers.get(name.lower(), str(default))
    if not text.isdigit() or not lowest <= int(text) <= highest:
        raise ValidationError(f"{name} is {text}; it must be from {lowest} to {highest}.")
    return int(text)


def model_error(answer: Answer) -> dict[str, object]:
    """Returns the fields of the ModelError that wraps a container's error."""
    return {
        "Message": error_message(answer),
        "OriginalStatusCode": answer.status,
        "OriginalMessage": original_message(answer),
        "LogStreamArn": "",
    }


def refusal(error: str, status: int, fields: Mapping[str, object]) -> Response:
    """Returns an error as the AWS SDKs read it."""
    return Response(json.dumps(fields), status, {"Content-Type": "application/json", "x-amzn-ErrorType": error})
