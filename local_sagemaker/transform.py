"""Transform jobs: each object under a prefix goes through a container, its answer under the same name plus .out."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from botocore.client import BaseClient
from botocore.exceptions import ClientError

from deploy.http_call import Answer
from local_sagemaker import storage
from local_sagemaker.containers import error_message, get, invoke

logger = logging.getLogger(__name__)

# SageMaker's own defaults, and what it allows.
DEFAULT_PAYLOAD_MB = 6
DEFAULT_SECONDS = 600
DEFAULT_RETRIES = 3
MEBIBYTE = 1 << 20
# Statuses that another try can change: too many requests, and faults of the server. 0: no answer in time.
WORTH_ANOTHER_TRY = (0, 429, 500, 502, 503, 504)
RETRY_SECONDS = 1.0

# Environment -> a container with it, started and healthy, by its base URL.
StartContainer = Callable[[Mapping[str, str]], AbstractContextManager[str]]


@dataclass(frozen=True)
class Limits:
    """How a job calls its container.

    Attributes:
        concurrent: Invocations at once.
        payload_bytes: The largest object; 0: any.
        timeout_seconds: For one invocation.
        retries: Further tries of one invocation.
    """

    concurrent: int
    payload_bytes: int
    timeout_seconds: float
    retries: int


def environment(request: Mapping[str, Any], model: Mapping[str, str]) -> dict[str, str]:
    """Returns the variables that SageMaker gives the container of a job.

    Args:
        request: The CreateTransformJob request.
        model: The model's own variables; the job's override them.
    """
    return {
        **model,
        **(request.get("Environment") or {}),
        "SAGEMAKER_BATCH": "true",
        "SAGEMAKER_BATCH_STRATEGY": request.get("BatchStrategy") or "SINGLE_RECORD",
        "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": str(request.get("MaxConcurrentTransforms") or 0),
        "SAGEMAKER_MAX_PAYLOAD_IN_MB": str(_payload_mb(request)),
    }


def run(request: Mapping[str, Any], model: Mapping[str, str], s3: BaseClient, start: StartContainer) -> str | None:
    """Runs a job to its end.

    Returns:
        Why it failed, or None. Objects that could be answered are answered in both cases.
    """
    try:
        with start(environment(request, model)) as url:
            limits = read_limits(request, json.loads(get(url, "/execution-parameters").body or b"{}"))
            source = request["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"]
            found = storage.keys(s3, source)
            if not found:
                return f"ClientError: no objects found under {source}"
            with ThreadPoolExecutor(limits.concurrent) as pool:
                results = pool.map(lambda key: transform(request, key, s3, url, limits), found)
            errors = [error for error in results if error is not None]
            return f"ClientError: {len(errors)} of {len(found)} objects failed; {errors[0]}" if errors else None
    except Exception as error:  # whatever it is, the job must not stay InProgress
        logger.exception("transform job %s", request["TransformJobName"])
        return f"InternalServerError: {error}"


def read_limits(request: Mapping[str, Any], proposed: Mapping[str, Any]) -> Limits:
    """Returns the request's limits; /execution-parameters of the container say what it leaves out."""
    client = request.get("ModelClientConfig") or {}
    return Limits(
        concurrent=request.get("MaxConcurrentTransforms") or proposed.get("MaxConcurrentTransforms") or 1,
        payload_bytes=_payload_mb(request, proposed.get("MaxPayloadInMB")) * MEBIBYTE,
        timeout_seconds=client.get("InvocationsTimeoutInSeconds") or DEFAULT_SECONDS,
        retries=client.get("InvocationsMaxRetries", DEFAULT_RETRIES),
    )


def transform(request: Mapping[str, Any], key: str, s3: BaseClient, url: str, limits: Limits) -> str | None:
    """Sends one object through the container; returns why that failed, or None."""
    source, target = request["TransformInput"], request["TransformOutput"]
    bucket, prefix = storage.parse(source["DataSource"]["S3DataSource"]["S3Uri"])
    headers = {}
    if source.get("ContentType"):
        headers["Content-Type"] = source["ContentType"]
    if target.get("Accept"):
        headers["Accept"] = target["Accept"]
    try:
        answer = _invoke(f"s3://{bucket}/{key}", headers, s3, url, limits)
    except ClientError as error:  # it was removed since it was listed
        return f"{key}: {error}"
    if not answer.ok:
        return f"{key}: {error_message(answer)}"
    relative = key.removeprefix(f"{prefix}/") if key.startswith(f"{prefix}/") else key[prefix.rfind("/") + 1 :]
    content_type = answer.headers.get("content-type", "application/octet-stream")
    storage.upload(s3, storage.join(target["S3OutputPath"], f"{relative}.out"), answer.body, content_type)
    return None


def _invoke(location: str, headers: Mapping[str, str], s3: BaseClient, url: str, limits: Limits) -> Answer:
    with storage.downloaded(s3, location) as body:
        size = os.fstat(body.fileno()).st_size
        if 0 < limits.payload_bytes < size:
            message = f"the object has {size} bytes, more than MaxPayloadInMB allows ({limits.payload_bytes})"
            return Answer(413, {}, message.encode())
        for _ in range(limits.retries):
            answer = invoke(url, headers, body, limits.timeout_seconds, chunked=True)
            if answer.status not in WORTH_ANOTHER_TRY:
                return answer
            time.sleep(RETRY_SECONDS)
            body.seek(0)
        return invoke(url, headers, body, limits.timeout_seconds, chunked=True)


def _payload_mb(request: Mapping[str, Any], proposed: int | None = None) -> int:
    given = request.get("MaxPayloadInMB")
    return int(given if given is not None else proposed if proposed is not None else DEFAULT_PAYLOAD_MB)
