"""The container as SageMaker sees it: its port, its health, its limits, its end."""

from __future__ import annotations

import concurrent.futures
import contextlib
import http.client
import json
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
import requests

from deploy.torchserve.readiness import silence
from local_sagemaker.containers import Container, get, started
from local_sagemaker.gateway import create_endpoint, running
from tests.e2e.conftest import LOGS
from tests.support.audio import encode, tone
from tests.support.sagemaker_container import alive, paused, processes, spooled, workers
from tests.support.toy_model import TONE_HERTZ, write_toy_model
from tests.support.waiting import eventually

MAX_BODY_BYTES = 4_000_000
MAX_REQUESTS = 2
SOUND = {"Content-Type": "audio/wav"}
PARTS = ("nginx: master", "org.pytorch.serve.ModelServer")


@pytest.fixture(scope="module")
def small(container_command: list[str]) -> Iterator[Container]:
    """A real-time container with narrow limits."""
    limits = {"SENSE_MAX_BODY_BYTES": str(MAX_BODY_BYTES), "SENSE_MAX_REQUESTS": str(MAX_REQUESTS)}
    with started(container_command, limits, LOGS / "container-small.log") as container:
        container.wait_until_healthy()
        yield container


def post(container: Container, body: bytes, **headers: str) -> requests.Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.post(f"{container.url}/invocations", data=body, headers={**SOUND, **named}, timeout=120)


@contextlib.contextmanager
def half_sent(container: Container, body: bytes) -> Iterator[http.client.HTTPConnection]:
    """Begins a request and sends half of its body."""
    connection = http.client.HTTPConnection(urlsplit(container.url).netloc, timeout=60)
    connection.putrequest("POST", "/invocations")
    connection.putheader("Content-Type", "audio/wav")
    connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body[: len(body) // 2])
    try:
        yield connection
    finally:
        connection.close()


def error_of(response: requests.Response) -> str:
    """Returns the error, having looked at its form."""
    answer = response.json()
    assert response.headers["Content-Type"] == "application/json"
    assert set(answer) == {"status_code", "error"}
    assert answer["status_code"] == response.status_code
    return str(answer["error"])


def test_the_settings_in_force_are_logged(small: Container) -> None:
    port = small.url.rpartition(":")[2]
    line = f"profile realtime: port {port}, bodies up to 4000000 bytes, 2 requests at once"
    assert line in small.log.read_text()


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/ping", 200),
        ("GET", "/execution-parameters", 200),
        ("GET", "/invocations", 405),
        ("OPTIONS", "/invocations", 405),
        ("POST", "/predictions/cochl-sense", 404),
        ("GET", "/models", 404),
        ("GET", "/metrics", 404),
        ("GET", "/nginx.conf", 404),
        ("GET", "/ready", 404),
    ],
)
def test_there_is_nothing_but_sagemakers_paths(small: Container, method: str, path: str, status: int) -> None:
    response = requests.request(method, f"{small.url}{path}", timeout=10)
    assert response.status_code == status
    if status >= 400:
        error_of(response)


def test_execution_parameters(small: Container) -> None:
    expected = {"MaxConcurrentTransforms": 1, "BatchStrategy": "SINGLE_RECORD", "MaxPayloadInMB": 3}
    assert json.loads(get(small.url, "/execution-parameters").body) == expected


def test_nothing_but_the_front_listens_to_the_world(small: Container) -> None:
    front = int(small.url.rpartition(":")[2])
    listening = {
        (connection.laddr.ip.removeprefix("::ffff:"), connection.laddr.port)
        for process in processes(small)
        for connection in process.net_connections(kind="tcp")
        if connection.status == psutil.CONN_LISTEN
    }
    assert front in {port for _, port in listening}
    assert {ip for ip, port in listening if port != front} == {"127.0.0.1"}


@pytest.mark.parametrize("name", ["X-Sense-Body-File", "x-sense-body-file", "X-SENSE-BODY-FILE", "X_Sense_Body_File"])
@pytest.mark.parametrize("times", [1, 2])
def test_a_callers_own_body_file_has_no_effect(small: Container, tmp_path: Path, name: str, times: int) -> None:
    sound = tmp_path / "private.wav"
    sound.write_bytes(silence())
    sent = bytes(encode(tone(1000, 0.8, 3, 16_000), 16_000, "wav"))
    for body, status in ((sent, 200), (b"", 400)):
        connection = http.client.HTTPConnection(urlsplit(small.url).netloc, timeout=60)
        connection.putrequest("POST", "/invocations")
        connection.putheader("Content-Type", "audio/wav")
        connection.putheader("Content-Length", str(len(body)))
        for _ in range(times):
            connection.putheader(name, str(sound))
        connection.endheaders(body)
        response = connection.getresponse()
        answer = json.loads(response.read())
        connection.close()
        assert response.status == status, answer
        if status == 200:
            assert answer["metadata"]["size_byte"] == len(sent)


