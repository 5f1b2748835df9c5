"""The parts of the local SageMaker that need no server, and its retries against a container that fails on purpose."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

import psutil
import pytest
from botocore.exceptions import ClientError

from deploy.http_call import Answer
from local_sagemaker import storage, transform
from local_sagemaker.containers import error_message, original_message, with_environment
from tests.conftest import TREE

JOB = {
    "TransformJobName": "job",
    "TransformInput": {
        "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://sounds/in"}},
        "ContentType": "audio/wav",
    },
    "TransformOutput": {"S3OutputPath": "s3://sounds/out"},
}


class Shelf:
    """As much of an S3 client as a job needs, with a dictionary for a bucket."""

    def __init__(self, objects: Mapping[str, bytes]) -> None:
        self.objects = dict(objects)

    def get_paginator(self, _: str) -> Shelf:
        return self

    def paginate(self, Bucket: str, Prefix: str) -> list[dict[str, Any]]:  # noqa: N803  # as boto3 calls it
        return [{"Contents": [{"Key": key} for key in sorted(self.objects) if key.startswith(Prefix)]}]

    def get_object(self, Bucket: str, Key: str) -> dict[str, io.BytesIO]:  # noqa: N803
        if Key == "in/removed.wav":
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": "Not Found"}}, "GetObject")
        return {"Body": io.BytesIO(self.objects[Key])}

    def put_object(self, *, Bucket: str, Key: str, Body: bytes, ContentType: str) -> None:  # noqa: N803
        self.objects[Key] = Body


class Stubborn(BaseHTTPRequestHandler):
    """Answers with `statuses` in turn, then with 200; notes the bodies it was sent."""

    protocol_version = "HTTP/1.1"
    statuses: ClassVar[list[int]] = []
    bodies: ClassVar[list[bytes]] = []

    def do_GET(self) -> None:
        self.answer(200, b'{"MaxConcurrentTransforms":1,"MaxPayloadInMB":1}')

    def do_POST(self) -> None:
        body = b""
        while size := int(self.rfile.readline(), 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        self.bodies.append(body)
        self.answer(self.statuses.pop(0) if self.statuses else 200, b"{}")

    def answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def stubborn(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(transform, "RETRY_SECONDS", 0.0)
    Stubborn.statuses, Stubborn.bodies = [], []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Stubborn)
    thread = threading.Thread(target=lambda: server.serve_forever(0.01), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def run(url: str, shelf: Shelf, **extra: object) -> str | None:
    return transform.run({**JOB, **extra}, shelf, url, threading.Event())


@pytest.mark.parametrize("status", [429, 500, 503])
def test_what_another_try_can_mend_is_tried_again(stubborn: str, status: int) -> None:
    Stubborn.statuses = [status, status]
    shelf = Shelf({"in/a.wav": b"RIFF"})
    assert run(stubborn, shelf) is None
    assert Stubborn.bodies == [b"RIFF"] * 3
    assert shelf.objects["out/a.wav.out"] == b"{}"


def test_a_callers_error_is_not_tried_again(stubborn: str) -> None:
    Stubborn.statuses = [400]
    shelf = Shelf({"in/a.wav": b"RIFF"})
    reason = run(stubborn, shelf)
    assert reason is not None
    assert "(400)" in reason
    assert len(Stubborn.bodies) == 1
    assert "out/a.wav.out" not in shelf.objects


def test_an_object_that_is_removed_while_the_job_runs_costs_no_other(stubborn: str) -> None:
    shelf = Shelf({"in/a.wav": b"RIFF", "in/removed.wav": b"RIFF"})
    assert str(run(stubborn, shelf)).startswith("ClientError: 1 of 2 objects failed; in/removed.wav: ")
    assert shelf.objects["out/a.wav.out"] == b"{}"


def test_retries_come_to_an_end(stubborn: str) -> None:
    Stubborn.statuses = [503] * 9
    reason = run(stubborn, Shelf({"in/a.wav": b"RIFF"}), ModelClientConfig={"InvocationsMaxRetries": 1})
    assert reason is not None
    assert len(Stubborn.bodies) == 2


def test_the_containers_own_limits_hold_where_the_job_says_none(stubborn: str) -> None:
    reason = run(stubborn, Shelf({"in/a.wav": bytes((1 << 20) + 1)}))
    assert reason is not None
    assert "MaxPayloadInMB" in reason
    assert run(stubborn, Shelf({"in/a.wav": bytes((1 << 20) + 1)}), MaxPayloadInMB=2) is None


def test_no_objects_at_all_fail_the_job(stubborn: str) -> None:
    assert "no objects" in str(run(stubborn, Shelf({})))


@pytest.mark.parametrize(
    ("uri", "key", "out"),
    [
        ("s3://sounds/in", "in/deep/a.wav", "out/deep/a.wav.out"),
        ("s3://sounds/in/", "in/a.wav", "out/a.wav.out"),
        ("s3://sounds/in/a", "in/a1.wav", "out/a1.wav.out"),
        ("s3://sounds/", "a.wav", "out/a.wav.out"),
    ],
)
def test_where_answers_lie(stubborn: str, uri: str, key: str, out: str) -> None:
    source = {"DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": uri}}}
    shelf = Shelf({key: b"RIFF"})
    assert run(stubborn, shelf, TransformInput=source) is None
    assert set(shelf.objects) == {key, out}


def test_a_jobs_variables() -> None:
    request = {**JOB, "Environment": {"A": "job"}, "MaxPayloadInMB": 0, "MaxConcurrentTransforms": 3}
    assert transform.environment(request) == {
        "A": "job",
        "SAGEMAKER_BATCH": "true",
        "SAGEMAKER_BATCH_STRATEGY": "SINGLE_RECORD",
        "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": "3",
        "SAGEMAKER_MAX_PAYLOAD_IN_MB": "0",
    }


def test_errors_are_worded_and_cut_as_sagemaker_does() -> None:
    assert error_message(Answer(400, {}, b"why")) == 'Received client error (400) from primary with message "why".'
    assert "server error (503)" in error_message(Answer(503, {}, b""))
    assert "timed out" in error_message(Answer(0, {}, b""))
    assert len(error_message(Answer(400, {}, b"x" * 5_000))) == 2_048
    assert len(original_message(Answer(400, {}, b"x" * 5_000))) == 2_048


def test_a_commands_environment() -> None:
    command = ["docker", "run", "{env}", "image"]
    assert with_environment(command, {"A": "1", "B": "x y"}) == [
        "docker",
        "run",
        "--env",
        "A=1",
        "--env",
        "B=x y",
        "image",
    ]
    assert with_environment(["serve"], {"A": "1"}) == ["serve"]


@pytest.mark.parametrize("location", ["sounds/a.wav", "s3://", "https://sounds/a", ""])
def test_what_is_no_location(location: str) -> None:
    with pytest.raises(ValueError, match="is not a location"):
        storage.parse(location)


def test_locations() -> None:
    assert storage.parse("s3://sounds/in/a b.wav") == ("sounds", "in/a b.wav")
    assert storage.join("s3://sounds/out/", "a") == storage.join("s3://sounds/out", "a") == "s3://sounds/out/a"
    assert json.dumps(storage.parse("s3://sounds")) == '["sounds", ""]'


CUT_SHORT = """
import sys, threading
from pathlib import Path
from local_sagemaker.containers import started

def hold() -> None:
    with started([sys.executable, "-c", "import time; time.sleep(600)"], {}, Path(sys.argv[1])) as container:
        print(container.process.pid, flush=True)
        is_there.set()
        threading.Event().wait()

is_there = threading.Event()
threading.Thread(target=hold, daemon=True).start()
is_there.wait()
"""


def test_a_container_that_a_thread_holds_ends_with_the_program(tmp_path: Path) -> None:
    command = [sys.executable, "-c", CUT_SHORT, str(tmp_path / "log")]
    run = subprocess.run(command, cwd=TREE, capture_output=True, text=True, check=True)
    assert not psutil.pid_exists(int(run.stdout))
