"""The local SageMaker without containers: what stands for them, and what tests create."""

from __future__ import annotations

import io
import json
import tarfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError

from deploy.archive import find_model_file
from deploy.errors import ServingError
from local_sagemaker.gateway import LocalSageMaker
from tests.support import scripted_server
from tests.support.scripted_server import Reply, answer

ROLE = "arn:aws:iam::123456789012:role/sagemaker"
QUICK = {"Delay": 0.05, "MaxAttempts": 400}
SECONDS = 20.0
VARIANT = {"VariantName": "AllTraffic", "InstanceType": "ml.c6i.large", "InitialInstanceCount": 1}


class Starts:
    """Stands for what starts containers: each answers with the one tag that its model file holds as text.

    `gate` holds up starts, `answers` what the containers answer.
    """

    def __init__(self) -> None:
        self.started: list[tuple[Mapping[str, str], str]] = []
        self.num_running = 0
        self.num_calls = 0
        self.gate, self.answers = threading.Event(), threading.Event()
        self.gate.set()
        self.answers.set()

    @contextmanager
    def __call__(self, variables: Mapping[str, str], folder: Path | None) -> Iterator[str]:
        file = find_model_file(folder) if folder else None
        tag = file.read_text() if file else "Bundled"
        self.gate.wait(SECONDS)
        if tag == "broken":
            raise ServingError("the container ended with status 1; cannot serve: model.pt2")
        self.started.append((dict(variables), tag))

        def script(_: object) -> Reply:
            self.num_calls += 1
            self.answers.wait(SECONDS)
            return Reply(200, answer(tag))

        with scripted_server.running(script) as server:
            self.num_running += 1
            yield server.url
            self.num_running -= 1


def put_archive(s3: BaseClient, key: str, files: Mapping[str, str]) -> str:
    """Writes a tar.gz with these files; returns its URL."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, text in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    s3.put_object(Bucket="models", Key=key, Body=packed.getvalue())
    return f"s3://models/{key}"


def create_model(control: BaseClient, name: str, **container: object) -> None:
    control.create_model(ModelName=name, ExecutionRoleArn=ROLE, PrimaryContainer={"Image": "tagger", **container})


def create_config(control: BaseClient, name: str, model: str, **more: object) -> None:
    variants = [{**VARIANT, "ModelName": model}]
    control.create_endpoint_config(EndpointConfigName=name, ProductionVariants=variants, **more)


def deploy(control: BaseClient, name: str, **container: object) -> None:
    create_model(control, name, **container)
    create_config(control, name, name)
    control.create_endpoint(EndpointName=name, EndpointConfigName=name)
    in_service(control, name)


def in_service(control: BaseClient, name: str) -> None:
    control.get_waiter("endpoint_in_service").wait(EndpointName=name, WaiterConfig=QUICK)


def status_of(control: BaseClient, name: str) -> str:
    return str(control.describe_endpoint(EndpointName=name)["EndpointStatus"])


def tag_of(local: LocalSageMaker, endpoint: str, **arguments: object) -> str:
    runtime = local.client("sagemaker-runtime")
    answered = runtime.invoke_endpoint(EndpointName=endpoint, Body=b"x", ContentType="audio/mp3", **arguments)
    return str(json.load(answered["Body"])["data"][0]["tags"][0]["name"])


def code_of(error: pytest.ExceptionInfo[ClientError]) -> tuple[str, int]:
    response: dict[str, Any] = error.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]
