"""The handler in a real TorchServe Service: what a batch of requests gets back, byte by byte."""

from __future__ import annotations

import gc
import json
import logging
import threading
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import requests
import torch

from tests.support.audio import clip, encode, encode_raw, lively, tone
from tests.support.torchserve_worker import Answer, Worker, requests_of
from tests.support.toy_model import write_toy_model

CUSTOM_ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"


@pytest.fixture(scope="module")
def model_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_toy_model(tmp_path_factory.mktemp("model") / "model.pt2")


@pytest.fixture(scope="module")
def worker(model_file: Path) -> Worker:
    return Worker(model_file)


@pytest.fixture(scope="module")
def siren() -> bytearray:
    """3.2 s of the toy's Siren at 0.4, under its threshold of 0.5, over a little of its Laughter."""
    return encode(tone(1000, 0.4, 3.2) + tone(2000, 0.6, 3.2), 44_100, "wav")


def ask(worker: Worker, body: bytes | bytearray, content_type: str = "audio/wav", **headers: str) -> Answer:
    sent = {"Content-Type": content_type, **{name.replace("_", "-"): value for name, value in headers.items()}}
    return worker.answer({"headers": sent, "body": body})[0]


def names(answer: Answer) -> list[list[str]]:
    return [[tag["name"] for tag in window["tags"]] for window in json.loads(answer.body)["data"]]


def test_answers_the_documented_bytes(worker: Worker) -> None:
    body = encode_raw(tone(1000, 0.625, 3.012, 16_000), 16_000, "f32le")
    answer = ask(worker, body, "audio/x-raw; rate=16000; format=f32le", X_Filename="alarm.raw")
    first, second = (window["tags"][0]["probability"] for window in json.loads(answer.body)["data"])
    assert (first, second) == pytest.approx((0.625, 0.625), abs=1e-5)
    assert answer.body.decode() == (
        '{"metadata":{"content_type":"audio/x-raw; rate=16000; format=f32le","length_sec":3.012,"size_byte":192768,'
        '"name":"alarm.raw"},"data":['
        f'{{"tags":[{{"name":"Siren","probability":{first}}}],"start_time":0,"end_time":2}},'
        f'{{"tags":[{{"name":"Siren","probability":{second}}}],"start_time":1,"end_time":3}}]}}\n'
    )
    assert (answer.status, answer.content_type) == (200, "application/json")


def test_takes_headers_in_any_case(worker: Worker, siren: bytes) -> None:
    headers = {"content-TYPE": "audio/wav", "x-default-SENSITIVITY": "1", "X-FILENAME": "a.wav"}
    answer = worker.answer({"headers": headers, "body": siren})[0]
    assert json.loads(answer.body)["metadata"]["name"] == "a.wav"
    assert names(answer) == [["Laughter", "Siren"]] * 2


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ('X-Default-Sensitivity=1,X-Tags-Sensitivity={"Siren": 2, "Laughter": -2}', ["Siren"]),
        ('{"default_sensitivity": 0, "tags_sensitivity": {"Siren": 2, "Laughter": 0}}', ["Laughter", "Siren"]),
        ('Sensitivity={"default_sensitivity": -1}', []),
    ],
)
def test_hears_what_custom_attributes_ask_for(
    worker: Worker, siren: bytes, attributes: str, expected: list[str]
) -> None:
    answer = worker.answer({"headers": {"Content-Type": "audio/wav", CUSTOM_ATTRIBUTES: attributes}, "body": siren})[0]
    assert names(answer) == [expected] * 2


