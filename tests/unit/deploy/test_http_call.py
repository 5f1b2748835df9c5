"""One request, against the standard library's server and against sockets that misbehave."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from deploy.http_call import call
from deploy.ports import HOST, free_port

REFUSAL = b"HTTP/1.1 413 Too Large\r\nContent-Length: 5\r\nX-Why: size\r\n\r\nlarge"


class Echo(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(201)
        self.send_header("X-Name", self.headers.get("X-Name", ""))
        self.end_headers()
        self.wfile.write(self.path.encode() + b" " + body)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


@pytest.fixture
def echo() -> Iterator[str]:
    server = HTTPServer((HOST, 0), Echo)
    threading.Thread(target=lambda: server.serve_forever(0.01), daemon=True).start()
    yield f"http://{HOST}:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def raw_server() -> Iterator[Callable[[bytes], str]]:
    """Makes a server that reads a request's head, answers with the bytes given, and closes."""
    with socket.socket() as listener:
        listener.bind((HOST, 0))
        listener.listen()

        def answer(text: bytes) -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(1_000)
                connection.sendall(text)
                connection.shutdown(socket.SHUT_WR)

        def start(text: bytes) -> str:
            threading.Thread(target=answer, args=(text,), daemon=True).start()
            return f"http://{HOST}:{listener.getsockname()[1]}"

        yield start


def test_status_headers_and_body_come_back(echo: str) -> None:
    answer = call("POST", f"{echo}/path?query=1", {"X-Name": "Ä"}, b"body")
    assert (answer.status, answer.ok, answer.text) == (201, True, "/path?query=1 body")
    assert answer.headers["x-name"].encode("latin-1").decode() == "Ä"


def test_blocks_are_sent_one_after_the_other(echo: str) -> None:
    assert call("POST", f"{echo}/", {"Content-Length": "4"}, iter([b"bo", b"dy"])).text == "/ body"


def test_a_server_that_closes_before_it_has_read_the_body_is_still_heard(raw_server: Callable[[bytes], str]) -> None:
    blocks = (bytes(1 << 20) for _ in range(64))
    answer = call("POST", raw_server(REFUSAL), {"Content-Length": str(64 << 20)}, blocks)
    assert (answer.status, answer.ok, answer.text, answer.headers["x-why"]) == (413, False, "large", "size")


@pytest.mark.parametrize("text", [b"", b"nonsense\r\n"])
def test_no_answer_has_the_status_0(raw_server: Callable[[bytes], str], text: bytes) -> None:
    answer = call("GET", raw_server(text))
    assert (answer.status, answer.ok) == (0, False)
    assert "no answer" in answer.text


def test_nobody_there_has_the_status_0() -> None:
    answer = call("GET", f"http://{HOST}:{free_port()}/ping")
    assert answer.status == 0
    assert "Connection refused" in answer.text