def test_a_query_has_no_effect(small: Container) -> None:
    response = requests.post(f"{small.url}/invocations?model_name=x&body=y", silence(), headers=SOUND, timeout=60)
    assert response.status_code == 200, response.text


def test_the_file_in_a_form_is_tagged(small: Container) -> None:
    sound = bytes(encode(tone(1000, 0.8, 3, 16_000), 16_000, "wav"))
    fields = {"x-tail-window": "0", "x-default-sensitivity": "-2"}  # from 0.88 on Siren is heard
    files = {"data": ("straße.wav", sound, "audio/wav")}
    response = requests.post(f"{small.url}/invocations", fields, files=files, timeout=60)
    assert response.status_code == 200, response.text
    assert response.json()["metadata"] == {
        "content_type": "audio/wav",
        "length_sec": 3.0,
        "size_byte": len(sound),
        "name": "straße.wav",
    }
    assert [window["tags"] for window in response.json()["data"]] == [[], []]
    assert response.headers["X-Model"] == "toy/1"


@pytest.mark.parametrize(
    ("content_type", "message"),
    [("application/x-www-form-urlencoded", "--data-binary"), ("multipart/mixed; boundary=x", "not supported")],
)
def test_a_form_without_a_file_is_refused(small: Container, content_type: str, message: str) -> None:
    response = post(small, silence(), Content_Type=content_type)
    assert response.status_code == 415
    assert message in error_of(response)


def test_two_files_in_a_form_are_refused(small: Container) -> None:
    response = requests.post(f"{small.url}/invocations", files={"a": silence(), "b": silence()}, timeout=60)
    assert response.status_code == 415
    assert "one sound file" in error_of(response)


def test_put_does_what_post_does(small: Container, tmp_path: Path) -> None:
    (tmp_path / "sound.wav").write_bytes(silence())
    put = ["curl", "-sS", "-T", str(tmp_path / "sound.wav"), "-w", "%{http_code}", f"{small.url}/invocations"]
    untyped = subprocess.run(put, capture_output=True, text=True, check=True).stdout
    typed = subprocess.run([*put, "-H", "Content-Type: audio/wav"], capture_output=True, text=True, check=True).stdout
    assert untyped.startswith('{"status_code":400,"error":"the Content-Type header is missing')
    assert untyped.endswith("}\n400")
    assert typed.endswith("}\n200")


def test_a_name_in_utf8_comes_back(small: Container) -> None:
    headers: dict[str, str | bytes] = {**SOUND, "X-Filename": "naïve €.wav".encode()}
    response = requests.post(f"{small.url}/invocations", silence(), headers=headers, timeout=60)
    assert response.json()["metadata"]["name"] == "naïve €.wav"


def test_a_body_over_the_limit_gets_413(small: Container) -> None:
    within = silence() + bytes(MAX_BODY_BYTES - len(silence()))
    assert post(small, within).status_code == 200
    for body in (within + b"\0", bytes(20 * MAX_BODY_BYTES)):
        response = post(small, body)
        assert response.status_code == 413
        assert str(MAX_BODY_BYTES) in error_of(response)


def test_a_chunked_body(small: Container) -> None:
    blocks = (silence() for _ in range(1))
    assert requests.post(f"{small.url}/invocations", blocks, headers=SOUND, timeout=60).status_code == 200
    blocks = (bytes(100_000) for _ in range(41))
    assert requests.post(f"{small.url}/invocations", blocks, headers=SOUND, timeout=60).status_code == 413


def test_one_too_many_gets_429_and_when_to_come_back(small: Container) -> None:
    body = bytes(encode(tone(1000, 0.8, 3, 16_000), 16_000, "wav"))
    with concurrent.futures.ThreadPoolExecutor(MAX_REQUESTS + 1) as pool:
        with paused(small):
            response, waiting = one_too_many(pool, small, body)
            assert (response.status_code, response.headers["Retry-After"]) == (429, "5")
            assert "2 at once" in error_of(response)
            assert get(small.url, "/ping").status == 200  # it is busy, not ill
        assert [future.result().status_code for future in waiting] == [200] * MAX_REQUESTS
    assert post(small, body).status_code == 200


def one_too_many(
    pool: concurrent.futures.Executor, container: Container, body: bytes
) -> tuple[requests.Response, set[concurrent.futures.Future[requests.Response]]]:
    """Takes every place of a container that answers nothing; returns the refusal of one more, and those that wait."""
    sent = [pool.submit(post, container, body) for _ in range(MAX_REQUESTS + 1)]
    done, waiting = concurrent.futures.wait(sent, 60, concurrent.futures.FIRST_COMPLETED)
    assert len(done) == 1
    return done.pop().result(), waiting


