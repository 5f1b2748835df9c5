"""docs/openapi.json against the real answers, and the examples as they are written."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import openapi_spec_validator
import pytest
import requests

from local_sagemaker.gateway import LocalSageMaker
from tests.conftest import TREE
from tests.support.audio import encode, tone

DESCRIPTION: dict[str, Any] = json.loads((TREE / "docs" / "openapi.json").read_text())
EXAMPLES = TREE / "examples"
ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"
SIREN = bytes(encode(tone(1000, 0.4, 3.0, 16_000), 16_000, "wav"))


def check(answer: requests.Response, path: str, method: str, schema: str | None = None) -> None:
    """Holds an answer against what is documented for its status; `schema` names which of several it must be."""
    documented = DESCRIPTION["paths"][path][method]["responses"][str(answer.status_code)]
    content = documented.get("content")
    if content is None:
        return
    expected = {"$ref": f"#/components/schemas/{schema}"} if schema else content["application/json"]["schema"]
    assert answer.headers["Content-Type"] == "application/json"
    jsonschema.Draft202012Validator({**expected, "components": DESCRIPTION["components"]}).validate(answer.json())


def test_it_is_valid_and_served(local_url: str) -> None:
    openapi_spec_validator.validate(DESCRIPTION)
    answer = requests.get(f"{local_url}/openapi.json", timeout=60)
    assert answer.json() == DESCRIPTION
    assert answer.headers["Content-Type"] == "application/json"


@pytest.mark.parametrize("path", [path for path, item in DESCRIPTION["paths"].items() if "get" in item])
def test_what_is_read(local_url: str, path: str) -> None:
    answer = requests.get(local_url + path, timeout=60)
    assert answer.status_code == 200
    check(answer, path, "get")


@pytest.mark.parametrize(
    ("headers", "body", "status", "schema"),
    [
        ({"Content-Type": "audio/wav"}, SIREN, 200, "Answer"),
        ({"Content-Type": "audio/wav", "X-All-Probabilities": "1", "X-Tail-Window": "1"}, SIREN, 200, "Answer"),
        ({ATTRIBUTES: '{"describe": true}'}, b"", 200, "Description"),
        ({"Content-Type": "audio/wav"}, b"", 400, "Error"),
        ({"Content-Type": "audio/wav", "X-Default-Sensitivity": "3"}, SIREN, 400, "Error"),
        ({"Content-Type": "image/png"}, b"\x89PNG", 415, "Error"),
    ],
)
def test_what_is_tagged(local_url: str, headers: dict[str, str], body: bytes, status: int, schema: str) -> None:
    answer = requests.post(f"{local_url}/invocations", data=body, headers=headers, timeout=60)
    assert answer.status_code == status
    check(answer, "/invocations", "post", schema)


def test_every_documented_header_has_its_effect(local_url: str) -> None:
    headers = {each["name"]: each for each in DESCRIPTION["paths"]["/invocations"]["post"]["parameters"]}
    for name in headers.keys() - {"X-Filename"}:
        answer = requests.post(
            f"{local_url}/invocations", data=SIREN, headers={"Content-Type": "audio/wav", name: "{"}, timeout=60
        )
        assert answer.status_code == 400, name
    named = {"Content-Type": "audio/wav", "X-Filename": headers["X-Filename"]["example"]}
    answer = requests.post(f"{local_url}/invocations", data=SIREN, headers=named, timeout=60)
    assert answer.json()["metadata"]["name"] == "street.mp3"


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    """A siren that is heard at sensitivity 1 alone."""
    (tmp_path / "street.wav").write_bytes(SIREN)
    return tmp_path / "street.wav"


def output_of(*command: object, **environment: str) -> str:
    run = subprocess.run(
        list(map(str, command)), env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_the_python_example(local_url: str, sound: Path) -> None:
    printed = output_of(
        sys.executable, EXAMPLES / "tag.py", sound, SENSE_URL=local_url, PYTHONPATH=str(TREE / "client")
    )
    assert printed == "0-3 s: Siren, 0.40\n"


def test_the_javascript_example(local_url: str, sound: Path) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    assert output_of(node, EXAMPLES / "tag.mjs", sound, SENSE_URL=local_url) == (
        "0-2 s: Siren 0.40\n1-3 s: Siren 0.40\n"
    )


def test_the_curl_example(local_url: str, sound: Path) -> None:
    answer = json.loads(output_of("sh", EXAMPLES / "tag.sh", sound, SENSE_URL=local_url))
    assert [[tag["name"] for tag in window["tags"]] for window in answer["data"]] == [["Siren"]] * 2


def test_the_example_of_the_aws_command_line(sagemaker: LocalSageMaker, sound: Path, tmp_path: Path) -> None:
    variables = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", **sagemaker.environment()}
    output_of("sh", EXAMPLES / "tag_sagemaker.sh", sound, tmp_path / "answer.json", **variables)
    answer = json.loads((tmp_path / "answer.json").read_text())
    assert [[tag["name"] for tag in window["tags"]] for window in answer["data"]] == [["Siren"]] * 2
