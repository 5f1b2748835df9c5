"""TorchServe's gRPC inference, as any client calls it. Both messages are written by hand, so no code is generated.

Source: frontend/server/src/main/resources/proto/inference.proto of TorchServe 0.12.
"""

from __future__ import annotations

from collections.abc import Mapping

import grpc

_METHOD = "/org.pytorch.serve.grpc.inference.InferenceAPIsService/Predictions"


def predict(port: int, model_name: str, inputs: Mapping[str, bytes]) -> bytes:
    """Calls Predictions on 127.0.0.1 with an input map, and returns the answer's bytes.

    TorchServe passes a handler's errors on as answers, too.
    """
    entries = (_field(3, _field(1, name.encode()) + _field(2, value)) for name, value in inputs.items())
    request = _field(1, model_name.encode()) + b"".join(entries)
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        return _prediction(bytes(channel.unary_unary(_METHOD)(request, timeout=60)))


def _field(number: int, data: bytes) -> bytes:
    """A length-delimited field of a protobuf message."""
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(number: int) -> bytes:
    low, high = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + _varint(high) if high else bytes([low])


def _prediction(response: bytes) -> bytes:
    """The only field of a PredictionResponse: tag 1, a length of one or more bytes, the prediction."""
    assert response[0] == 1 << 3 | 2
    start = next(index for index in range(1, len(response)) if response[index] < 0x80) + 1
    return response[start:]
