"""What happens to an asynchronous request after its 202: a queue, invocations, objects in S3, notifications."""

from __future__ import annotations

import base64
import json
import logging
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from botocore.client import BaseClient
from botocore.exceptions import BotoCoreError, ClientError

from deploy.http_call import Answer
from local_sagemaker import storage
from local_sagemaker.aws import REGION, timestamp
from local_sagemaker.containers import error_message, invoke

logger = logging.getLogger(__name__)

# SageMaker chooses where the endpoint's configuration does not set MaxConcurrentInvocationsPerInstance.
DEFAULT_CONCURRENCY = 4
# The largest answer that a notification carries.
MAX_NOTIFIED_BYTES = 128_000
# Name of an endpoint -> the base URL of its server, which stays for the length of the `with` block.
# LookupError: the endpoint is gone.
FindServer = Callable[[str], AbstractContextManager[str]]
EVENT = {"eventVersion": "1.0", "eventSource": "aws:sagemaker"}


@dataclass(frozen=True)
class Job:
    """One asynchronous request.

    Attributes:
        endpoint: The endpoint's name.
        inference_id: The caller's, or a new one.
        input_location: Where the body is.
        output_location: Where the answer goes.
        failure_location: Where the error goes; None: nowhere.
        headers: For the container. Without Content-Type the object's own is sent.
        timeout_seconds: For the invocation.
        ttl_seconds: A request that has waited longer is not sent.
        notification: The endpoint's NotificationConfig.
        taken_at: time.monotonic() when it came.
        received_time: The same for notifications.
    """

    endpoint: str
    inference_id: str
    input_location: str
    output_location: str
    failure_location: str | None
    headers: Mapping[str, str]
    timeout_seconds: int
    ttl_seconds: int
    notification: Mapping[str, Any] = field(default_factory=dict)
    taken_at: float = field(default_factory=time.monotonic)
    received_time: str = field(default_factory=timestamp)


class Backlog:
    """Works requests off: each endpoint's in order, a few at once.

    Args:
        find_server: Says where to send requests.
        s3: For bodies and answers.
        sns: For notifications.
    """

    def __init__(
        self, find_server: Callable[[str], AbstractContextManager[str]], s3: BaseClient, sns: BaseClient
    ) -> None:
        self._find_server, self._s3, self._sns = find_server, s3, sns
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

    def announce(self, config: Mapping[str, Any]) -> None:
        """Sends the test message that SageMaker sends to an endpoint's topics before it serves."""
        output = (config.get("AsyncInferenceConfig") or {}).get("OutputConfig") or {}
        notification = output.get("NotificationConfig") or {}
        for topic in {notification.get("SuccessTopic"), notification.get("ErrorTopic")}:
            if topic:
                self._publish(topic, {**EVENT, "eventName": "TestNotification"})

    def _work_off(self, job: Job) -> None:
        answer, error = self._answered(job)
        if error is not None and job.failure_location is not None:
            # AWS does not publish the object's format. It is an error's text for people, and so is this.
            storage.upload(self._s3, job.failure_location, error.encode(), "text/plain")
        self._notify(job, answer, error)

    def _answered(self, job: Job) -> tuple[Answer, str | None]:
        """Writes the output; returns the container's answer, and why there is no output, or None."""
        answer = Answer(0, {}, b"")
        try:
            answer = self._invoke(job)
            if not answer.ok:
                return answer, error_message(answer)
            content_type = answer.headers.get("content-type", "application/octet-stream")
            storage.upload(self._s3, job.output_location, answer.body, content_type)
        except LookupError:
            return answer, f"Endpoint {job.endpoint} was deleted."
        except (ClientError, BotoCoreError) as failure:
            return answer, f"Unable to read {job.input_location} or to write {job.output_location}: {failure}"
        return answer, None

    def _invoke(self, job: Job) -> Answer:
        if time.monotonic() - job.taken_at > job.ttl_seconds:
            return Answer(408, {}, b"the request has waited longer than its RequestTTLSeconds")
        location = storage.existing(self._s3, job.input_location)
        headers = {"Content-Type": storage.content_type(self._s3, location), **job.headers}
        with storage.downloaded(self._s3, location) as body, self._find_server(job.endpoint) as url:
            return invoke(url, headers, body, job.timeout_seconds, chunked=False)

    def _notify(self, job: Job, answer: Answer, error: str | None) -> None:
        """Publishes what became of a request, in AWS's words as far as they are known."""
        kind = "SuccessTopic" if error is None else "ErrorTopic"
        topic = job.notification.get(kind)
        if not topic:
            return
        asked = {"contentType": job.headers.get("Content-Type"), "accept": job.headers.get("Accept")}
        message = {
            "awsRegion": REGION,
            "eventTime": timestamp(),
            "receivedTime": job.received_time,
            "invocationStatus": "Failed" if error else "Completed",
            "requestParameters": {
                **{name: text for name, text in asked.items() if text},
                "endpointName": job.endpoint,
                "inputLocation": job.input_location,
            },
            **(_failure(answer, error) if error else _success(job, answer)),
            "inferenceId": job.inference_id,
            **EVENT,
            "eventName": "InferenceResult",
        }
        wanted = "SUCCESS_NOTIFICATION_TOPIC" if error is None else "ERROR_NOTIFICATION_TOPIC"
        if wanted in (job.notification.get("IncludeInferenceResponseIn") or ()):
            content = base64.b64encode(answer.body[:MAX_NOTIFIED_BYTES]).decode()
            message["responseBody"] = {"content": content, "encoding": "BASE64"}
        self._publish(topic, message)

    def _publish(self, topic: str, message: Mapping[str, object]) -> None:
        try:
            self._sns.publish(TopicArn=topic, Message=json.dumps(message))
        except (ClientError, BotoCoreError) as error:
            logger.warning("cannot publish to %s: %s", topic, error)


def _success(job: Job, answer: Answer) -> dict[str, object]:
    content_type = answer.headers.get("content-type", "application/octet-stream")
    return {"responseParameters": {"contentType": content_type, "outputLocation": job.output_location}}


def _failure(answer: Answer, error: str) -> dict[str, object]:
    if answer.status == 0 or answer.ok:
        return {"failureReason": f"ClientError: {error}"}
    side = "client" if answer.status < 500 else "server"
    return {
        "failureReason": f"ClientError: Received {side} error ({answer.status}) from model. See the SageMaker Endpoint "
        "logs in your account for more information."
    }