def test_under_overload_every_caller_gets_an_answer_or_429(small: Container) -> None:
    body = bytes(encode(tone(1000, 0.8, 10, 16_000), 16_000, "wav"))
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        responses = list(pool.map(lambda _: post(small, body), range(64)))
    statuses = [response.status_code for response in responses]
    assert set(statuses) == {200, 429}
    assert {len(response.json()["data"]) for response in responses if response.status_code == 200} == {9}


def test_overload_through_sagemaker(small: Container) -> None:
    body = silence()
    with running(small.url, lambda *_: contextlib.nullcontext(small.url)) as sagemaker:
        create_endpoint(sagemaker.client("sagemaker"), "crowded")
        client = sagemaker.client("sagemaker-runtime")
        with concurrent.futures.ThreadPoolExecutor(MAX_REQUESTS + 1) as pool, paused(small):
            one_too_many(pool, small, body)
            with pytest.raises(client.exceptions.ModelError) as raised:
                client.invoke_endpoint(EndpointName="crowded", ContentType="audio/wav", Body=body)
    assert raised.value.response["OriginalStatusCode"] == 429
    assert "try again" in raised.value.response["OriginalMessage"]


def test_bodies_leave_nothing_behind(small: Container) -> None:
    body = bytes(encode(tone(1000, 0.8, 100, 16_000), 16_000, "wav"))  # half of it is more than nginx keeps in memory
    with half_sent(small, body):
        assert eventually(lambda: len(spooled(small)) == 1, 5)
    assert eventually(lambda: spooled(small) == [], 5)  # the client has hung up
    post(small, body)
    post(small, b"no sound")
    post(small, bytes(2 * MAX_BODY_BYTES))
    assert eventually(lambda: spooled(small) == [], 5)


def test_a_connection_is_kept(small: Container) -> None:
    connection = http.client.HTTPConnection(urlsplit(small.url).netloc, timeout=60)
    for _ in range(3):
        connection.request("POST", "/invocations", silence(), SOUND)
        assert connection.getresponse().read()
        sock = connection.sock
        assert sock is not None
    connection.request("GET", "/ping")
    assert connection.getresponse().status == 200
    assert connection.sock is sock
    connection.close()


def test_ping_tells_the_truth_from_the_first_moment_to_the_last(container_command: list[str]) -> None:
    one_worker = {"TS_DEFAULT_WORKERS_PER_MODEL": "1"}
    with started(container_command, one_worker, LOGS / "container-health.log") as container:
        assert eventually(lambda: get(container.url, "/ping").status == 503, 60, 0.02)  # the front is first
        assert eventually(lambda: post(container, silence()).status_code == 200, 120, 0.02)
        assert get(container.url, "/ping").status == 200

        (worker,) = workers(container)
        worker.kill()
        killed = time.monotonic()
        assert eventually(lambda: get(container.url, "/ping").status == 503, 10, 0.02)
        assert eventually(lambda: get(container.url, "/ping").status == 200, 30 - (time.monotonic() - killed), 0.02)
        assert post(container, silence()).status_code == 200
        assert workers(container) != [worker]

        for process in workers(container):
            process.kill()
        assert eventually(lambda: get(container.url, "/ping").status == 503, 10, 0.02)

        for _ in range(3):  # each of its successors, before it serves
            assert eventually(lambda: workers(container), 30, 0.02)
            for process in workers(container):
                process.kill()
            assert get(container.url, "/ping").status == 503
        assert eventually(lambda: get(container.url, "/ping").status == 200, 30)


def num_loaded(container: Container) -> int:
    """How often a worker has loaded the model, as the log says."""
    return len(re.findall(r"MODEL_LOG - model \S+/\S+ ", container.log.read_text()))


def test_one_of_several_workers_may_die(container_command: list[str]) -> None:
    two_workers = {"TS_DEFAULT_WORKERS_PER_MODEL": "2"}
    with started(container_command, two_workers, LOGS / "container-workers.log") as container:
        container.wait_until_healthy()
        assert eventually(lambda: num_loaded(container) == 2, 120)
        worker = workers(container)[0]
        worker.kill()

        def is_back() -> bool:
            assert get(container.url, "/ping").status == 200
            # TorchServe takes a moment to see it, and fails what it hands to the dead one until then.
            assert post(container, silence()).status_code in (200, 503)
            return num_loaded(container) == 3

        assert eventually(is_back, 120)
        assert eventually(lambda: post(container, silence()).status_code == 200, 10)
        assert len(set(workers(container)) - {worker}) == 2


