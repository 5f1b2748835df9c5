"""Requests as a client without SageMaker sends them, and the bytes that come back."""

from __future__ import annotations

import http.client
import json
import random
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from deploy.torchserve.launch import TorchServe
from tests.conftest import VERSION
from tests.e2e.conftest import SMALL_MAX_REQUEST_BYTES
from tests.support.audio import encode, encode_raw, tone
from tests.support.grpc_inference import predict

RATE = 16_000


def siren(amplitude: float, seconds: float = 3.0) -> bytes:
    """Returns a WAV file whose every window the toy gives Siren with probability `amplitude`."""
    return bytes(encode(tone(1000, amplitude, seconds, RATE), RATE, "wav"))


def post(server: TorchServe, body: bytes, path: str = "/invocations", **headers: str) -> requests.Response:
    """Posts `body`; underscores in the names of headers stand for hyphens."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return requests.post(f"{server.url}{path}", data=body, headers=named, timeout=60)


def probabilities(response: requests.Response, tag: str) -> list[float | None]:
    """Returns a tag's probability in each window, None where it is not reported."""
    assert response.status_code == 200, response.text
    windows = response.json()["data"]
    return [{entry["name"]: entry["probability"] for entry in window["tags"]}.get(tag) for window in windows]


@pytest.mark.parametrize("path", ["/invocations", "/predictions/cochl-sense", f"/predictions/cochl-sense/{VERSION}"])
def test_every_route_tags(server: TorchServe, path: str) -> None:
    response = post(server, siren(0.8), path, Content_Type="audio/wav")
    assert probabilities(response, "Siren") == pytest.approx([0.8, 0.8], abs=0.001)


def test_the_answer_is_compact_and_in_the_order_of_the_contract(server: TorchServe) -> None:
    body = siren(0.8)
    response = post(server, body, Content_Type="audio/wav", X_Filename="tone.wav")
    number = r"0\.(79|80)\d{1,7}"
    expected = (
        rf'{{"metadata":{{"content_type":"audio/wav","length_sec":3\.0,"size_byte":{len(body)},"name":"tone\.wav"}},'
        rf'"data":\[{{"tags":\[{{"name":"Siren","probability":{number}}}\],"start_time":0,"end_time":2}},'
        rf'{{"tags":\[{{"name":"Siren","probability":{number}}}\],"start_time":1,"end_time":3}}\]}}\n'
    )
    assert re.fullmatch(expected, response.text), response.text
    assert response.headers["Content-Type"] == "application/json"
    assert int(response.headers["Content-Length"]) == len(response.content)


def test_windows_without_tags_are_listed(server: TorchServe) -> None:
    response = post(server, siren(0.1), Content_Type="audio/wav")
    assert [window["tags"] for window in response.json()["data"]] == [[], []]


def test_header_names_in_any_case(server: TorchServe) -> None:
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=60)
    headers = {"cOnTeNt-TyPe": "audio/wav", "X-FILENAME": "loud.wav", "x-default-sensitivity": "2"}
    connection.request("POST", "/invocations", siren(0.2), headers)
    answer = json.loads(connection.getresponse().read())
    connection.close()
    assert answer["metadata"]["name"] == "loud.wav"
    assert [tag["name"] for tag in answer["data"][0]["tags"]] == ["Siren"]


def test_raw_samples_with_parameters(server: TorchServe) -> None:
    body = bytes(encode_raw(tone(1000, 0.8, 3.012, 22_050), 22_050, "s24le"))
    content_type = 'Audio/X-RAW;RATE=22050; Format="s24le" ; channels=1'
    response = post(server, body, Content_Type=content_type)
    assert probabilities(response, "Siren") == pytest.approx([0.8, 0.8], abs=0.002)
    assert response.json()["metadata"]["length_sec"] == 3.012
    assert response.json()["metadata"]["content_type"] == content_type


@pytest.mark.parametrize(
    ("content_type", "body", "status", "message"),
    [
        (None, b"RIFF", 400, "Content-Type"),
        ("image/png", b"\x89PNG", 415, "image/png"),
        ("application/json", b"{", 415, "application/json"),
        ("audio/wav", b"", 400, "empty"),
        ("audio/mp3", random.Random(0).randbytes(5_000), 400, "audio"),
        ("audio/x-raw; rate=16000; format=s20le", b"1234", 400, "s20le"),
    ],
)
def test_a_callers_error_has_its_status_and_says_what_was_wrong(
    server: TorchServe, content_type: str | None, body: bytes, status: int, message: str
) -> None:
    headers = {"Content_Type": content_type} if content_type else {}
    response = post(server, body, **headers)
    assert response.status_code == status
    assert response.headers["Content-Type"] == "application/json"
    assert set(response.json()) == {"status_code", "error"}
    assert response.json()["status_code"] == status
    assert message in response.json()["error"]
    assert "Traceback" not in response.text
    assert len(response.content) < 2_000


@pytest.mark.parametrize("content_type", [None, "audio/wav"])
def test_put_does_what_post_does(server: TorchServe, content_type: str | None) -> None:
    headers = {"Content-Type": content_type} if content_type else {}
    response = requests.put(f"{server.url}/predictions/cochl-sense", siren(0.8), headers=headers, timeout=60)
    assert response.status_code == (200 if content_type else 400)
    assert response.text.endswith("}\n")
    assert response.headers["X-Model"] == "toy/1"


