"""What calls of AWS share: sessions, locations in S3, and boto3's errors as this package's."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from sense_client.errors import CallError, DroppedError, RefusedError, SetupError, UnavailableError

if TYPE_CHECKING:
    import boto3
    from botocore.client import BaseClient

S3_TRIES = 8
_BUSY = (429, 503)
_TEMPORARY_CODES = ("ThrottlingException", "ServiceUnavailable", "ModelNotReadyException", "InternalFailure")
_MISSING_CODES = ("404", "NoSuchKey")


class MissingError(CallError):
    """An object that is not there."""


def session(profile: str | None, region: str | None) -> boto3.Session:
    """Returns boto3's session.

    Args:
        profile: The profile of AWS's configuration; None: as configured.
        region: AWS's region; None: as configured.

    Raises:
        SetupError: boto3 is missing, or the profile does not exist.
    """
    try:
        import boto3
    except ImportError:
        raise SetupError("calling AWS needs boto3: pip install 'sense-client[sagemaker]'") from None
    with explained():
        return boto3.Session(profile_name=profile, region_name=region)


def s3_client(profile: str | None, region: str | None, max_connections: int) -> BaseClient:
    """Returns a client of S3 that tries again, for as many threads as connections; raises what `session` does."""
    made = session(profile, region)
    from botocore.config import Config

    retries = {"mode": "standard", "total_max_attempts": S3_TRIES}
    with explained():
        return made.client("s3", config=Config(retries=retries, max_pool_connections=max_connections))


def bucket_and_key(location: str) -> tuple[str, str]:
    """Splits ``s3://bucket/key``.

    Raises:
        SetupError: It is no such location.
    """
    match = re.fullmatch("s3://([^/]+)/?(.*)", location)
    if match is None:
        raise SetupError(f"{location!r} is not a place in S3, such as s3://bucket/input")
    return match[1], match[2]


@contextmanager
def explained() -> Iterator[None]:
    """Turns boto3's errors into this package's.

    Raises:
        CallError: In the place of one of boto3's.
    """
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

    try:
        yield
    except ClientError as error:
        raise _client_error(error.response) from error
    except HTTPClientError as error:
        raise DroppedError(str(error)) from error
    except (BotoCoreError, Boto3Error) as error:
        raise SetupError(str(error)) from error


def said(text: str) -> str:
    """Returns the tagger's own words, where they stand in an error's text."""
    start = text.find('{"status_code"')
    try:
        return str(json.JSONDecoder().raw_decode(text, start)[0]["error"]) if start >= 0 else text.strip()
    except (ValueError, KeyError):
        return text.strip()


def _client_error(response: Mapping[str, Any]) -> CallError:
    code, text = response["Error"].get("Code", ""), response["Error"].get("Message", "")
    metadata = response.get("ResponseMetadata", {})
    status, request_id = metadata.get("HTTPStatusCode"), metadata.get("RequestId")
    if code == "ModelError":
        status = response.get("OriginalStatusCode", status)
        kind: type[CallError] = UnavailableError if status in _BUSY else RefusedError
        return kind(said(response.get("OriginalMessage") or text), status=status, request_id=request_id)
    kind = SetupError
    if code in _TEMPORARY_CODES or status in _BUSY:
        kind = UnavailableError
    elif code in _MISSING_CODES:
        kind = MissingError
    return kind(f"{code}: {text}", status=status, request_id=request_id)
