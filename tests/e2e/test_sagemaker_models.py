"""Endpoints and transform jobs answer with the tags of the model that they name."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest
from botocore.client import BaseClient

from local_sagemaker.gateway import LocalSageMaker, create_endpoint, create_model
from tests.conftest import TREE, build_archives
from tests.support.audio import encode, tone
from tests.support.toy_model import SAMPLE_RATE, TONE_HERTZ, write_toy_model
from tests.support.waiting import eventually

CHECKPOINT = TREE.parent / "shared" / "checkpoints" / "mn04_as_mAP_432.pt"
BUNDLED = TREE / "model" / "model.pt2"
JOB_SECONDS = 300.0


@pytest.fixture(scope="module")
def s3(sagemaker: LocalSageMaker) -> BaseClient:
    return sagemaker.client("s3")


@pytest.fixture(scope="module")
def other_archive(s3: BaseClient, tmp_path_factory: pytest.TempPathFactory) -> str:
    """build_mar.sh's model.tar.gz, with MAR-INF, of a toy with other names."""
    folder = tmp_path_factory.mktemp("other")
    tags = [{"name": f"Other_{name}", "category": "Test", "threshold": 0.5} for name in TONE_HERTZ]
    build_archives(write_toy_model(folder / "other.pt2", name="other", tags=tags), folder)
    s3.upload_file(str(folder / "model.tar.gz"), "sounds", "models/other.tar.gz")
    return "s3://sounds/models/other.tar.gz"


def upload_alone(s3: BaseClient, model: Path, folder: Path) -> str:
    """Writes the tar.gz of a model file alone; returns its URL."""
    with tarfile.open(folder / "model.tar.gz", "w:gz") as archive:
        archive.add(model, "model.pt2")
    s3.upload_file(str(folder / "model.tar.gz"), "sounds", f"models/{model.stem}.tar.gz")
    return f"s3://sounds/models/{model.stem}.tar.gz"


def invoke(sagemaker: LocalSageMaker, endpoint: str, body: bytes, **attributes: object) -> dict[str, Any]:
    response = sagemaker.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=endpoint, ContentType="audio/mp3", CustomAttributes=json.dumps(attributes), Body=body
    )
    answer: dict[str, Any] = json.load(response["Body"])
    return answer


def heard(answer: dict[str, Any]) -> set[str]:
    return {tag["name"] for window in answer["data"] for tag in window["tags"]}


def test_two_endpoints_answer_with_their_own_tags(
    sagemaker: LocalSageMaker, mixture: bytes, other_archive: str
) -> None:
    variables = {"SENSE_DEFAULT_SENSITIVITY": "1"}  # lowers thresholds from 0.5 to 0.27
    create_endpoint(sagemaker.client("sagemaker"), "other", ModelDataUrl=other_archive, Environment=variables)
    assert heard(invoke(sagemaker, "tagger", mixture)) == {"Laughter"}
    assert heard(invoke(sagemaker, "other", mixture)) == {"Other_Laughter", "Other_Speech"}
    sagemaker.client("sagemaker").delete_endpoint(EndpointName="other")


def test_a_transform_job_answers_with_its_models_tags(
    sagemaker: LocalSageMaker, s3: BaseClient, other_archive: str
) -> None:
    body = encode(tone(1000, 0.8, 3, SAMPLE_RATE), SAMPLE_RATE, "wav")
    s3.put_object(Bucket="sounds", Key="named/a b.wav", Body=bytes(body))
    control = sagemaker.client("sagemaker")
    create_model(control, "other-job", ModelDataUrl=other_archive)
    source = {"S3DataType": "S3Prefix", "S3Uri": "s3://sounds/named/"}
    control.create_transform_job(
        TransformJobName="other-job",
        ModelName="other-job",
        TransformInput={"DataSource": {"S3DataSource": source}, "ContentType": "audio/wav"},
        TransformOutput={"S3OutputPath": "s3://sounds/other-job"},
        TransformResources={"InstanceType": "ml.c6i.large", "InstanceCount": 1},
    )

    def status() -> str:
        return str(control.describe_transform_job(TransformJobName="other-job")["TransformJobStatus"])

    assert eventually(lambda: status() != "InProgress", JOB_SECONDS)
    answer = json.load(s3.get_object(Bucket="sounds", Key="other-job/a b.wav.out")["Body"])
    assert heard(answer) == {"Other_Siren"}


@pytest.mark.skipif(not CHECKPOINT.exists(), reason="the checkpoint mn04_as_mAP_432.pt of ../shared is not here")
def test_the_bundled_model_and_an_imported_one_side_by_side(
    sagemaker: LocalSageMaker, s3: BaseClient, tmp_path: Path
) -> None:
    imported = tmp_path / "mn04.pt2"
    command = [sys.executable, "-m", "importers", "efficientat", str(CHECKPOINT), "--output", str(imported)]
    subprocess.run(command, cwd=TREE, check=True, stdout=subprocess.DEVNULL)
    models = {"bundled": BUNDLED, "mn04": imported}
    for name, model in models.items():
        url = upload_alone(s3, model, tmp_path)
        create_endpoint(sagemaker.client("sagemaker"), name, ModelDataUrl=url)
    recording = (TREE / "samples" / "demo.mp3").read_bytes()
    known, answered = {}, {}
    for name in models:
        described = json.load(
            sagemaker.client("sagemaker-runtime").invoke_endpoint(
                EndpointName=name, CustomAttributes='{"describe": true}', Body=b""
            )["Body"]
        )
        known[name] = {tag["name"] for tag in described["tags"]}
        answer = invoke(sagemaker, name, recording, all_probabilities=True)
        assert heard(answer), name
        assert {tag for window in answer["data"] for tag in window["probabilities"]} == known[name]
        answered[name] = described["name"], answer["data"]
    assert answered["mn04"][0] == "mn04_as_mAP_432"
    assert answered["bundled"][0] != answered["mn04"][0]
    assert answered["bundled"][1] != answered["mn04"][1]
    for name in models:
        sagemaker.client("sagemaker").delete_endpoint(EndpointName=name)
