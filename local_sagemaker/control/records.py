"""What was created: kept, described with all that was given, listed as AWS lists, tagged."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local_sagemaker.aws import arn, invalid

DEFAULT_PAGE = 10


@dataclass(frozen=True)
class Kind:
    """A kind of resource.

    Attributes:
        word: As the names of fields begin: Model, EndpointConfig.
        noun: In errors.
        resource: In ARNs.
        listed: The field of a list.
        summary: Further fields of an entry of a list.
    """

    word: str
    noun: str
    resource: str
    listed: str
    summary: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The field with the name."""
        return f"{self.word}Name"

    @property
    def status(self) -> str:
        """The field with the status, where the kind has one."""
        return f"{self.word}Status"

    def arn(self, name: str) -> str:
        """Returns the ARN of one."""
        return arn(self.resource, name)


MODEL = Kind("Model", "model", "model", "Models")
CONFIG = Kind("EndpointConfig", "endpoint configuration", "endpoint-config", "EndpointConfigs")
ENDPOINT = Kind("Endpoint", "endpoint", "endpoint", "Endpoints", ("LastModifiedTime", "EndpointStatus"))
JOB = Kind(
    "TransformJob",
    "transform job",
    "transform-job",
    "TransformJobSummaries",
    ("LastModifiedTime", "TransformEndTime", "TransformJobStatus", "FailureReason"),
)

Record = dict[str, Any]


class Records:
    """The resources of one kind, by name."""

    def __init__(self, kind: Kind) -> None:
        self.kind = kind
        self._records: dict[str, Record] = {}
        self._tags: dict[str, dict[str, str]] = {}
        self._lock = threading.Lock()

    def add(self, asked: Mapping[str, Any]) -> Record:
        """Keeps what a request gives, under a new ARN.

        Raises:
            AwsError: The name is taken.
        """
        kind, name = self.kind, asked[self.kind.name]
        record = {
            **{key: value for key, value in asked.items() if key != "Tags" and value is not None},
            f"{kind.word}Arn": kind.arn(name),
            "CreationTime": now(),
        }
        with self._lock:
            if name in self._records:
                raise invalid(f'Cannot create already existing {kind.noun} "{kind.arn(name)}".')
            self._records[name] = record
            self._tags[kind.arn(name)] = {tag["Key"]: tag["Value"] for tag in asked.get("Tags") or ()}
        return record

    def get(self, name: str) -> Record | None:
        """Returns a record, which may be changed, or None."""
        return self._records.get(name)

    def all(self) -> list[Record]:
        """Returns all records."""
        return list(self._records.values())

    def remove(self, name: str) -> None:
        """Forgets a record and its tags."""
        self._records.pop(name, None)
        self._tags.pop(self.kind.arn(name), None)

    def tags(self, resource_arn: str) -> dict[str, str] | None:
        """Returns the tags of a resource, which may be changed; None where it is not one of these."""
        return self._tags.get(resource_arn)

    def missing(self, name: str) -> Exception:
        """Returns the error for a name that is not there."""
        return invalid(f'Could not find {self.kind.noun} "{self.kind.arn(name)}".')


def page(kind: Kind, records: Sequence[Mapping[str, Any]], asked: Mapping[str, Any]) -> Record:
    """Returns one page of a list, filtered and sorted as a List... request asks."""
    wanted = [record for record in records if _fits(kind, record, asked)]
    field = {"Name": kind.name, "Status": kind.status}.get(asked.get("SortBy") or "", "CreationTime")
    wanted.sort(key=lambda record: record.get(field, ""), reverse=asked.get("SortOrder") != "Ascending")
    start = _start(asked.get("NextToken"))
    end = start + (asked.get("MaxResults") or DEFAULT_PAGE)
    fields = (kind.name, f"{kind.word}Arn", "CreationTime", *kind.summary)
    entries = [{name: record[name] for name in fields if name in record} for record in wanted[start:end]]
    return {kind.listed: entries, **({"NextToken": str(end)} if end < len(wanted) else {})}


def _start(token: str | None) -> int:
    if token is not None and not token.isdigit():
        raise invalid(f"NextToken {token!r} is none that a list gave")
    return int(token or 0)


def _fits(kind: Kind, record: Mapping[str, Any], asked: Mapping[str, Any]) -> bool:
    created, modified = record["CreationTime"], record.get("LastModifiedTime", record["CreationTime"])
    checks = (
        (asked.get("NameContains"), lambda text: text.lower() in record[kind.name].lower()),
        (asked.get("StatusEquals"), lambda text: record.get(kind.status) == text),
        (asked.get("CreationTimeAfter"), lambda when: created > when),
        (asked.get("CreationTimeBefore"), lambda when: created < when),
        (asked.get("LastModifiedTimeAfter"), lambda when: modified > when),
        (asked.get("LastModifiedTimeBefore"), lambda when: modified < when),
    )
    return all(given is None or fits(given) for given, fits in checks)


def now() -> float:
    """Returns the time as AWS's JSON has it: seconds since 1970."""
    return round(time.time(), 3)
