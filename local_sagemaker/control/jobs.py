"""Transform jobs as they run and are stopped."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore.client import BaseClient

from local_sagemaker import transform
from local_sagemaker.aws import invalid
from local_sagemaker.control.endpoints import only_container
from local_sagemaker.control.records import Record, now
from local_sagemaker.fleet import DeploymentError, Fleet, Patience

logger = logging.getLogger(__name__)

# How long a job waits for memory that other jobs and endpoints hold.
PATIENCE_SECONDS = 3600.0


@dataclass
class _Job:
    record: Record
    stopping: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None


class Jobs:
    """Runs transform jobs.

    Args:
        fleet: Has the servers.
        s3: Has the objects.
    """

    def __init__(self, fleet: Fleet, s3: BaseClient) -> None:
        self._fleet, self._s3 = fleet, s3
        self._jobs: dict[str, _Job] = {}

    def start(self, record: Record, model: Mapping[str, Any]) -> None:
        """Begins a job, whose record is kept up to date."""
        record.update(TransformJobStatus="InProgress", LastModifiedTime=record["CreationTime"])
        job = self._jobs[record["TransformJobName"]] = _Job(record)
        job.thread = threading.Thread(target=self._run, args=(job, model), daemon=True)
        job.thread.start()

    def stop(self, name: str) -> None:
        """Stops a job: objects that it has begun are answered.

        Raises:
            AwsError: It is over.
        """
        job = self._jobs[name]
        status = job.record["TransformJobStatus"]
        if status not in ("InProgress", "Stopping"):
            raise invalid(f"The request was rejected because the transform job is in status {status}.")
        job.record.update(TransformJobStatus="Stopping", LastModifiedTime=now())
        job.stopping.set()

    def close(self) -> None:
        """Stops all jobs and waits for their ends."""
        for job in self._jobs.values():
            job.stopping.set()
        for job in self._jobs.values():
            if job.thread:
                job.thread.join()

    def _run(self, job: _Job, model: Mapping[str, Any]) -> None:
        try:
            reason = self._transform(job, only_container(model))
        except DeploymentError as error:
            reason = None if job.stopping.is_set() else f"AlgorithmError: {error}"
        except Exception as error:  # whatever it is, the job must not stay InProgress
            logger.exception("transform job %s", job.record["TransformJobName"])
            reason = f"InternalServerError: {error}"
        if reason:
            job.record["FailureReason"] = reason[:1024]
        status = "Failed" if reason else "Stopped" if job.stopping.is_set() else "Completed"
        job.record.update(TransformEndTime=now(), LastModifiedTime=now(), TransformJobStatus=status)

    def _transform(self, job: _Job, container: Mapping[str, Any]) -> str | None:
        variables, patience = transform.environment(job.record), Patience(PATIENCE_SECONDS, job.stopping)
        with self._fleet.serving(container, variables, patience) as url:
            job.record["TransformStartTime"] = now()
            return transform.run(job.record, self._s3, url, job.stopping)
