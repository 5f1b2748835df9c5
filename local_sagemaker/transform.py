"""Transform jobs: each object goes through a container, its answer under the same name plus .out."""

from __future__ import annotations

import contextlib
import gzip
import json
import shutil
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, BinaryIO

from botocore.client import BaseClient
from botocore.exceptions import ClientError

from deploy.http_call import Answer
from local_sagemaker import storage
from local_sagemaker.aws import invalid
from local_sagemaker.containers import error_message, get, invoke, is_reachable

# SageMaker's own defaults, and what it allows.
DEFAULT_PAYLOAD_MB = 6
MAX_PAYLOAD_MB = 100
DEFAULT_SECONDS = 600
DEFAULT_RETRIES = 3
MEBIBYTE = 1 << 20
# Statuses that another try can change: too many requests, and faults of the server. 0: no answer in time.
WORTH_ANOTHER_TRY = (0, 429, 500, 502, 503, 504)
RETRY_SECONDS = 1.0
STRATEGIES = {"MultiRecord": "MULTI_RECORD", "SingleRecord": "SINGLE_RECORD"}


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


@dataclass(frozen=True)
class Source:
    """One object of a job.

    Attributes:
        bucket: Where it lies.
        key: Its key.
        name: Its part of the answer's key.
    """

    bucket: str
    key: str
    name: str


def check(request: Mapping[str, Any]) -> None:
    """Raises AwsError where a CreateTransformJob request asks for what AWS or the nature of sound files rules out."""
    source, processing = request["TransformInput"], request.get("DataProcessing") or {}
    concurrent, payload_mb = request.get("MaxConcurrentTransforms") or 0, request.get("MaxPayloadInMB") or 0
    kind = source["DataSource"]["S3DataSource"]["S3DataType"]
    if kind not in ("S3Prefix", "ManifestFile"):
        raise invalid(f"S3DataType {kind} is not for transform jobs; use S3Prefix or ManifestFile")
    if payload_mb > MAX_PAYLOAD_MB:
        raise invalid(f"MaxPayloadInMB is {payload_mb}; it must not exceed {MAX_PAYLOAD_MB}")
    if concurrent * payload_mb > MAX_PAYLOAD_MB:
        raise invalid(
            f"MaxConcurrentTransforms ({concurrent}) times MaxPayloadInMB ({payload_mb}) is {concurrent * payload_mb}; "
            f"it must not exceed {MAX_PAYLOAD_MB}"
        )
    if source.get("SplitType", "None") != "None":
        raise invalid(f"SplitType {source['SplitType']} divides text and records; a sound file is sent whole: use None")
    if processing.get("InputFilter", "$") != "$" or processing.get("JoinSource", "None") != "None":
        raise invalid("InputFilter and JoinSource need input in JSON or CSV, and sound files are neither")
    if processing.get("OutputFilter", "$") != "$":
        raise invalid("OutputFilter is not supported by the local SageMaker; docs/sagemaker.md lists what is")


def environment(request: Mapping[str, Any]) -> dict[str, str]:
    """Returns the variables that SageMaker adds to the model's own in the container of a job."""
    return {
        **(request.get("Environment") or {}),
        "SAGEMAKER_BATCH": "true",
        "SAGEMAKER_BATCH_STRATEGY": STRATEGIES[request.get("BatchStrategy") or "SingleRecord"],
        "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": str(request.get("MaxConcurrentTransforms") or 0),
        "SAGEMAKER_MAX_PAYLOAD_IN_MB": str(_payload_mb(request)),
    }


def run(request: Mapping[str, Any], s3: BaseClient, url: str, stopping: threading.Event) -> str | None:
    """Runs a job to its end, or until `stopping` is set.

    Args:
        request: The CreateTransformJob request.
        s3: Has the objects.
        url: Base URL of the job's container.
        stopping: Set: no further object is sent.

    Returns:
        Why it failed, or None. Objects that could be answered are answered in both cases.
    """
    proposed = get(url, "/execution-parameters")  # which a container need not have
    limits = read_limits(request, json.loads(proposed.body) if proposed.ok else {})
    data = request["TransformInput"]["DataSource"]["S3DataSource"]
    try:
        found = sources(s3, data)
    except (ClientError, ValueError, LookupError) as error:
        return f"ClientError: cannot read {data['S3Uri']}: {error}"
    if not found:
        return f"ClientError: no objects found under {data['S3Uri']}"

    has_ended = threading.Event()

    def work(source: Source) -> str | None:
        if stopping.is_set():
            return None
        if has_ended.is_set():
            return f"{source.key}: the container has ended"
        error = transform(request, source, s3, url, limits)
        if error and not is_reachable(url):
            has_ended.set()
        return error

    with ThreadPoolExecutor(limits.concurrent) as pool:
        errors = [error for error in pool.map(work, found) if error is not None]
    return f"ClientError: {len(errors)} of {len(found)} objects failed; {errors[0]}" if errors else None