def test_another_model_under_opt_ml_model_takes_the_bundled_ones_place(
    container_command: list[str], toy_model: Path, tmp_path: Path
) -> None:
    tags = [{"name": f"Other_{name}", "category": "Test", "threshold": 0.5} for name in TONE_HERTZ]
    write_toy_model(tmp_path / "other.pt2", name="other", tags=tags)
    command = [word.replace(str(toy_model.parent), str(tmp_path)) for word in container_command]
    assert command != container_command
    with started(command, {}, LOGS / "container-other.log") as container:
        container.wait_until_healthy()
        answer = post(container, bytes(encode(tone(1000, 0.8, 3, 16_000), 16_000, "wav"))).json()
    assert [tag["name"] for tag in answer["data"][0]["tags"]] == ["Other_Siren"]
    assert re.search(r"model: other \S+, from /\S+/other.pt2", container.log.read_text())


@pytest.mark.parametrize(
    ("name", "content", "cause"),
    [
        ("model.pt2", b"no model", r"cannot serve: model.pt2 is not a model file"),
        ("model.pth", b"", r"holds no model file \(model.pth\): put exactly one"),
    ],
)
def test_a_model_that_is_none_ends_the_container_at_once(
    container_command: list[str], toy_model: Path, tmp_path: Path, name: str, content: bytes, cause: str
) -> None:
    (tmp_path / name).write_bytes(content)
    command = [word.replace(str(toy_model.parent), str(tmp_path)) for word in container_command]
    with started(command, {}, LOGS / "container-no-model.log") as container:
        assert container.process.wait(30) == 1
    (line,) = (line for line in container.log.read_text().splitlines() if "[ERROR]" in line)
    assert re.search(cause, line)


def test_a_model_that_the_worker_cannot_serve_ends_the_container(
    container_command: list[str], toy_model: Path, tmp_path: Path
) -> None:
    write_toy_model(tmp_path / "model.pt2", sample_rate=0)
    command = [word.replace(str(toy_model.parent), str(tmp_path)) for word in container_command]
    with started(command, {}, LOGS / "container-wrong-model.log") as container:
        assert container.process.wait(60) == 1
    error = next(line for line in container.log.read_text().splitlines() if "[ERROR] serve" in line)
    assert re.search(r"cannot serve: sense.json of the model file is wrong: sample_rate", error)


def test_sigterm_answers_what_has_begun_and_ends_within_30_seconds(container_command: list[str]) -> None:
    body = bytes(encode(tone(1000, 0.8, 100, 16_000), 16_000, "wav"))
    with started(container_command, {}, LOGS / "container-sigterm.log") as container:
        container.wait_until_healthy()
        with half_sent(container, body) as connection:
            assert eventually(lambda: len(spooled(container)) == 1, 5)
            members = processes(container)
            container.process.send_signal(signal.SIGTERM)
            began = time.monotonic()
            assert eventually(lambda: "stopping: new requests are refused" in container.log.read_text(), 5)
            connection.send(body[len(body) // 2 :])
            response = connection.getresponse()
            assert response.status == 200
            assert len(json.loads(response.read())["data"]) == 99
        assert container.process.wait(30 - (time.monotonic() - began)) == 0
        assert alive(members) == []


@pytest.mark.parametrize("part", PARTS)
def test_a_part_that_dies_ends_the_container_and_waiting_callers_hear_of_it(
    container_command: list[str], part: str
) -> None:
    log = LOGS / f"container-without-{part.split()[0].strip(':')}.log"
    with started(container_command, {}, log) as container, concurrent.futures.ThreadPoolExecutor(1) as pool:
        container.wait_until_healthy()
        (process,), members = processes(container, part), processes(container)
        with paused(container):
            waiting = pool.submit(post, container, bytes(1_000_000))
            assert eventually(lambda: spooled(container), 10)
            process.kill()
            assert waiting.result().status_code == 503
            assert "try again" in error_of(waiting.result())
            assert container.process.wait(30) != 0
        assert eventually(lambda: alive(members) == [], 5)


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"SENSE_PROFILE": "fast"}, "SENSE_PROFILE='fast' is none of realtime, async, batch"),
        ({"SENSE_MAX_REQUESTS": "0"}, "SENSE_MAX_REQUESTS='0' is not a whole number from 1 to 64"),
        ({"SENSE_MAX_BODY": "5"}, "unknown setting SENSE_MAX_BODY"),
        ({"SAGEMAKER_MAX_PAYLOAD_IN_MB": "much"}, "SAGEMAKER_MAX_PAYLOAD_IN_MB='much'"),
    ],
)
def test_a_wrong_setting_ends_the_container_at_once(
    container_command: list[str], variables: dict[str, str], message: str
) -> None:
    with started(container_command, variables, LOGS / "container-wrong.log") as container:
        assert container.process.wait(30) == 1
        assert message in container.log.read_text()
        assert "Traceback" not in container.log.read_text()
