"""Requests whose framing, headers or path the front and TorchServe behind it might read differently."""

from __future__ import annotations

import http.client
import json
import re
import socket
from dataclasses import dataclass
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import pytest

from deploy.torchserve.readiness import silence
from local_sagemaker.containers import Container

SOUND = silence()
TYPE = b"Host: x\r\nContent-Type: audio/wav\r\n"
POST = b"POST /invocations HTTP/1.1\r\n" + TYPE
CLOSE = b"Connection: close\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"
ATTRIBUTES = b"X-Amzn-SageMaker-Custom-Attributes: "
# What no server should take for a length, a transfer coding, a chunk or a path of this server.
LENGTHS = (b"+5", b"-5", b"0x5", b"5,5", b"5 5", b"9" * 30, b"")
CODINGS = (b"xchunked", b"chunked, identity", b"identity, chunked", b"\tchunked", b"chunked\x0b", b"identity")
CHUNKS = (b"-5\r\nabcde", b"0x5\r\nabcde", b" 5\r\nabcde", b"f" * 20 + b"\r\na", b"5\r\nabcdeGET")
PATHS = (
    *(b"/invocations%b" % rest for rest in (b"/", b";x", b"%2f", b"%3fx", b"%0d%0aX:%20y")),
    *(b"/predictions/other", b"/models", b"/metrics", b"/errors/400", b"/ready", b"/nginx.pid", b"/\xff"),
)
# What stands in a body for the server behind to take for a request of its own.
HIDDEN = b"GET /models HTTP/1.1\r\nHost: x\r\n\r\n"
PING = b"GET /ping HTTP/1.1\r\nHost: x\r\n" + CLOSE + b"\r\n"


def measured(body: bytes) -> bytes:
    """The end of a request: its body's length, and the body."""
    return b"Content-Length: %d\r\n\r\n%b" % (len(body), body)


def in_chunks(body: bytes, trailers: bytes = b"") -> bytes:
    """The end of a request: its body in two chunks."""
    half = len(body) // 2
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in (body[:half], body[half:]))
    return b"\r\n" + chunks + b"0\r\n" + trailers + b"\r\n"


@dataclass(frozen=True)
class Answer:
    """One answer: names of headers in lower case, the body as JSON."""

    status: int
    headers: dict[str, str]
    json: dict[str, Any]


def answers(container: Container, data: bytes) -> list[Answer]:
    """Sends bytes as they are, the last request with `CLOSE`; returns every answer, each of them JSON."""
    host, port = urlsplit(container.url).netloc.split(":")
    with socket.create_connection((host, int(port)), 60) as connection, connection.makefile("rb") as reader:
        connection.sendall(data)
        stream = BytesIO(reader.read())
    found = []
    while line := stream.readline():
        headers = {name.lower(): value for name, value in http.client.parse_headers(stream).items()}
        body = stream.read(int(headers["content-length"]))
        found.append(Answer(int(line.split()[1]), headers, json.loads(body)))
    return found


def only_answer(container: Container, data: bytes) -> Answer:
    (answer,) = answers(container, data)
    return answer


@pytest.mark.parametrize(
    "end",
    [
        CHUNKED + measured(b"0\r\n\r\n" + HIDDEN),
        b"Content-Length: 3\r\n" + CHUNKED + in_chunks(SOUND) + HIDDEN,
        b"Content-Length: 3\r\n" + measured(SOUND + HIDDEN),
        *(b"Content-Length: %b\r\n\r\n12345" % length for length in LENGTHS),
        *(b"Transfer-Encoding: %b\r\n" % coding + in_chunks(SOUND) for coding in CODINGS),
        CHUNKED.replace(b":", b" :") + in_chunks(SOUND),
        CHUNKED + CHUNKED + in_chunks(SOUND),
        *(CHUNKED + b"\r\n" + chunk + b"\r\n0\r\n\r\n" for chunk in CHUNKS),
    ],
)
def test_a_body_whose_end_is_in_doubt_is_refused_with_what_follows(async_container: Container, end: bytes) -> None:
    answer = only_answer(async_container, POST + CLOSE + end)
    assert (answer.status, answer.json["status_code"]) == (400, 400)
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize(
    "headers",
    [
        b"Host: y\r\n",
        b"X-Filename: a\r\n  folded\r\n",
        b"X-Filename: a\0b\r\n",
        b"X-Filename: a\rX-Default-Sensitivity: 1\r\n",
        b": without a name\r\n",
        b"X Filename: a\r\n",
        b"A line without a colon\r\n",
        b"a: b\r\n" * 2_000,
        (b"a: " + b"b" * 90 + b"\r\n") * 300,
    ],
)
def test_headers_that_could_be_read_in_two_ways_are_refused(async_container: Container, headers: bytes) -> None:
    answer = only_answer(async_container, POST + CLOSE + headers + measured(SOUND))
    assert (answer.status, answer.json["status_code"]) == (400, 400)


