"""A stand-in for Amazon SageMaker's runtime API: what lies between boto3 and a container, as far as a caller sees it.

Its rules are those that AWS publishes: which headers reach the container, which come back, how large a request may be,
and how an error of the container looks to the caller.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import re
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

ENDPOINT_NAME = "tagger"
MAX_BODY_BYTES = 25 * 1024 * 1024
MAX_MESSAGE_CHARACTERS = 2048
CONTAINER_SECONDS = 60
KEPT_HEADERS = re.compile(r"content-type|accept|x-amzn-sagemaker-.*", re.IGNORECASE)
RETURNED_HEADERS = ("Content-Type", "X-Amzn-SageMaker-Custom-Attributes")


@contextlib.contextmanager
def sagemaker_stand_in(container: str) -> Iterator[str]:
    """Serves the endpoint ENDPOINT_NAME on top of a container.

    Args:
        container: HOST:PORT of what answers POST /invocations.

    Yields:
        The URL to give boto3 as `endpoint_url`.
    """
    handler = type("Runtime", (_Runtime,), {"container": container})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Runtime(BaseHTTPRequestHandler):
    container: ClassVar[str]
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.path != f"/endpoints/{ENDPOINT_NAME}/invocations":
            self._refuse("ValidationError", 400, {"Message": f"no such endpoint: {self.path}"})
        elif len(body) > MAX_BODY_BYTES:
            self._refuse("ValidationError", 400, {"Message": f"the body must not exceed {MAX_BODY_BYTES} bytes"})
        else:
            self._invoke(body)

    def _invoke(self, body: bytes) -> None:
        kept = {name: value for name, value in self.headers.items() if KEPT_HEADERS.fullmatch(name)}
        connection = http.client.HTTPConnection(self.container, timeout=CONTAINER_SECONDS)
        with contextlib.closing(connection):
            connection.request("POST", "/invocations", body, kept)
            response = connection.getresponse()
            answer = response.read()
        if response.status >= 300:
            self._refuse("ModelError", 424, model_error(response.status, answer))
            return
        headers = {name: response.headers[name] for name in RETURNED_HEADERS if name in response.headers}
        self._answer(200, {**headers, "x-Amzn-Invoked-Production-Variant": "AllTraffic"}, answer)

    def _refuse(self, error: str, status: int, fields: Mapping[str, object]) -> None:
        headers = {"Content-Type": "application/json", "x-amzn-ErrorType": error}
        self._answer(status, headers, json.dumps(fields).encode())

    def _answer(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Keeps the tests' output to themselves."""


def model_error(status: int, answer: bytes) -> dict[str, object]:
    """Returns the fields of the ModelError that wraps a container's error."""
    original = answer.decode(errors="replace")[:MAX_MESSAGE_CHARACTERS]
    side = "client" if status < 500 else "server"
    message = f'Received {side} error ({status}) from primary with message "{original}".'
    return {
        "Message": message[:MAX_MESSAGE_CHARACTERS],
        "OriginalStatusCode": status,
        "OriginalMessage": original,
        "LogStreamArn": "",
    }
