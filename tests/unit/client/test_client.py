"""The client against a server that refuses, breaks off and recovers."""

from __future__ import annotations

import asyncio
import io
import json
import socket
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from pathlib import Path

import pytest

from sense_client import (
    AsyncClient,
    CallError,
    Client,
    DroppedError,
    RawFormat,
    RefusedError,
    Result,
    Retries,
    SetupError,
    TagInfo,
    TagOptions,
    UnavailableError,
)
from sense_client.retries import parse_retry_after
from tests.support.scripted_server import DROP, Act, Reply, answer, in_turn, running

pytestmark = pytest.mark.slow

QUICK = Retries(max_tries=3, first_wait_seconds=0.001)
GOOD = Reply(200, answer("Siren"), {"X-Model": "toy/1", "X-Amzn-SageMaker-Custom-Attributes": '{"warnings": ["w"]}'})
BUSY = Reply(429, {"status_code": 429, "error": "too many requests at once"}, {"Retry-After": "0"})
DESCRIPTION = {"name": "toy", "tags": [{"name": "Siren", "category": "Emergency", "threshold": 0.5}]}
Tag = Callable[..., Result]


def tag_blocking(url: str, source: bytes | Path = b"body", **options: object) -> Result:
    with Client(url, retries=QUICK) as client:
        return client.tag(source, **options)  # type: ignore[arg-type]


def tag_async(url: str, source: bytes | Path = b"body", **options: object) -> Result:
    async def call() -> Result:
        async with AsyncClient(url, retries=QUICK) as client:
            return await client.tag(source, **options)  # type: ignore[arg-type]

    return asyncio.run(call())


@pytest.fixture(params=[tag_blocking, tag_async], ids=["blocking", "async"])
def tag(request: pytest.FixtureRequest) -> Tag:
    call: Tag = request.param
    return call


def test_a_result_with_the_model_and_the_warnings(tag: Tag) -> None:
    with running(in_turn(GOOD)) as server:
        result = tag(server.url)
    assert [each.name for each in result.windows[0].tags] == ["Siren"]
    assert (result.model, result.warnings) == ("toy/1", ("w",))


def test_what_a_request_says(tag: Tag, tmp_path: Path) -> None:
    path = tmp_path / "naïve\n€.mp3"
    path.write_bytes(b"x" * 1_000_000)
    options = TagOptions(1, {"Siren": 2}, all_probabilities=True, tail_window=False)
    with running(in_turn(GOOD)) as server:
        tag(server.url, path, options=options)
    (request,) = server.requests
    sent = {name: value for name, value in request.headers.items() if name.startswith(("x-", "content-", "transfer"))}
    assert sent == {
        "content-type": "audio/mp3",
        "content-length": "1000000",
        "x-filename": "UTF-8''na%C3%AFve%0A%E2%82%AC.mp3",
        "x-default-sensitivity": "1",
        "x-tags-sensitivity": '{"Siren": 2}',
        "x-all-probabilities": "1",
        "x-tail-window": "0",
    }
    assert (request.path, len(request.body)) == ("/invocations", 1_000_000)


def test_bytes_and_raw_samples(tag: Tag) -> None:
    with running(in_turn(GOOD)) as server:
        tag(server.url, b"\0\0", raw=RawFormat.parse("rate=22050, format=s16le"), name="plain name.raw")
        tag(server.url, b"x")
    raw, unknown = server.requests
    assert raw.headers["content-type"] == "audio/x-raw; rate=22050; format=s16le; channels=1"
    assert raw.headers["x-filename"] == "plain name.raw"
    assert unknown.headers["content-type"] == "application/octet-stream"
    assert "x-filename" not in unknown.headers


def test_an_open_file_is_read_to_its_end() -> None:
    with running(in_turn(GOOD)) as server, Client(server.url) as client:
        client.tag(io.BytesIO(b"sound"))
    assert server.requests[0].body == b"sound"


@pytest.mark.parametrize("trouble", [BUSY, Reply(503, b"starting"), DROP], ids=["429", "503", "dropped"])
def test_what_passes_is_tried_again_with_the_whole_body(tag: Tag, trouble: Act) -> None:
    with running(in_turn(trouble, trouble, GOOD)) as server:
        assert tag(server.url).windows
    assert [request.body for request in server.requests] == [b"body"] * 3


@pytest.mark.parametrize(
    ("trouble", "kind", "message"),
    [
        (BUSY, UnavailableError, "status 429: too many requests at once"),
        (Reply(503, b"starting"), UnavailableError, "status 503: starting"),
        (DROP, DroppedError, "broke"),
    ],
    ids=["429", "503", "dropped"],
)
def test_trouble_that_stays_is_an_error(tag: Tag, trouble: Act, kind: type[CallError], message: str) -> None:
    with running(in_turn(trouble)) as server, pytest.raises(kind, match=message):
        tag(server.url)
    assert len(server.requests) == QUICK.max_tries


