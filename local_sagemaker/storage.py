"""s3://bucket/key locations."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from typing import BinaryIO, cast
from urllib.parse import unquote

from botocore.client import BaseClient
from botocore.exceptions import ClientError

# Larger bodies go to the disk.
BODY_BYTES_IN_MEMORY = 16 << 20


def new_body() -> BinaryIO:
    """Returns an empty file for a body, which is gone when it is closed."""
    return cast(BinaryIO, SpooledTemporaryFile(BODY_BYTES_IN_MEMORY))


def size_bytes(body: BinaryIO) -> int:
    """Returns a body's size, and puts its position back to the start."""
    body.seek(0, os.SEEK_END)
    size = body.tell()
    body.seek(0)
    return size


def parse(location: str) -> tuple[str, str]:
    """Splits s3://bucket/key.

    Raises:
        ValueError: It is not such a location.
    """
    bucket, _, key = location.removeprefix("s3://").partition("/")
    if not location.startswith("s3://") or not bucket:
        raise ValueError(f"{location!r} is not a location s3://bucket/key")
    return bucket, key


def join(location: str, name: str) -> str:
    """Returns the location of `name` under another."""
    return f"{location.rstrip('/')}/{name}"


@contextlib.contextmanager
def downloaded(s3: BaseClient, location: str) -> Iterator[BinaryIO]:
    """Yields an object's bytes as an open file.

    Raises:
        botocore.exceptions.ClientError: There is no such object.
    """
    bucket, key = parse(location)
    with new_body() as file:
        # Half the cost of download_fileobj, which first asks for the object's size.
        shutil.copyfileobj(s3.get_object(Bucket=bucket, Key=key)["Body"], file)
        file.seek(0)
        yield file


def upload(s3: BaseClient, location: str, body: bytes, content_type: str) -> None:
    """Writes an object."""
    bucket, key = parse(location)
    s3.put_object(Bucket=bucket, Key=key, Body=body, ContentType=content_type)


def keys(s3: BaseClient, location: str) -> list[str]:
    """Returns the keys that begin with the location's, but not those that stand for folders."""
    bucket, prefix = parse(location)
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return [item["Key"] for page in pages for item in page.get("Contents", ()) if not item["Key"].endswith("/")]


def relative(key: str, prefix: str) -> str:
    """Returns a key without its prefix: all of it where that is a folder, else without the folders above."""
    return key.removeprefix(f"{prefix}/") if key.startswith(f"{prefix}/") else key[prefix.rfind("/") + 1 :]


def existing(s3: BaseClient, location: str) -> str:
    """Returns the location of an object as it is given, or with its percent signs decoded where that one exists.

    Headers carry ASCII alone, so that callers write other keys as in a URL.
    """
    bucket, key = parse(location)
    with contextlib.suppress(ClientError):
        s3.head_object(Bucket=bucket, Key=key)
        return location
    decoded = unquote(key)
    with contextlib.suppress(ClientError):
        s3.head_object(Bucket=bucket, Key=decoded)
        return f"s3://{bucket}/{decoded}"
    return location


def content_type(s3: BaseClient, location: str) -> str:
    """Returns an object's own content type; S3 gives it binary/octet-stream where it was uploaded without one.

    Raises:
        botocore.exceptions.ClientError: There is no such object.
    """
    bucket, key = parse(location)
    return str(s3.head_object(Bucket=bucket, Key=key).get("ContentType") or "binary/octet-stream")