@pytest.mark.parametrize("name", ["data", "file", "body"])
def test_the_file_in_a_form_is_tagged(server: TorchServe, name: str) -> None:
    files = {name: ("loud.wav", siren(0.8), "audio/wav")}
    response = requests.post(f"{server.url}/predictions/cochl-sense", {"x-filename": "é.wav"}, files=files, timeout=60)
    assert probabilities(response, "Siren") == pytest.approx([0.8, 0.8], abs=0.001)
    assert response.json()["metadata"]["content_type"] == "audio/wav"
    assert response.json()["metadata"]["name"] == "é.wav"


def test_a_name_in_utf8_comes_back(server: TorchServe) -> None:
    headers: dict[str, str | bytes] = {"Content-Type": "audio/wav", "X-Filename": "naïve €.wav".encode()}
    response = requests.post(f"{server.url}/invocations", siren(0.8), headers=headers, timeout=60)
    assert response.json()["metadata"]["name"] == "naïve €.wav"


def grpc_port(server: TorchServe) -> int:
    return int(server.process.environ()["TS_GRPC_INFERENCE_PORT"])


def test_grpc_inference(server: TorchServe) -> None:
    inputs = {"data": siren(0.3), "Content-Type": b"audio/wav", "x-default-sensitivity": b"2", "x-filename": b"a.wav"}
    answer = json.loads(predict(grpc_port(server), server.model_name, inputs))
    assert [tag["name"] for tag in answer["data"][0]["tags"]] == ["Siren"]
    assert answer["metadata"]["name"] == "a.wav"
    assert json.loads(predict(grpc_port(server), server.model_name, {"data": siren(0.8)}))["data"][0]["tags"]


def test_an_error_over_grpc(server: TorchServe) -> None:
    inputs = {"data": b"RIFF", "content-type": b"image/png"}
    answer = json.loads(predict(grpc_port(server), server.model_name, inputs))
    assert answer["status_code"] == 415
    assert "image/png" in answer["error"]


def test_the_management_api_describes_the_model(server: TorchServe) -> None:
    (description,) = requests.get(f"{server.model_url}?customized=true", timeout=30).json()
    metadata = description["customizedMetadata"]
    assert (metadata["name"], metadata["version"]) == ("toy", "1")
    assert metadata["windows"] == {"seconds": 2, "hop_seconds": 1}
    assert {"name": "Siren", "category": "Test", "threshold": 0.5} in metadata["tags"]


def test_there_are_no_explanations(server: TorchServe) -> None:
    response = post(server, siren(0.8), f"/explanations/{server.model_name}", Content_Type="audio/wav")
    assert response.status_code == 404
    assert "explains nothing" in response.json()["error"]


def test_ping(server: TorchServe) -> None:
    response = requests.get(f"{server.url}/ping", timeout=10)
    assert (response.status_code, response.json()) == (200, {"status": "Healthy"})


def test_twenty_callers_at_once_each_get_their_own_answer(server: TorchServe) -> None:
    amplitudes = [0.5 + 0.02 * index for index in range(20)]
    spoiled = 7
    bodies = [siren(amplitude) for amplitude in amplitudes]
    bodies[spoiled] = b"this is no sound"
    start = threading.Barrier(len(bodies))

    def call(index: int) -> requests.Response:
        start.wait()
        return post(server, bodies[index], Content_Type="audio/wav", X_Filename=f"{index}.wav")

    with ThreadPoolExecutor(len(bodies)) as pool:
        responses = list(pool.map(call, range(len(bodies))))
    assert responses.pop(spoiled).status_code == 400
    del amplitudes[spoiled], bodies[spoiled]
    for response, amplitude in zip(responses, amplitudes, strict=True):
        assert probabilities(response, "Siren") == pytest.approx([amplitude] * 2, abs=0.001)
    names = [response.json()["metadata"]["name"] for response in responses]
    assert names == [f"{index}.wav" for index in range(20) if index != spoiled]


def test_a_body_above_max_request_size_is_refused(stock_container: TorchServe) -> None:
    connection = http.client.HTTPConnection(stock_container.url.removeprefix("http://"), timeout=60)
    # The headers alone: TorchServe answers by them, and resets the connection of whoever goes on sending.
    connection.putrequest("POST", "/invocations")
    connection.putheader("Content-Type", "audio/wav")
    connection.putheader("Content-Length", str(SMALL_MAX_REQUEST_BYTES + 1))
    connection.endheaders()
    status = connection.getresponse().status
    connection.close()
    assert status == 413


def test_an_answer_above_torchserves_usual_limit(stock_container: TorchServe) -> None:
    noise = random.Random(0).randbytes(2 * 4_000 * 900)  # 15 minutes of s16le at 4 kHz
    response = post(stock_container, noise, Content_Type="audio/x-raw; rate=4000; format=s16le")
    assert response.status_code == 200, response.text[:500]
    assert len(response.content) > 6_553_500
    assert len(response.json()["data"]) == 899
