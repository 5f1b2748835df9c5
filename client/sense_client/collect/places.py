"""Where answers and recordings lie: under a prefix in S3, or in a folder."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sense_client import aws

S3 = "s3://"


@dataclass(frozen=True)
class Listed:
    """An object, or a file.

    Attributes:
        name: Its path below the place.
        version: Changes when its content does.
        size_bytes: Its size.
    """

    name: str
    version: str
    size_bytes: int


class Place(Protocol):
    """A place with objects.

    Attributes:
        root: Its address. Those of its objects begin with it.
    """

    root: str

    def listed(self, suffixes: Sequence[str] = ("",)) -> Iterator[Listed]:
        """Yields the objects whose names have one of these endings, one page of a listing in memory at a time."""

    def read(self, name: str) -> bytes:
        """Returns an object's content; raises CallError or OSError if it cannot be read."""


class Bucket:
    """All objects below ``s3://bucket/prefix/``, without those that stand for folders.

    Args:
        location: The place; what follows the bucket is a folder, whether or not it ends in "/".
        profile: The profile of AWS's configuration; None: as configured.
        region: AWS's region; None: as configured.
        max_connections: How many objects may be read at once.

    Raises:
        SetupError: It is no such location, or boto3 is missing.
    """

    def __init__(self, location: str, profile: str | None, region: str | None, max_connections: int) -> None:
        self._bucket, prefix = aws.bucket_and_key(location)
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self.root = f"{S3}{self._bucket}/{self._prefix}"
        self._s3 = aws.s3_client(profile, region, max_connections)

    def listed(self, suffixes: Sequence[str] = ("",)) -> Iterator[Listed]:
        """Yields the objects.

        Raises:
            CallError: S3 does not list them.
        """
        pages = self._s3.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=self._prefix)
        with aws.explained():
            for page in pages:
                for item in page.get("Contents", ()):
                    if item["Key"].endswith(tuple(suffixes)) and not item["Key"].endswith("/"):
                        yield Listed(item["Key"][len(self._prefix) :], item["ETag"], item["Size"])

    def read(self, name: str) -> bytes:
        """Returns an object's content.

        Raises:
            CallError: S3 does not give it, even after several tries.
        """
        with aws.explained():
            content: bytes = self._s3.get_object(Bucket=self._bucket, Key=f"{self._prefix}{name}")["Body"].read()
            return content


class Folder:
    """All files in a folder and in those below it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.root = f"{path}{os.sep}"

    def listed(self, suffixes: Sequence[str] = ("",)) -> Iterator[Listed]:
        """Yields the files."""
        for folder, _, names in os.walk(self._path):
            for name in names:
                if name.endswith(tuple(suffixes)):
                    path = Path(folder, name)
                    status = path.stat()
                    relative = path.relative_to(self._path).as_posix()
                    yield Listed(relative, f"{status.st_mtime_ns}-{status.st_size}", status.st_size)

    def read(self, name: str) -> bytes:
        """Returns a file's content.

        Raises:
            OSError: It cannot be read.
        """
        return (self._path / name).read_bytes()
