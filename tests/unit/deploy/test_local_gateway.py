"""What the local SageMaker's control plane has and refuses, as boto3 sees it; no container runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
import requests
from botocore.exceptions import ClientError

from local_sagemaker.__main__ import prepare
from local_sagemaker.gateway import LocalSageMaker, running


def no_container(variables: Mapping[str, str], folder: Path | None) -> AbstractContextManager[str]:
    raise OSError(f"no container for {sorted(variables)}")


@pytest.fixture
def sagemaker() -> Iterator[LocalSageMaker]:
    with running("http://127.0.0.1:9", no_container) as local:
        yield local
        requests.post(f"{local.url}/moto-api/reset", timeout=10).raise_for_status()  # moto has one memory for all tests


def test_make_sagemaker_has_what_the_pages_examples_name(sagemaker: LocalSageMaker) -> None:
    prepare(sagemaker)
    control = sagemaker.client("sagemaker")
    assert control.describe_model(ModelName="cochl-sense-batch")["ModelName"] == "cochl-sense-batch"
    for name in ("cochl-sense", "cochl-sense-async"):
        assert control.describe_endpoint(EndpointName=name)["EndpointStatus"] == "InService"


def test_a_transform_job_of_an_unknown_model_is_refused(sagemaker: LocalSageMaker) -> None:
    control = sagemaker.client("sagemaker")
    with pytest.raises(ClientError, match="Could not find model .*model/misspelt") as refused:
        control.create_transform_job(
            TransformJobName="never",
            ModelName="misspelt",
            TransformInput={"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://sounds/in/"}}},
            TransformOutput={"S3OutputPath": "s3://sounds/out"},
            TransformResources={"InstanceType": "ml.g5.xlarge", "InstanceCount": 1},
        )
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    jobs = control.list_transform_jobs()["TransformJobSummaries"]
    assert "never" not in [job["TransformJobName"] for job in jobs]