def sources(s3: BaseClient, data: Mapping[str, str]) -> list[Source]:
    """Returns the objects that an S3DataSource names: those under a prefix, or those in a manifest.

    Raises:
        ClientError: There is no such bucket or manifest.
        ValueError: The manifest is not a JSON list that begins with {"prefix": "s3://..."}.
    """
    if data["S3DataType"] == "S3Prefix":
        bucket, prefix = storage.parse(data["S3Uri"])
        found = storage.keys(s3, data["S3Uri"])
        return [Source(bucket, key, storage.relative(key, prefix)) for key in found]
    with storage.downloaded(s3, data["S3Uri"]) as file:
        manifest = json.load(file)
    if not isinstance(manifest, list) or not manifest or not isinstance(manifest[0], dict):
        raise ValueError('a manifest is a list such as [{"prefix": "s3://bucket/folder/"}, "a.mp3", "b.mp3"]')
    bucket, prefix = storage.parse(manifest[0]["prefix"])
    return [Source(bucket, prefix + name, name.lstrip("/")) for name in manifest[1:]]


def read_limits(request: Mapping[str, Any], proposed: Mapping[str, Any]) -> Limits:
    """Returns the request's limits; /execution-parameters of the container say what it leaves out."""
    client = request.get("ModelClientConfig") or {}
    return Limits(
        concurrent=request.get("MaxConcurrentTransforms") or proposed.get("MaxConcurrentTransforms") or 1,
        payload_bytes=_payload_mb(request, proposed.get("MaxPayloadInMB")) * MEBIBYTE,
        timeout_seconds=client.get("InvocationsTimeoutInSeconds") or DEFAULT_SECONDS,
        retries=client.get("InvocationsMaxRetries", DEFAULT_RETRIES),
    )


def transform(request: Mapping[str, Any], source: Source, s3: BaseClient, url: str, limits: Limits) -> str | None:
    """Sends one object through the container; returns why that failed, or None."""
    asked, target = request["TransformInput"], request["TransformOutput"]
    headers = {"Content-Type": asked.get("ContentType"), "Accept": target.get("Accept")}
    try:
        with body_of(s3, source, asked.get("CompressionType")) as body:
            answer = _invoke(body, {name: text for name, text in headers.items() if text}, url, limits)
    except (ClientError, OSError, EOFError) as error:
        return f"{source.key}: {error}"
    if not answer.ok:
        return f"{source.key}: {error_message(answer)}"
    content_type = answer.headers.get("content-type", "application/octet-stream")
    end = b"\n" if target.get("AssembleWith") == "Line" else b""
    location = storage.join(target["S3OutputPath"], f"{source.name}.out")
    storage.upload(s3, location, answer.body + end, content_type)
    return None


@contextlib.contextmanager
def body_of(s3: BaseClient, source: Source, compression: str | None) -> Iterator[BinaryIO]:
    """Yields an object's bytes as an open file, unpacked where the job's input is compressed."""
    with storage.downloaded(s3, f"s3://{source.bucket}/{source.key}") as file:
        if compression != "Gzip":
            yield file
            return
        with storage.new_body() as unpacked:
            shutil.copyfileobj(gzip.GzipFile(fileobj=file), unpacked)
            yield unpacked


def _invoke(body: BinaryIO, headers: Mapping[str, str], url: str, limits: Limits) -> Answer:
    size = storage.size_bytes(body)
    if 0 < limits.payload_bytes < size:
        message = f"the object has {size} bytes, more than MaxPayloadInMB allows ({limits.payload_bytes})"
        return Answer(413, {}, message.encode())
    for _ in range(limits.retries):
        answer = invoke(url, headers, body, limits.timeout_seconds, chunked=True)
        if answer.status not in WORTH_ANOTHER_TRY:
            return answer
        time.sleep(RETRY_SECONDS)
    return invoke(url, headers, body, limits.timeout_seconds, chunked=True)


def _payload_mb(request: Mapping[str, Any], proposed: int | None = None) -> int:
    given = request.get("MaxPayloadInMB")
    return int(given if given is not None else proposed if proposed is not None else DEFAULT_PAYLOAD_MB)
