"""boto3 calls that an application in the same process answers give what they give through HTTP."""

from __future__ import annotations

import filecmp
from pathlib import Path
from uuid import uuid4

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from local_sagemaker import in_process
from local_sagemaker.gateway import LocalSageMaker
from local_sagemaker.moto_side import Moto


@pytest.fixture
def inside() -> BaseClient:
    return in_process.s3_client(Moto().s3)


@pytest.fixture
def bucket(inside: BaseClient) -> str:
    name = f"bucket-{uuid4()}"
    inside.create_bucket(Bucket=name)
    return name


@pytest.mark.parametrize(
    "key", ["a b.mp3", "a&b=c+d.mp3", "ü/日本.mp3", "100%25 %.mp3", "x?y#z.mp3", "q//w.mp3", "~(1)!*'.mp3"]
)
def test_any_key_is_the_same_inside_and_through_http(
    inside: BaseClient, bucket: str, local: LocalSageMaker, key: str
) -> None:
    outside = local.client("s3")
    inside.put_object(Bucket=bucket, Key=key, Body=key.encode(), ContentType="audio/mp3")
    for each in (inside, outside):
        got = each.get_object(Bucket=bucket, Key=key)
        assert (got["Body"].read(), got["ContentType"]) == (key.encode(), "audio/mp3")
        assert each.head_object(Bucket=bucket, Key=key)["ContentLength"] == len(key.encode())
        assert [item["Key"] for item in each.list_objects_v2(Bucket=bucket)["Contents"]] == [key]


def test_files_go_up_and_down(inside: BaseClient, bucket: str, tmp_path: Path) -> None:
    sent, got = tmp_path / "sent", tmp_path / "got"
    sent.write_bytes(bytes(range(256)) * 40_000)  # more than one part
    inside.upload_file(str(sent), bucket, "file")
    inside.download_file(bucket, "file", str(got))
    assert filecmp.cmp(sent, got, shallow=False)


def test_what_is_not_there_is_the_same_error_inside_and_through_http(
    inside: BaseClient, bucket: str, local: LocalSageMaker
) -> None:
    for each in (inside, local.client("s3")):
        with pytest.raises(ClientError) as missing:
            each.get_object(Bucket=bucket, Key="none")
        assert missing.value.response["Error"]["Code"] == "NoSuchKey"
