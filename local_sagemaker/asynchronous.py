"""What happens to an asynchronous request after its 202: a queue, invocations, objects in S3, notifications."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Lock

from botocore.client import BaseClient
from botocore.exceptions import BotoCoreError, ClientError

from deploy.http_call import Answer
from local_sagemaker import storage
from local_sagemaker.containers import error_message, invoke

# SageMaker chooses where the endpoint's configuration does not set MaxConcurrentInvocationsPerInstance.
DEFAULT_CONCURRENCY = 4


@dataclass(frozen=True)
class Job:
    """One asynchronous request.

    Attributes:
        endpoint: The endpoint's name.
        inference_id: The caller's, or a new one.
        input_location: Where the body is.
        output_location: Where the answer goes.
        failure_location: Where the error goes; None: nowhere.
        headers: For the container.
        timeout_seconds: For the invocation.
        ttl_seconds: A request that has waited longer is not sent.
        topics: SuccessTopic and ErrorTopic, as far as configured.
        taken_at: time.monotonic() when it came.
    """

    endpoint: str
    inference_id: str
    input_location: str
    output_location: str
    failure_location: str | None
    headers: Mapping[str, str]
    timeout_seconds: int
    ttl_seconds: int
    topics: Mapping[str, str] = field(default_factory=dict)
    taken_at: float = field(default_factory=time.monotonic)


class Backlog:
    """Works requests off: each endpoint's in order, a few at once.

    Args:
        container: Base URL of the container.
        s3: For bodies and answers.
        sns: For notifications.
    """

    def __init__(self, container: str, s3: BaseClient, sns: BaseClient) -> None:
        self._container, self._s3, self._sns = container, s3, sns
        self._pools: dict[str, ThreadPoolExecutor] = {}
        self._lock = Lock()

    def add(self, job: Job, max_concurrent: int | None) -> None:
        """Queues a request."""
        with self._lock:
            if job.endpoint not in self._pools:
                self._pools[job.endpoint] = ThreadPoolExecutor(max_concurrent or DEFAULT_CONCURRENCY)
        self._pools[job.endpoint].submit(self._work_off, job)

    def close(self) -> None:
        """Drops requests that wait, and lets those that run finish."""
        for pool in self._pools.values():
            pool.shutdown(cancel_futures=True)

    def _work_off(self, job: Job) -> None:
        error = self._answer(job)
        if error is not None and job.failure_location is not None:
            # AWS does not publish the object's format. It is an error's text for people, and so is this.
            storage.upload(self._s3, job.failure_location, error.encode(), "text/plain")
        self._notify(job, error)

    def _answer(self, job: Job) -> str | None:
        """Writes the output; returns why there is none, or None."""
        try:
            answer = self._invoke(job)
            if not answer.ok:
                return error_message(answer)
            content_type = answer.headers.get("content-type", "application/octet-stream")
            storage.upload(self._s3, job.output_location, answer.body, content_type)
        except (ClientError, BotoCoreError) as failure:
            return f"Unable to read {job.input_location} or to write {job.output_location}: {failure}"
        return None

    def _invoke(self, job: Job) -> Answer:
        if time.monotonic() - job.taken_at > job.ttl_seconds:
            return Answer(408, {}, b"the request has waited longer than its RequestTTLSeconds")
        with storage.downloaded(self._s3, job.input_location) as body:
            return invoke(self._container, job.headers, body, job.timeout_seconds, chunked=False)

    def _notify(self, job: Job, error: str | None) -> None:
        topic = job.topics.get("ErrorTopic" if error else "SuccessTopic")
        if not topic:
            return
        result = {"outputLocation": job.output_location} if error is None else {"failureReason": error}
        message = {
            "invocationStatus": "Failed" if error else "Completed",
            "inferenceId": job.inference_id,
            "requestParameters": {"endpointName": job.endpoint, "inputLocation": job.input_location},
            "responseParameters": result,
        }
        self._sns.publish(TopicArn=topic, Message=json.dumps(message))
