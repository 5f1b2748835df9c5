"""What a model's container serves: ModelDataUrl or ModelDataSource, in S3, as the folder /opt/ml/model."""

from __future__ import annotations

import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.client import BaseClient
from botocore.exceptions import ClientError

from local_sagemaker import storage


class ModelDataError(Exception):
    """A model's data cannot be had; the text is AWS's."""


@dataclass(frozen=True)
class ModelData:
    """Where a model's data lies.

    Attributes:
        uri: s3://bucket/key of a tar.gz archive, or the prefix of its files.
        is_archive: Whether it is an archive.
    """

    uri: str
    is_archive: bool

    def version(self, s3: BaseClient) -> str:
        """Returns what changes when an object is overwritten.

        Raises:
            ModelDataError: There is no such object.
        """
        try:
            bucket, key = storage.parse(self.uri)
            if self.is_archive:
                return str(s3.head_object(Bucket=bucket, Key=key)["ETag"])
            keys = storage.keys(s3, self.uri)
            tags = [s3.head_object(Bucket=bucket, Key=key)["ETag"] for key in keys]
        except (ValueError, ClientError):
            raise ModelDataError(f"Could not find model data at {self.uri}.") from None
        if not tags:
            raise ModelDataError(f"Could not find model data at {self.uri}.")
        return " ".join(tags)

    def fetch(self, s3: BaseClient, folder: Path) -> None:
        """Unpacks it into a folder.

        Raises:
            ModelDataError: It cannot be read.
        """
        try:
            _unpack(s3, self.uri, folder) if self.is_archive else _download(s3, self.uri, folder)
        except ClientError as error:
            raise ModelDataError(
                f'Failed to download model data for container "container_1" from URL "{self.uri}": {error}'
            ) from None
        except (tarfile.TarError, OSError, EOFError) as error:
            raise ModelDataError(
                f'Failed to extract model data archive for container "container_1" from URL "{self.uri}". '
                f"Please ensure that the object located at the URL is a valid tar.gz archive: {error}"
            ) from None


def named(container: Mapping[str, Any]) -> ModelData | None:
    """Returns the data that a ContainerDefinition names, or None."""
    if container.get("ModelDataUrl"):
        return ModelData(container["ModelDataUrl"], is_archive=True)
    source = (container.get("ModelDataSource") or {}).get("S3DataSource")
    if source:
        return ModelData(source["S3Uri"], is_archive=source["CompressionType"] == "Gzip")
    return None


def _unpack(s3: BaseClient, uri: str, folder: Path) -> None:
    with storage.downloaded(s3, uri) as file, tarfile.open(fileobj=file, mode="r:gz") as archive:
        archive.extractall(folder, filter="data")


def _download(s3: BaseClient, uri: str, folder: Path) -> None:
    bucket, prefix = storage.parse(uri)
    for key in storage.keys(s3, uri):
        target = folder / storage.relative(key, prefix)
        target.parent.mkdir(parents=True, exist_ok=True)
        s3.download_file(bucket, key, str(target))
