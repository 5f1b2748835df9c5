"""A TorchServe worker without its Java front end: its own Service, Context and wire format, in this process."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ts
from ts.metrics.metric_cache_yaml_impl import MetricsCacheYamlImpl
from ts.service import Service

from handler.sense_handler import SenseHandler


@dataclass(frozen=True)
class Answer:
    """One request's part of a worker's reply."""

    status: int
    phrase: str
    content_type: str
    headers: Mapping[str, str]
    body: bytes


class Worker:
    """Loads the handler as a worker does and answers batches.

    Args:
        model: The model file.
        gpu_id: The GPU that the front end assigns, or None.
    """

    def __init__(self, model: Path, *, gpu_id: int | None = None) -> None:
        self.handler = SenseHandler()
        self.service = Service(
            model_name="cochl-sense",
            model_dir=str(model.parent),
            manifest={"model": {"serializedFile": model.name}},
            entry_point=self.handler.handle,
            gpu=gpu_id,
            batch_size=8,
            metrics_cache=_metrics(),
        )
        self.service.set_cl_socket(None)
        self.handler.initialize(self.service.context)

    def answer(self, *requests: Mapping[str, Any]) -> list[Answer]:
        """Answers one batch; each request has "headers", and "body" or, by name, the (type, bytes) of the "parameters"
        of a form or of gRPC's input map."""
        reply = self.service.predict([_as_received(index, request) for index, request in enumerate(requests)])
        return _parse(bytes(reply), len(requests))


def _metrics() -> MetricsCacheYamlImpl:
    """TorchServe's own metrics, which write to the log of this process."""
    cache = MetricsCacheYamlImpl(str(Path(ts.__file__).parent / "configs" / "metrics.yaml"))
    cache.initialize_cache()
    return cache


def _as_received(index: int, request: Mapping[str, Any]) -> dict[str, Any]:
    # TorchServe names the body's type without its parameters, and passes header names on as the caller spelled them.
    parameters = request.get("parameters", {"body": ("audio", request["body"])} if "body" in request else {})
    return {
        "requestId": f"request-{index}".encode(),
        "parameters": [
            {"name": name, "contentType": content_type, "value": value}
            for name, (content_type, value) in parameters.items()
        ],
        "headers": [
            {"name": name.encode(), "value": value.encode()} for name, value in request.get("headers", {}).items()
        ],
    }


def _parse(reply: bytes, num_requests: int) -> list[Answer]:
    """Reads the reply as the Java side does (ts.protocol.otf_message_handler.create_predict_response)."""
    reader = _Reader(reply)
    code, message = reader.integer(), reader.text()
    assert code == 200, f"the whole batch failed: {code} {message}"
    answers = []
    for _ in range(num_requests):
        reader.text()
        content_type, status, phrase = reader.text(), reader.integer(), reader.text()
        headers = {reader.text(): reader.text() for _ in range(reader.integer())}
        answers.append(Answer(status, phrase, content_type, headers, reader.data()))
    assert reader.integer() == -1
    return answers


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data, self._position = data, 0

    def integer(self) -> int:
        (value,) = struct.unpack_from("!i", self._data, self._position)
        self._position += 4
        return int(value)

    def data(self) -> bytes:
        size_bytes = self.integer()
        self._position += size_bytes
        return self._data[self._position - size_bytes : self._position]

    def text(self) -> str:
        return self.data().decode()


def requests_of(bodies: Sequence[bytes], content_type: str) -> list[dict[str, Any]]:
    """One plain request for each body."""
    return [{"headers": {"Content-Type": content_type}, "body": body} for body in bodies]
