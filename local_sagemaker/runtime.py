"""The runtime API: invoke_endpoint and invoke_endpoint_async as HTTP requests."""

from __future__ import annotations

import json
import logging
import re
import shutil
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Semaphore
from typing import Any

from botocore.client import BaseClient
from werkzeug.wrappers import Request, Response

from deploy.http_call import Answer
from local_sagemaker import storage
from local_sagemaker.asynchronous import Backlog, Job
from local_sagemaker.aws import ACCOUNT, AwsError, identified, refusal
from local_sagemaker.containers import error_message, invoke, is_reachable, original_message
from local_sagemaker.control import constraints
from local_sagemaker.control.endpoints import Endpoint, Variant

PATH = re.compile(r"/endpoints/([^/]+)/(invocations|async-invocations|invocations-response-stream)")
OPERATIONS = {"invocations": "InvokeEndpoint", "async-invocations": "InvokeEndpointAsync"}
# 25 MB, of a request and of an answer; 6 MB until 2025.
MAX_BODY_BYTES = 25 << 20
MAX_INLINE_BYTES = 128_000
INVOCATION_SECONDS = 60.0
DEFAULT_ASYNC_SECONDS = 900
DEFAULT_TTL_SECONDS = 21_600
# Requests at once, each of which has a thread here.
MAX_REQUESTS = 500
# An endpoint that a CloudFormation stack made is waited for: AWS ends the stack's creation when it is ready.
STACK_SECONDS = 60.0
KEPT_HEADERS = re.compile(r"content-type|accept|x-amzn-sagemaker-.*", re.IGNORECASE)
RETURNED_HEADERS = ("Content-Type", "X-Amzn-SageMaker-Custom-Attributes")
PREFIX = "X-Amzn-SageMaker-"
# The members of InvokeEndpoint that speak of what is not here.
UNSUPPORTED = ("TargetModel", "TargetContainerHostname", "InferenceComponentName", "EnableExplanations")
FORWARDED = {
    "ContentType": "Content-Type",
    "Accept": "Accept",
    "CustomAttributes": f"{PREFIX}Custom-Attributes",
    "InferenceId": f"{PREFIX}Inference-Id",
}

logger = logging.getLogger(__name__)


def wrong(message: str) -> AwsError:
    """Returns the error of a request that SageMaker itself refuses."""
    return AwsError("ValidationError", message)


