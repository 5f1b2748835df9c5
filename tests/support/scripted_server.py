"""An HTTP server on this machine that answers as a test says: errors, broken connections, results."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Request:
    """A request that came. The names of headers are in lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """An answer."""

    status: int = 200
    body: object = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)


DROP = "drop"
Act = Reply | str
Script = Callable[[Request], Act]


def answer(*windows: str, name: str = "a.wav", size_bytes: int = 4) -> dict[str, Any]:
    """A tagger's answer whose windows have the tags of each text, such as "Siren Speech", at 0.75."""
    tags = [[{"name": tag, "probability": 0.75} for tag in window.split()] for window in windows]
    metadata = {"content_type": "audio/wav", "length_sec": len(windows) + 1.0, "size_byte": size_bytes, "name": name}
    data = [{"tags": each, "start_time": at, "end_time": at + 2} for at, each in enumerate(tags)]
    return {"metadata": metadata, "data": data}


class Server(ThreadingHTTPServer):
    """A server that runs a script."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, script: Script) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script = script
        self.requests: list[Request] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Keeps quiet about callers who went away."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        request = Request(self.path, headers, body)
        self.server.requests.append(request)
        act = self.server.script(request)
        if isinstance(act, str):
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return
        content = act.body if isinstance(act.body, bytes) else json.dumps(act.body).encode()
        self.send_response(act.status)
        for name, value in {"Content-Length": str(len(content)), **act.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Keeps quiet."""


@contextlib.contextmanager
def running(script: Script) -> Iterator[Server]:
    """Runs a server for the length of the `with` block."""
    with Server(script) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def in_turn(*acts: Act) -> Script:
    """Does one after another, the last one for ever."""
    left = list(acts)
    lock = threading.Lock()

    def script(_: Request) -> Act:
        with lock:
            return left.pop(0) if len(left) > 1 else left[0]

    return script
