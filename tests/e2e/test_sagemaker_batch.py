"""Transform jobs over a prefix of mixed formats, as boto3 and the AWS CLI start them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas
import pytest
from botocore.client import BaseClient

from local_sagemaker import storage
from local_sagemaker.gateway import LocalSageMaker
from tests.conftest import TREE
from tests.e2e.conftest import clean_environment
from tests.support.audio import encode, tone
from tests.support.toy_model import SAMPLE_RATE
from tests.support.waiting import eventually

AWS = Path(sys.executable).with_name("aws")
JOB_SECONDS = 300.0
FORMATS = {"a.mp3": "mp3", "b.wav": "wav", "deep/c.ogg": "vorbis", "deep/er/d.flac": "flac", "e.m4a": "m4a"}
BROKEN = {"broken.mp3": b"no sound", "empty.mp3": b""}


@pytest.fixture(scope="module")
def s3(sagemaker: LocalSageMaker) -> BaseClient:
    return sagemaker.client("s3")


@pytest.fixture(scope="module")
def mixed_prefix(s3: BaseClient) -> str:
    """Recordings with Siren at 0.2, below the threshold of 0.5 until sensitivity is 2; broken ones; and a "folder"."""
    for key, encoding in FORMATS.items():
        sound = encode(tone(1000, 0.2, 3, SAMPLE_RATE), SAMPLE_RATE, encoding)
        s3.put_object(Bucket="sounds", Key=f"mixed/{key}", Body=bytes(sound))
    for key, body in {**BROKEN, "deep/": b""}.items():
        s3.put_object(Bucket="sounds", Key=f"mixed/{key}", Body=body)
    return "s3://sounds/mixed/"


def run_job(
    sagemaker: LocalSageMaker, name: str, source: str, *, data_type: str = "S3Prefix", **extra: object
) -> dict[str, Any]:
    """Runs a job to its end and returns its description."""
    control = sagemaker.client("sagemaker")
    control.create_transform_job(
        TransformJobName=name,
        ModelName="tagger",
        TransformInput={
            "DataSource": {"S3DataSource": {"S3DataType": data_type, "S3Uri": source}},
            "ContentType": "application/octet-stream",
        },
        TransformOutput={"S3OutputPath": f"s3://sounds/{name}", "Accept": "application/json"},
        TransformResources={"InstanceType": "ml.g5.xlarge", "InstanceCount": 1},
        **extra,
    )
    assert eventually(lambda: status_of(control, name) != "InProgress", JOB_SECONDS)
    description: dict[str, Any] = control.describe_transform_job(TransformJobName=name)
    return description


def status_of(control: BaseClient, name: str) -> str:
    status: str = control.describe_transform_job(TransformJobName=name)["TransformJobStatus"]
    return status


def answer(s3: BaseClient, key: str) -> dict[str, Any]:
    body: dict[str, Any] = json.load(s3.get_object(Bucket="sounds", Key=key)["Body"])
    return body


def test_every_object_is_answered_at_the_jobs_own_sensitivity_even_broken_ones(
    sagemaker: LocalSageMaker, s3: BaseClient, mixed_prefix: str
) -> None:
    environment = {"SENSE_DEFAULT_SENSITIVITY": "-1", "SENSE_TAGS_SENSITIVITY": '{"Siren": 2}'}
    environment |= {"SENSE_BATCH_ERRORS": "answer"}
    limits: dict[str, Any] = {"MaxPayloadInMB": 25, "MaxConcurrentTransforms": 4}
    job = run_job(sagemaker, "mixed-job", mixed_prefix, Environment=environment, **limits)
    assert job["TransformJobStatus"] == "Completed"
    assert "FailureReason" not in job
    assert storage.keys(s3, "s3://sounds/mixed-job/") == sorted(f"mixed-job/{key}.out" for key in (*FORMATS, *BROKEN))
    for key in FORMATS:
        tagged = answer(s3, f"mixed-job/{key}.out")
        assert [[tag["name"] for tag in window["tags"]] for window in tagged["data"]][:2] == [["Siren"]] * 2
        assert tagged["metadata"]["content_type"] == "application/octet-stream"
    errors = {key: answer(s3, f"mixed-job/{key}.out") for key in BROKEN}
    assert [each["data"] for each in errors.values()] == [[], []]
    assert "the body (8 bytes) is no audio" in errors["broken.mp3"]["error"]
    assert "the body is empty" in errors["empty.mp3"]["error"]


def test_what_failed_in_a_job_is_collected_and_tried_again_in_another(
    sagemaker: LocalSageMaker, s3: BaseClient, tmp_path: Path
) -> None:
    good = bytes(encode(tone(1000, 0.8, 3, SAMPLE_RATE), SAMPLE_RATE, "wav"))
    s3.put_object(Bucket="sounds", Key="partly/good.wav", Body=good)
    s3.put_object(Bucket="sounds", Key="partly/broken.wav", Body=b"no sound")
    s3.put_object(Bucket="sounds", Key="partly/large.wav", Body=good + bytes(1 << 20))
    job = run_job(sagemaker, "partly-job", "s3://sounds/partly", MaxPayloadInMB=1)
    assert job["TransformJobStatus"] == "Failed"
    assert "2 of 3 objects failed" in job["FailureReason"]
    assert storage.keys(s3, "s3://sounds/partly-job/") == ["partly-job/good.wav.out"]
    arguments = ["s3://sounds/partly-job", "--input", "s3://sounds/partly", "--retry-manifest", "retry.json"]
    run = subprocess.run(
        [sys.executable, "-m", "sense_client", "collect", *arguments, "--output", "events.parquet"],
        cwd=tmp_path,
        env=clean_environment(**sagemaker.environment(), PYTHONPATH=str(TREE / "client")),
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert run.returncode == 1, run.stderr
    rows = list(pandas.read_parquet(tmp_path / "events.parquet").itertuples(index=False))
    assert [(row.key, row.tag, row.start_seconds, row.end_seconds) for row in rows] == [("good.wav", "Siren", 0, 3)]
    s3.put_object(Bucket="sounds", Key="partly/broken.wav", Body=good)
    s3.upload_file(str(tmp_path / "retry.json"), "sounds", "manifests/retry.json")
    job = run_job(sagemaker, "retry-job", "s3://sounds/manifests/retry.json", data_type="ManifestFile")
    assert job["TransformJobStatus"] == "Completed"
    assert storage.keys(s3, "s3://sounds/retry-job/") == ["retry-job/broken.wav.out", "retry-job/large.wav.out"]


def test_a_container_that_cannot_start_fails_the_job(sagemaker: LocalSageMaker, mixed_prefix: str) -> None:
    job = run_job(sagemaker, "never-job", mixed_prefix, Environment={"SENSE_DEFAULT_SENSITIVITY": "5"})
    assert job["TransformJobStatus"] == "Failed"
    assert "SENSE_DEFAULT_SENSITIVITY" in job["FailureReason"]


def test_the_aws_cli(sagemaker: LocalSageMaker, s3: BaseClient, mixture: bytes) -> None:
    s3.put_object(Bucket="sounds", Key="cli/one.mp3", Body=mixture)
    source = {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://sounds/cli/"}}}
    command = [str(AWS), "sagemaker", "create-transform-job", "--transform-job-name", "cli-job"]
    command += ["--model-name", "tagger", "--transform-input", json.dumps({**source, "ContentType": "audio/mp3"})]
    command += ["--transform-output", "S3OutputPath=s3://sounds/cli-job"]
    command += ["--transform-resources", "InstanceType=ml.g5.xlarge,InstanceCount=1"]
    subprocess.run(command, env=clean_environment(**sagemaker.environment()), check=True, stdout=subprocess.DEVNULL)
    control = sagemaker.client("sagemaker")
    assert eventually(lambda: status_of(control, "cli-job") != "InProgress", JOB_SECONDS)
    assert answer(s3, "cli-job/one.mp3.out")["data"][0]["tags"][0]["name"] == "Laughter"