def test_takes_sensitivity_from_the_environment(
    model_file: Path, siren: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENSE_DEFAULT_SENSITIVITY", "-2")
    monkeypatch.setenv("SENSE_TAGS_SENSITIVITY", '{"Siren": 1}')
    assert names(ask(Worker(model_file), siren)) == [["Siren"]] * 2


def test_a_header_overrules_the_environment(model_file: Path, siren: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENSE_DEFAULT_SENSITIVITY", "-2")
    assert names(ask(Worker(model_file), siren, X_Default_Sensitivity="0")) == [["Laughter"]] * 2


@pytest.mark.parametrize(("setting", "form"), [("auto", "torchscript"), ("exported", "exported")])
def test_the_environment_says_which_form_is_served(
    model_file: Path, siren: bytes, monkeypatch: pytest.MonkeyPatch, setting: str, form: str
) -> None:
    monkeypatch.setenv("SENSE_MODEL_FORM", setting)
    worker = Worker(model_file)
    assert worker.handler.model.form == form
    assert names(ask(worker, siren)) == [["Laughter"]] * 2


def test_a_wrong_setting_stops_the_start_with_one_line(
    model_file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SENSE_DEFAULT_SENSITIVITY", "loud")
    with pytest.raises(SystemExit):
        Worker(model_file)
    assert "cannot serve: SENSE_DEFAULT_SENSITIVITY: sensitivity 'loud' is not" in caplog.text
    assert "Traceback" not in caplog.text


def test_a_form_that_cannot_be_served_stops_the_start_with_one_line(
    model_file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SENSE_MODEL_FORM", "float16")
    with pytest.raises(SystemExit):
        Worker(model_file)
    assert (
        "cannot serve: SENSE_MODEL_FORM=float16 does not run on a CPU; auto, exported, torchscript, bfloat16 do"
        in caplog.text
    )
    assert "Traceback" not in caplog.text


def test_a_wrong_model_file_stops_the_start_with_one_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "model.pt2").write_bytes(b"no model")
    with pytest.raises(SystemExit):
        Worker(tmp_path / "model.pt2")
    assert "cannot serve: model.pt2 is not a torch.export program" in caplog.text


def test_thresholds_of_the_environment_replace_the_models(
    model_file: Path, siren: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENSE_THRESHOLDS", '{"Siren": 0.39, "Laughter": 0.61}')
    worker = Worker(model_file)
    assert names(ask(worker, siren)) == [["Siren"]] * 2
    # Sensitivities move them as they move the model's own: at -1, 0.39 becomes 0.63.
    assert names(ask(worker, siren, X_Default_Sensitivity="-1")) == [[]] * 2
    described = json.loads(worker.answer({"headers": {"describe": "True"}})[0].body)
    assert [tag["threshold"] for tag in described["tags"]] == [0.5, 0.5, 0.39, 0.61]


def test_a_threshold_of_a_tag_that_the_model_does_not_have_stops_the_start(
    model_file: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SENSE_THRESHOLDS", '{"Siren": 0.4, "Vuvuzela": 0.4}')
    with pytest.raises(SystemExit):
        Worker(model_file)
    assert "cannot serve: SENSE_THRESHOLDS: the model toy/1 has no tag 'Vuvuzela'; it has Music, Speech" in caplog.text


def test_every_answer_names_the_model(worker: Worker, siren: bytes) -> None:
    answers = worker.answer(
        *requests_of([siren, b"no audio"], "audio/wav"),
        {"headers": {}, "body": b"x"},
        {"headers": {"explain": "True"}, "body": b"x"},
        {"headers": {"describe": "True"}},
    )
    assert [answer.status for answer in answers] == [200, 400, 400, 404, 200]
    assert [answer.headers["X-Model"] for answer in answers] == ["toy/1"] * 5
    assert all(answer.body.endswith(b"}\n") for answer in answers)


def test_describes_the_model(worker: Worker) -> None:
    answer = worker.answer({"headers": {"describe": "True"}})[0]
    assert (answer.status, answer.content_type) == (200, "application/json")
    assert json.loads(answer.body) == {
        "name": "toy",
        "version": "1",
        "windows": {"seconds": 2, "hop_seconds": 1},
        "limits": {"max_body_bytes": 1 << 30, "max_audio_seconds": 360_000, "max_probabilities": 4_000_000},
        "tags": [
            {"name": name, "category": "Test", "threshold": 0.5} for name in ("Music", "Speech", "Siren", "Laughter")
        ],
    }


@pytest.mark.parametrize("body", [b"", b"not looked at"])
def test_describes_the_model_to_a_caller_of_the_one_path(worker: Worker, siren: bytes, body: bytes) -> None:
    asked = {"headers": {CUSTOM_ATTRIBUTES: '{"describe": true}'}, "body": body}
    tagged, described = worker.answer({"headers": {"Content-Type": "audio/wav"}, "body": siren}, asked)
    assert (tagged.status, names(tagged)) == (200, [["Laughter"]] * 2)
    assert (described.status, described.content_type) == (200, "application/json")
    assert described.body == worker.answer({"headers": {"describe": "True"}})[0].body


def test_lists_every_probability_if_asked_to(worker: Worker, siren: bytes) -> None:
    plain, full = json.loads(ask(worker, siren).body), json.loads(ask(worker, siren, X_All_Probabilities="1").body)
    assert [window["probabilities"] for window in full["data"]] == [
        pytest.approx({"Music": 0, "Speech": 0, "Siren": 0.4, "Laughter": 0.6}, abs=1e-3)
    ] * 2
    for window in full["data"]:
        del window["probabilities"]
    assert full == plain


def test_refuses_more_probabilities_than_an_answer_holds(
    worker: Worker, siren: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("handler.sense_handler.MAX_PROBABILITIES", 7)
    answer = ask(worker, siren, X_All_Probabilities="1")
    assert answer.status == 400
    assert "2 windows of 4 tags, and an answer holds 7 probabilities at most" in json.loads(answer.body)["error"]
    assert ask(worker, siren).status == 200


def test_explains_nothing(worker: Worker, siren: bytes) -> None:
    answer = worker.answer({"headers": {"Content-Type": "audio/wav", "explain": "True"}, "body": siren})[0]
    assert answer.status == 404
    assert "explains nothing" in json.loads(answer.body)["error"]


def test_tags_the_file_in_a_form(worker: Worker, siren: bytes) -> None:
    request = {
        "headers": {"Content-Type": "multipart/form-data; boundary=x"},
        "parameters": {"data": ("audio/wav", siren), "x-filename": ("", b"a.wav"), "X-Default-Sensitivity": ("", b"1")},
    }
    answer = worker.answer(request)[0]
    assert names(answer) == [["Laughter", "Siren"]] * 2
    metadata = json.loads(answer.body)["metadata"]
    assert (metadata["content_type"], metadata["name"], metadata["size_byte"]) == ("audio/wav", "a.wav", len(siren))


def test_tags_what_grpc_brings(worker: Worker, siren: bytes) -> None:
    alone = worker.answer({"parameters": {"data": ("", siren)}})[0]
    typed = worker.answer({"parameters": {"data": ("", siren), "content-type": ("", b"audio/wav")}})[0]
    assert names(alone) == names(typed) == [["Laughter"]] * 2


def test_tags_the_file_in_a_spooled_form(
    model_file: Path, siren: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENSE_SPOOL_FOLDER", str(tmp_path))
    form = requests.Request("POST", "http://x", files={"data": ("straße.wav", bytes(siren), "audio/wav")}).prepare()
    assert isinstance(form.body, bytes)
    (tmp_path / "0000000001").write_bytes(form.body)
    headers = {
        "Content-Type": "application/octet-stream",
        "X-Sense-Form-Type": form.headers["Content-Type"],
        "X-Sense-Body-File": str(tmp_path / "0000000001"),
    }
    answer = Worker(model_file).answer({"headers": headers, "body": b""})[0]
    assert names(answer) == [["Laughter"]] * 2
    metadata = json.loads(answer.body)["metadata"]
    assert (metadata["content_type"], metadata["name"], metadata["size_byte"]) == (
        "audio/wav",
        "straße.wav",
        len(siren),
    )


def test_warns_of_a_container_sent_as_raw_samples(worker: Worker, siren: bytes) -> None:
    answer = ask(worker, siren, "audio/x-raw; rate=44100; format=s16le")
    (warning,) = json.loads(answer.headers[CUSTOM_ATTRIBUTES])["warnings"]
    assert (answer.status, "begins like WAV" in warning) == (200, True)


def test_hears_mu_law(worker: Worker) -> None:
    body = encode_raw(tone(1000, 0.8, 2.0, 8_000), 8_000, "mulaw")
    assert names(ask(worker, body, "audio/basic")) == [["Siren"]]


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, [[]]),
        ({"X-Tail-Window": "1"}, [[], ["Siren"]]),
        ({CUSTOM_ATTRIBUTES: "X-Tail-Window=1"}, [[], ["Siren"]]),
        ({CUSTOM_ATTRIBUTES: '{"tail_window": 1}'}, [[], ["Siren"]]),
    ],
)
def test_hears_a_sound_in_the_last_second_if_asked_to(
    worker: Worker, headers: dict[str, str], expected: list[list[str]]
) -> None:
    sound = np.concatenate((np.zeros(28_000, np.float32), tone(1000, 0.9, 1.2, 16_000)))
    body = encode(sound, 16_000, "wav")
    answer = worker.answer({"headers": {"Content-Type": "audio/wav", **headers}, "body": body})[0]
    assert names(answer) == expected
    windows = json.loads(answer.body)["data"]
    assert [(window["start_time"], window["end_time"]) for window in windows] == [(0, 2), (0.95, 2.95)][: len(windows)]


def test_the_environment_asks_for_tail_windows(model_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENSE_TAIL_WINDOW", "1")
    worker, body = Worker(model_file), encode(tone(1000, 0.9, 2.95, 16_000), 16_000, "wav")
    assert names(ask(worker, body)) == [["Siren"]] * 2
    assert names(ask(worker, body, X_Tail_Window="0")) == [["Siren"]]


def test_warns_of_an_unknown_tag(worker: Worker, siren: bytes) -> None:
    answer = ask(worker, siren, X_Tags_Sensitivity='{"Vuvuzela": 2}')
    assert (answer.status, names(answer)) == (200, [["Laughter"]] * 2)
    assert json.loads(answer.headers[CUSTOM_ATTRIBUTES]) == {"warnings": ["unknown tag 'Vuvuzela' ignored"]}


def test_no_warning_no_header(worker: Worker, siren: bytes) -> None:
    assert CUSTOM_ATTRIBUTES not in ask(worker, siren).headers


@pytest.mark.parametrize(
    ("request_", "status", "hint"),
    [
        ({"headers": {}, "body": b"RIFF"}, 400, "Content-Type"),
        ({"headers": {"Content-Type": "audio/mp3"}, "body": b""}, 400, "empty"),
        ({"headers": {"Content-Type": "audio/mp3"}, "body": b"\x01" * 999}, 400, "999 bytes"),
        ({"headers": {"Content-Type": "audio/x-raw; rate=8; format=s16le"}, "body": b"\0\0"}, 400, "'8'"),
        ({"headers": {"Content-Type": "audio/x-raw; rate=8000; format=s16le"}, "body": b"\0"}, 400, "whole frame"),
        (
            {"headers": {"Content-Type": "audio/wav", "X-Default-Sensitivity": "3"}, "body": b"RIFF"},
            400,
            "sensitivity 3",
        ),
        ({"headers": {"Content-Type": "image/png"}, "body": b"\x89PNG"}, 415, "image/png"),
        (
            {
                "headers": {"Content-Type": "multipart/form-data; boundary=x"},
                "parameters": {"a": ("audio/mp3", b"ID3"), "b": ("audio/mp3", b"ID3")},
            },
            415,
            "one sound file",
        ),
    ],
)
def test_tells_the_caller_what_is_wrong(worker: Worker, request_: dict[str, Any], status: int, hint: str) -> None:
    answer = worker.answer(request_)[0]
    error = json.loads(answer.body)
    assert (answer.status, error["status_code"], answer.content_type) == (status, status, "application/json")
    assert hint in error["error"]
    assert "Traceback" not in error["error"]


def test_refuses_a_body_over_the_limit(model_file: Path, siren: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENSE_MAX_BODY_BYTES", "1000")
    answer = ask(Worker(model_file), siren)
    assert answer.status == 413
    assert str(len(siren)) in json.loads(answer.body)["error"]


def test_neighbours_in_a_batch_get_what_they_get_alone(worker: Worker) -> None:
    bodies = [bytes(encode(lively(seconds, seed=index), 44_100, "wav")) for index, seconds in enumerate((2, 9, 0.5, 4))]
    loud = {"X-Default-Sensitivity": "2"}
    requests = [{**request, "headers": request["headers"] | loud} for request in requests_of(bodies, "audio/wav")]
    bad = {"headers": {"Content-Type": "audio/wav"}, "body": b"no audio"}
    explained = {"headers": {"Content-Type": "audio/wav", "explain": "True"}, "body": bodies[0]}
    described = {"headers": {"describe": "True"}}
    together = worker.answer(requests[0], bad, explained, described, *requests[1:])
    alone = [worker.answer(request)[0] for request in requests]
    assert [answer.status for answer in together] == [200, 400, 404, 200, 200, 200, 200]
    assert [answer.body for answer in (together[0], *together[4:])] == [answer.body for answer in alone]
    assert json.loads(together[3].body)["name"] == "toy"


@pytest.fixture
def transform_worker(model_file: Path, monkeypatch: pytest.MonkeyPatch) -> Worker:
    """The worker of a transform job that answers errors."""
    monkeypatch.setenv("SAGEMAKER_BATCH", "true")
    monkeypatch.setenv("SENSE_BATCH_ERRORS", "answer")
    return Worker(model_file)


@pytest.mark.parametrize(("body", "hint"), [(b"\x01" * 999, "999 bytes"), (b"", "empty"), (b"ID3", "3 bytes")])
def test_a_transform_job_answers_a_recording_that_cannot_be_decoded(
    transform_worker: Worker, worker: Worker, siren: bytes, body: bytes, hint: str
) -> None:
    answers = transform_worker.answer(*requests_of([siren, body, siren], "audio/wav"))
    assert [answer.status for answer in answers] == [200, 200, 200]
    assert answers[0].body == answers[2].body == ask(worker, siren).body
    answer = json.loads(answers[1].body)
    assert list(answer) == ["metadata", "error", "data"]
    metadata = {"content_type": "audio/wav", "length_sec": 0.0, "size_byte": len(body), "name": "sagemaker_input"}
    assert (answer["metadata"], answer["data"]) == (metadata, [])
    assert answer["error"] == json.loads(ask(worker, body).body)["error"]
    assert hint in answer["error"]


@pytest.mark.parametrize(("content_type", "status"), [("image/png", 415), ("audio/x-raw; rate=8; format=s16le", 400)])
def test_a_transform_job_that_asks_for_what_is_not_served_fails(
    transform_worker: Worker, siren: bytes, content_type: str, status: int
) -> None:
    assert ask(transform_worker, siren, content_type).status == status


def test_a_fault_of_ours_fails_a_transform_job(
    transform_worker: Worker, siren: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transform_worker.handler.model, "score", None)
    assert ask(transform_worker, siren).status == 500


def test_an_endpoint_refuses_whatever_transform_jobs_do(model_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENSE_BATCH_ERRORS", "answer")
    assert ask(Worker(model_file), b"no sound").status == 400


def test_a_fault_of_ours_is_logged_and_not_shown(
    worker: Worker, siren: bytes, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("CUDA error: the secret inside")

    monkeypatch.setattr(worker.handler.model, "score", fail)
    with caplog.at_level(logging.ERROR):
        answer = ask(worker, siren)
    assert answer.status == 500
    assert json.loads(answer.body)["error"] == "internal error; the server's log has it under request id request-0"
    assert "request-0" in caplog.text
    assert "the secret inside" in caplog.text


@pytest.mark.parametrize(
    ("error", "codes"),
    [(torch.AcceleratorError("CUDA error"), [1]), (torch.OutOfMemoryError("too large"), []), (RuntimeError(), [])],
)
def test_a_worker_whose_gpu_fails_for_good_answers_and_ends(
    model_file: Path, siren: bytes, monkeypatch: pytest.MonkeyPatch, error: Exception, codes: list[int]
) -> None:
    """Without a GPU, the error is made here; TorchServe's next worker after a death is tests/e2e's."""

    def fail(*_: object) -> None:
        raise error

    ended: list[int] = []
    monkeypatch.setattr("handler.sense_handler.os._exit", ended.append)
    monkeypatch.setattr("handler.sense_handler._LAST_WORDS_SECONDS", 0.01)
    worker = Worker(model_file)
    monkeypatch.setattr(worker.handler.model, "score", fail)
    assert ask(worker, siren).status == 500
    for thread in threading.enumerate():
        if isinstance(thread, threading.Timer):
            thread.join()
    assert ended == codes


def test_a_spooled_body_that_is_gone_takes_one_line(
    model_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SENSE_SPOOL_FOLDER", str(tmp_path))
    answer = ask(Worker(model_file), b"", X_Sense_Body_File=str(tmp_path / "0000000001"))
    assert answer.status == 500
    assert "request request-0: the spooled body" in caplog.text
    assert "Traceback" not in caplog.text


def test_an_interrupted_answer_leaves_nothing_behind(worker: Worker, siren: bytes) -> None:
    """A request that fails half-way through its audio does not leak into the next batch."""
    too_short_wave = bytes(siren[:2000]) + bytes(np.random.default_rng(0).bytes(50))
    assert ask(worker, too_short_wave).status == 200
    assert names(ask(worker, siren)) == [["Laughter"]] * 2


def test_records_what_each_request_cost(worker: Worker, siren: bytes, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    worker.answer(*requests_of([siren, b"no audio"], "audio/wav"))
    metrics = [line for line in caplog.messages for line in line.splitlines() if line.startswith("[METRICS]Sense")]
    assert any("SenseAudioSeconds.Count:3.2|" in line and line.endswith("request-0") for line in metrics)
    assert any("SenseWindows.Count:2|" in line and line.endswith("request-0") for line in metrics)
    assert any("SenseFailures.Count:1|" in line and line.endswith("request-1") for line in metrics)
    for name in ("SenseTotalTime", "SenseDecodeTime", "SenseModelTime"):
        times = [float(line.split(":")[1].split("|")[0]) for line in metrics if f"]{name}." in line]
        assert len(times) == 2
        assert times[0] > 0


def test_runs_on_the_gpu_that_torchserve_names_if_there_is_one(model_file: Path) -> None:
    expected = "cuda" if torch.cuda.is_available() else "cpu"
    assert Worker(model_file, gpu_id=0).handler.device.type == expected


# --- after an answer, good or bad, nothing holds the body ---

BODIES: dict[str, Callable[[], bytes]] = {
    "sound": lambda: bytes(clip("mp3")),
    "no container": lambda: bytes(range(256)) * 20,
    "a web page": lambda: b"<html>" * 100,
    "a container without audio": lambda: b"RIFF\0\0\0\0WAVE" + bytes(500),
    "a cut index": lambda: bytes(clip("m4a")[:300]),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
@pytest.mark.parametrize("headers", [{}, {"X-Default-Sensitivity": "9"}], ids=["good headers", "bad headers"])
def test_nothing_holds_a_spooled_body_after_its_answer(
    body: Callable[[], bytes], headers: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, toy_model: Path
) -> None:
    monkeypatch.setenv("SENSE_SPOOL_FOLDER", str(tmp_path))
    worker = Worker(toy_model)
    file = tmp_path / "body"
    file.write_bytes(body())
    sent = {"Content-Type": "application/octet-stream", "X-Sense-Body-File": str(file), **headers}
    gc.collect()
    gc.disable()
    try:
        worker.answer({"headers": sent, "body": b""})
        assert str(file) not in Path("/proc/self/maps").read_text()
    finally:
        gc.enable()


def test_work_that_nobody_waits_for_ends(worker: Worker, siren: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handler.wire.spool.is_removed", lambda body: True)
    answer = ask(worker, siren)
    assert (answer.status, json.loads(answer.body)["error"]) == (499, "the caller hung up")


def test_work_that_takes_too_long_ends(worker: Worker, siren: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("handler.sense_handler.time.monotonic", count(0, 4_000).__next__)
    answer = ask(worker, siren)
    assert answer.status == 413
    assert "longer than the 3600 s" in json.loads(answer.body)["error"]