def test_an_error_carries_status_text_and_request_id(tag: Tag) -> None:
    refusal = Reply(400, {"status_code": 400, "error": "no audio"}, {"x-request-id": "4711"})
    with running(in_turn(refusal)) as server, pytest.raises(RefusedError) as caught:
        tag(server.url)
    error = caught.value
    assert (error.status, error.text, error.request_id) == (400, "no audio", "4711")
    assert str(error) == "status 400: no audio (request id 4711)"
    assert len(server.requests) == 1


@pytest.mark.parametrize("body", [b"<html>", [1], {"data": []}], ids=["html", "list", "other"])
def test_an_answer_of_something_else_is_an_error(tag: Tag, body: object) -> None:
    with running(in_turn(Reply(200, body))) as server, pytest.raises(RefusedError, match="is no tagger"):
        tag(server.url)


def test_nothing_listens(tag: Tag) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(UnavailableError, match=f"nothing answers at http://127.0.0.1:{port}:"):
        tag(f"http://127.0.0.1:{port}")


@pytest.mark.parametrize("url", ["127.0.0.1:8080", "ftp://example.org", "http://"])
def test_an_address_of_something_else(tag: Tag, url: str) -> None:
    with pytest.raises(SetupError, match="not the address of a server"):
        tag(url)


def test_a_slow_server(tag: Tag) -> None:
    """It takes the connection and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with (
            Client(url, retries=QUICK, timeout_seconds=0.05) as client,
            pytest.raises(RefusedError, match="no answer from"),
        ):
            client.tag(b"body")


def test_a_missing_file_is_no_call(tag: Tag, tmp_path: Path) -> None:
    with running(in_turn(GOOD)) as server, pytest.raises(FileNotFoundError):
        tag(server.url, tmp_path / "gone.wav")
    assert server.requests == []


def test_the_description() -> None:
    with running(in_turn(Reply(200, DESCRIPTION))) as server, Client(server.url) as client:
        assert client.tags() == [TagInfo("Siren", "Emergency", 0.5)]
        assert client.info()["name"] == "toy"
    attributes = server.requests[0].headers["x-amzn-sagemaker-custom-attributes"]
    assert json.loads(attributes) == {"describe": True}


def test_waits_double_and_keep_to_what_the_server_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr("sense_client.retries.time.sleep", waits.append)
    asks = [None, None, 7.0, None, None]

    def once() -> None:
        raise UnavailableError("busy", status=503, retry_after_seconds=asks[len(waits)] if len(waits) < 5 else None)

    with pytest.raises(UnavailableError):
        Retries(max_tries=6, first_wait_seconds=1, max_wait_seconds=5).call(once)
    assert waits[2] == 7
    ranges = [(0.5, 1), (1, 2), (7, 7), (2.5, 5), (2.5, 5)]
    assert all(low <= wait <= high for wait, (low, high) in zip(waits, ranges, strict=True))


def test_a_server_that_asks_for_an_hour_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sense_client.retries.time.sleep", lambda _: pytest.fail("waited"))
    with running(in_turn(Reply(503, b"later", {"Retry-After": "3600"}))) as server, pytest.raises(UnavailableError):
        Client(server.url).tag(b"x")


def test_retry_after_in_seconds_and_as_a_date() -> None:
    later = datetime.now(timezone.utc) + timedelta(seconds=100)
    assert parse_retry_after("5") == 5
    assert parse_retry_after(format_datetime(later, usegmt=True)) == pytest.approx(100, abs=30)
    assert parse_retry_after("Wed, 21 Oct 2015 07:28:00 GMT") == 0
    assert parse_retry_after("soon") is None
    assert parse_retry_after(None) is None


@pytest.mark.parametrize("text", ["rate=1", "rate=x,format=s16le", "rate=8000,format=s20le", "rate=1,format=s16le,a=b"])
def test_a_malformed_raw_format(text: str) -> None:
    with pytest.raises(ValueError, match="rate="):
        RawFormat.parse(text)


def test_custom_attributes() -> None:
    options = TagOptions(1, {"Siren": 2})
    fields = {"default_sensitivity": 1, "tags_sensitivity": {"Siren": 2}}
    assert json.loads(options.custom_attributes("a b.mp3")) == {**fields, "filename": "a b.mp3"}
    assert json.loads(options.custom_attributes("€" * 255)) == fields
    assert options.custom_attributes("é").isascii()
    assert TagOptions().custom_attributes(None) == ""
    with pytest.raises(ValueError, match="200 tags"):
        TagOptions(tags_sensitivity={f"tag {index}": 1 for index in range(200)}).custom_attributes(None)
