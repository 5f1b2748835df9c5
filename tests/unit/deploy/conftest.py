"""The local SageMaker before servers that a test scripts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
from botocore.client import BaseClient

from local_sagemaker.gateway import LocalSageMaker, running
from tests.support import scripted_server
from tests.support.local_sagemaker import Starts
from tests.support.scripted_server import Reply, Server, answer


@pytest.fixture
def starts() -> Starts:
    return Starts()


@pytest.fixture
def common() -> Iterator[Server]:
    """The container of models that name nothing of their own."""
    with scripted_server.running(lambda _: Reply(200, answer("Common"))) as server:
        yield server


@pytest.fixture
def local(common: Server, starts: Starts) -> Iterator[LocalSageMaker]:
    with running(common.url, starts) as sagemaker:
        sagemaker.client("s3").create_bucket(Bucket="models")
        yield sagemaker
        requests.post(f"{sagemaker.url}/moto-api/reset", timeout=10).raise_for_status()  # moto has one memory


@pytest.fixture
def control(local: LocalSageMaker) -> BaseClient:
    return local.client("sagemaker")


@pytest.fixture
def s3(local: LocalSageMaker) -> BaseClient:
    return local.client("s3")