@pytest.mark.parametrize("host", [b"", b"Host: a/b c\r\n"])
def test_a_request_needs_a_host(async_container: Container, host: bytes) -> None:
    data = POST.replace(b"Host: x\r\n", host) + CLOSE + measured(SOUND)
    assert only_answer(async_container, data).status == 400


@pytest.mark.parametrize(
    "headers",
    [
        b"X-Sense-Form-Type: multipart/form-data; boundary=x\r\n",
        b"X-Sense-Error: {}\r\nX-Model: another/1\r\n",
        b"Connection: Content-Type, X-Sense-Body-File\r\nX-Sense-Body-File: /etc/passwd\r\n",
        b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n",
        b"Connection: Upgrade\r\nUpgrade: websocket\r\n",
        b"Range: bytes=0-10\r\n",
        b"TE: trailers\r\n",
        b"Expect: something\r\n",
    ],
)
def test_headers_for_the_front_alone_have_no_effect(async_container: Container, headers: bytes) -> None:
    answer = only_answer(async_container, POST + headers + CLOSE + measured(SOUND))
    assert (answer.status, answer.headers["x-model"]) == (200, "toy/1")
    assert answer.json["metadata"]["size_byte"] == len(SOUND)
    assert "x-sense-error" not in answer.headers


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (ATTRIBUTES + b'{"tags_sensitivity": {"a\\r\\nX-Evil: 1": 1}, "b\\r\\nX-Evil: 1": 1}\r\n', 200),
        (ATTRIBUTES + b'{"default_sensitivity": "\\r\\nX-Evil: 1"}\r\n', 400),
        (b"X-Filename: UTF-8''a%0d%0aX-Evil%3a%201\r\n", 200),
        (b"X-Tail-Window: %0d%0aX-Evil: 1\r\n", 400),
    ],
)
def test_no_text_of_the_callers_becomes_a_header(async_container: Container, headers: bytes, status: int) -> None:
    answer = only_answer(async_container, POST + headers + CLOSE + measured(SOUND))
    assert answer.status == status
    assert "x-evil" not in answer.headers


def test_pipelined_requests_are_answered_in_their_order(async_container: Container) -> None:
    first, second = (POST + b"X-Filename: %b\r\n" % name for name in (b"one", b"two"))
    named = answers(async_container, first + measured(SOUND) + second + CHUNKED + in_chunks(SOUND) + PING)
    assert [answer.status for answer in named] == [200, 200, 200]
    assert [answer.json["metadata"]["name"] for answer in named[:2]] == ["one", "two"]


def test_trailers_and_chunk_extensions_have_no_effect(async_container: Container) -> None:
    trailers = b"X-Filename: trailer\r\nX-Sense-Body-File: /etc/passwd\r\n"
    end = re.sub(rb"^\r\n(\w+)", rb"\r\n\1;name=value", in_chunks(SOUND, trailers))
    tagged, pinged = answers(async_container, POST + CHUNKED + end + PING)
    assert tagged.json["metadata"]["name"] == "sagemaker_input"
    assert tagged.json["metadata"]["size_byte"] == len(SOUND)
    assert pinged.status == 200


def test_http_1_0_is_served_and_the_connection_closed(async_container: Container) -> None:
    old = b"POST /invocations HTTP/1.0\r\nContent-Type: audio/wav\r\n"
    answer = only_answer(async_container, old + measured(SOUND))
    assert (answer.status, answer.headers["connection"]) == (200, "close")
    assert only_answer(async_container, old + CHUNKED + in_chunks(SOUND)).status == 400
    assert only_answer(async_container, old + b"\r\n" + SOUND).status == 400


@pytest.mark.parametrize(
    ("target", "status"),
    [
        (b"http://example.org/invocations", 200),
        (b"http://169.254.169.254/latest/meta-data", 404),
        (b"http://127.0.0.1:8081/models", 404),
        (b"file:///etc/passwd", 400),
        (b"127.0.0.1:8081", 400),
        (b"//invocations", 200),
        (b"/x/../invocations", 200),
        (b"/%69nvocations", 200),
        (b"/../../etc/passwd", 400),
        (b"\\invocations", 400),
        (b"/invocations?a=\x01", 400),
        *((path, 404) for path in PATHS),
    ],
)
def test_no_target_leads_elsewhere(async_container: Container, target: bytes, status: int) -> None:
    answer = only_answer(async_container, b"POST " + target + b" HTTP/1.1\r\n" + TYPE + CLOSE + measured(SOUND))
    assert (answer.status, answer.json.get("status_code", 200)) == (status, status)