@dataclass(frozen=True)
class Runtime:
    """Answers invocations.

    Attributes:
        find_endpoint: Name -> endpoint, or None.
        s3: Where asynchronous requests and answers lie.
        backlog: Takes asynchronous requests.
        places: One for each request at once.
    """

    find_endpoint: Callable[[str], Endpoint | None]
    s3: BaseClient
    backlog: Backlog
    places: Semaphore = field(default_factory=lambda: Semaphore(MAX_REQUESTS))

    def answer(self, request: Request, name: str, path: str) -> Response:
        """Answers one request for /endpoints/NAME/PATH."""
        if not self.places.acquire(blocking=False):
            return refusal(AwsError("ThrottlingException", "Rate exceeded"))
        try:
            return identified(self._answer(request, name, path))
        except AwsError as error:
            return refusal(error)
        except Exception:  # whatever it is, the answer is AWS's
            logger.exception("endpoint %s", name)
            return refusal(AwsError("InternalFailure", "An internal failure occurred.", 500))
        finally:
            self.places.release()

    def _answer(self, request: Request, name: str, path: str) -> Response:
        if path not in OPERATIONS:
            raise wrong("InvokeEndpointWithResponseStream is not supported by the local SageMaker")
        headers = {key.lower(): utf8(text) for key, text in request.headers.items()}
        asked = constraints.from_headers(OPERATIONS[path], headers)
        broken = constraints.violations(
            "sagemaker-runtime", OPERATIONS[path], {"EndpointName": name, "Body": b"", **asked}
        )
        if broken:
            raise wrong(broken)
        for member in UNSUPPORTED:
            if member in asked:
                raise wrong(f"{member} is not supported by the local SageMaker")
        endpoint = self._serving(name)
        settings = endpoint.config.get("AsyncInferenceConfig")
        if (path == "async-invocations") != bool(settings):
            kind = "asynchronous" if settings else "real-time"
            raise wrong(f"Endpoint {name} is {kind}; it does not take this operation.")
        return self._take(request, endpoint, asked) if settings else self._invoke(request, endpoint, asked, headers)

    def _serving(self, name: str) -> Endpoint:
        endpoint = self.find_endpoint(name)
        if endpoint and endpoint.stack_config and not endpoint.variants and not endpoint.settled.wait(STACK_SECONDS):
            raise AwsError("ModelNotReadyException", f"The model of endpoint {name} is not ready yet.", 429)
        if endpoint is None or not endpoint.variants:
            raise wrong(f"Endpoint {name} of account {ACCOUNT} not found.")
        return endpoint

    def _invoke(
        self, request: Request, endpoint: Endpoint, asked: Mapping[str, Any], headers: Mapping[str, str]
    ) -> Response:
        if (request.content_length or 0) > MAX_BODY_BYTES:
            raise wrong(f"Request size {request.content_length} exceeds the limit of {MAX_BODY_BYTES} bytes.")
        kept = {name: text for name, text in headers.items() if KEPT_HEADERS.fullmatch(name)}
        with storage.new_body() as body:
            shutil.copyfileobj(request.stream, body)
            if body.tell() > MAX_BODY_BYTES:  # a chunked one
                raise wrong(f"Request size {body.tell()} exceeds the limit of {MAX_BODY_BYTES} bytes.")
            try:
                with endpoint.calling(asked.get("TargetVariant")) as variant:
                    answer = invoke(variant.url, kept, body, INVOCATION_SECONDS, chunked=False)
                    return self._returned(answer, variant)
            except LookupError:
                raise wrong(f"Variant {asked['TargetVariant']} does not exist in endpoint {endpoint.name}.") from None

    def _returned(self, answer: Answer, variant: Variant) -> Response:
        if answer.status == 0 and not is_reachable(variant.url):
            raise AwsError("ServiceUnavailable", "The service is unavailable. Try your call again.", 503)
        if len(answer.body) > MAX_BODY_BYTES:
            answer = Answer(answer.status, {}, b"could not load the entire response body")
        elif answer.ok:
            headers = {
                name: answer.headers[name.lower()] for name in RETURNED_HEADERS if name.lower() in answer.headers
            }
            return Response(answer.body, 200, {**headers, "x-Amzn-Invoked-Production-Variant": variant.name})
        raise model_error(answer)

    def _take(self, request: Request, endpoint: Endpoint, asked: Mapping[str, Any]) -> Response:
        settings = endpoint.config["AsyncInferenceConfig"]
        job_id = str(uuid.uuid4())
        output = settings["OutputConfig"]
        folder = output["S3OutputPath"]
        if "S3OutputPathExtension" in asked:
            folder = storage.join(folder, asked["S3OutputPathExtension"])
        failures = output.get("S3FailurePath")
        job = Job(
            endpoint=endpoint.name,
            inference_id=asked.get("InferenceId") or job_id,
            input_location=self._input_location(request, asked, folder, job_id),
            output_location=storage.join(folder, asked.get("Filename") or f"{job_id}.out"),
            failure_location=storage.join(failures, f"{job_id}-error.out") if failures else None,
            headers={header: asked[member] for member, header in FORWARDED.items() if member in asked},
            timeout_seconds=asked.get("InvocationTimeoutSeconds", DEFAULT_ASYNC_SECONDS),
            ttl_seconds=asked.get("RequestTTLSeconds", DEFAULT_TTL_SECONDS),
            notification=output.get("NotificationConfig") or {},
        )
        self.backlog.add(job, (settings.get("ClientConfig") or {}).get("MaxConcurrentInvocationsPerInstance"))
        located = {f"{PREFIX}OutputLocation": job.output_location}
        if job.failure_location:
            located[f"{PREFIX}FailureLocation"] = job.failure_location
        body = json.dumps({"InferenceId": job.inference_id})
        return Response(body, 202, {"Content-Type": "application/json", **located})

    def _input_location(self, request: Request, asked: Mapping[str, Any], folder: str, job_id: str) -> str:
        """Returns the object that the request names, or a new one with the request's body."""
        if (request.content_length or 0) > MAX_INLINE_BYTES:
            raise wrong(f"Body has {request.content_length} bytes; {MAX_INLINE_BYTES} are allowed.")
        body, location = request.get_data(), asked.get("InputLocation")
        if bool(body) == bool(location):
            raise wrong("Give either InputLocation or Body.")
        if location:
            try:
                storage.parse(location)
            except ValueError as error:
                raise wrong(str(error)) from None
            return str(location)
        location = storage.join(folder, f"inline/{job_id}")
        storage.upload(self.s3, location, body, "application/octet-stream")
        return location


def utf8(text: str) -> str:
    """Returns a header's value as its sender wrote it: HTTP's own encoding is Latin-1, boto3 sends UTF-8."""
    try:
        return text.encode("latin-1").decode()
    except UnicodeError:
        return text


def model_error(answer: Answer) -> AwsError:
    """Returns the error that wraps a container's."""
    fields = {
        "OriginalStatusCode": answer.status,
        "OriginalMessage": original_message(answer),
        "LogStreamArn": "",
    }
    return AwsError("ModelError", error_message(answer), 424, fields)
