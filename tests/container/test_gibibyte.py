"""The largest asynchronous request, end to end. Minutes of work: `make image-test` runs it, `make test` does not."""

from __future__ import annotations

import http.client
import json
import time
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest

from local_sagemaker import storage
from local_sagemaker.containers import Container, get
from local_sagemaker.gateway import LocalSageMaker
from tests.support.sagemaker_container import processes, spooled
from tests.support.waiting import eventually

GIBIBYTE = 1 << 30
RATE, CHANNELS = 48_000, 2
CONTENT_TYPE = f"audio/x-raw; rate={RATE}; format=s16le; channels={CHANNELS}"
SECONDS = 900.0


def resident_bytes(container: Container) -> int:
    """Returns what the container's processes hold in memory, without the pages of files that they map."""
    total = 0
    for process in processes(container):
        memory = process.memory_info()
        total += memory.rss - memory.shared
    return total


def test_a_gibibyte_through_s3_and_back(
    sagemaker: LocalSageMaker,
    async_container: Container,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with (tmp_path / "long.raw").open("wb") as file:
        file.truncate(GIBIBYTE)  # 93 minutes of silence
    s3, runtime = sagemaker.client("s3"), sagemaker.client("sagemaker-runtime")
    s3.upload_file(str(tmp_path / "long.raw"), "sounds", "input/long.raw")
    before = resident_bytes(async_container)
    began = time.monotonic()
    response = runtime.invoke_endpoint_async(
        EndpointName="tagger-async",
        InputLocation="s3://sounds/input/long.raw",
        ContentType=CONTENT_TYPE,
        InvocationTimeoutSeconds=3600,
    )
    bucket, key = storage.parse(response["OutputLocation"])
    peak, pings = before, []
    while key not in storage.keys(s3, f"s3://{bucket}/output/"):
        assert time.monotonic() - began < SECONDS
        peak = max(peak, resident_bytes(async_container))
        asked = time.monotonic()
        assert get(async_container.url, "/ping").status == 200
        pings.append(time.monotonic() - asked)
        time.sleep(0.5)
    took = time.monotonic() - began
    answer = json.load(s3.get_object(Bucket=bucket, Key=key)["Body"])
    expected_seconds = GIBIBYTE / (2 * CHANNELS * RATE)
    assert answer["metadata"]["size_byte"] == GIBIBYTE
    assert answer["metadata"]["length_sec"] == pytest.approx(expected_seconds, abs=0.001)
    assert len(answer["data"]) == int(expected_seconds) - 1
    assert eventually(lambda: spooled(async_container) == [], 5)
    s3.delete_object(Bucket="sounds", Key="input/long.raw")
    with capsys.disabled():
        print(
            f"\n1 GiB, {expected_seconds:.0f} s of audio: {took:.0f} s from the call to the answer in S3, "
            f"memory grew by {(peak - before) / 1e6:.0f} MB at most, "
            f"slowest of {len(pings)} pings {1000 * max(pings):.0f} ms"
        )


def test_a_client_that_hangs_up_after_half_a_gibibyte(async_container: Container) -> None:
    connection = http.client.HTTPConnection(urlsplit(async_container.url).netloc, timeout=60)
    connection.putrequest("POST", "/invocations")
    connection.putheader("Content-Type", CONTENT_TYPE)
    connection.putheader("Content-Length", str(GIBIBYTE))
    connection.endheaders()
    for _ in range(512):
        connection.send(bytes(1 << 20))
    assert len(spooled(async_container)) == 1
    connection.close()
    assert eventually(lambda: spooled(async_container) == [], 10)


def test_a_client_that_hangs_up_while_its_recording_is_tagged(async_container: Container) -> None:
    connection = http.client.HTTPConnection(urlsplit(async_container.url).netloc, timeout=60)
    headers = {"Content-Type": CONTENT_TYPE, "Content-Length": str(GIBIBYTE // 4)}
    connection.request("POST", "/invocations", (bytes(1 << 20) for _ in range(256)), headers)
    time.sleep(1)
    connection.close()
    assert eventually(lambda: spooled(async_container) == [], 10)
    assert psutil.pid_exists(processes(async_container, "model_service_worker")[0].pid)
    assert eventually(lambda: get(async_container.url, "/ping").status == 200, 10)
