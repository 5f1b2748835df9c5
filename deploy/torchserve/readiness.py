"""Waiting for a server, and what makes a worker ready: it has loaded the model, and has tagged a moment of silence."""

from __future__ import annotations

import contextlib
import io
import json
import time
import wave
from collections.abc import Callable
from typing import Any

import psutil

from deploy.errors import ServingError
from deploy.http_call import call
from deploy.processes import is_running
from deploy.torchserve.launch import TorchServe

STARTUP_SECONDS = 300.0  # startupTimeout in model-config.yaml
POLL_SECONDS = 0.25
# A worker's own words reach the log by another way than the news of its end.
LAST_WORDS_SECONDS = 1.0


def wait_until(
    is_ready: Callable[[], object], failure: Callable[[], str | None], timeout_seconds: float = STARTUP_SECONDS
) -> None:
    """Returns when `is_ready()` is true.

    Raises:
        ServingError: `failure()` returned a text, which the message has, or the time is over.
    """
    deadline = time.monotonic() + timeout_seconds
    while not is_ready():
        if failure() is not None or time.monotonic() > deadline:
            time.sleep(LAST_WORDS_SECONDS)
            raise ServingError(f"the server did not start: {failure() or f'not ready after {timeout_seconds:.0f} s'}")
        time.sleep(POLL_SECONDS)


def wait_until_ready(
    server: TorchServe, timeout_seconds: float = STARTUP_SECONDS, *, all_workers: bool = False
) -> None:
    """Returns when a worker has loaded the model and has tagged a moment of silence.

    TorchServe's own /ping says Healthy long before that.

    Args:
        server: The TorchServe.
        timeout_seconds: How long the workers have to load the model.
        all_workers: Whether every worker must have loaded it.

    Raises:
        ServingError: The server ended, its worker cannot load the model, or it took too long.
    """
    wait_until(lambda: _has_loaded(server, all_workers=all_workers), server.explained_failure, timeout_seconds)
    answer = call("POST", f"{server.url}/invocations", {"Content-Type": "audio/wav"}, silence())
    if not answer.ok:
        words = f"status {answer.status}, {answer.text[:500]}\n{server.output.last_words()}"
        raise ServingError(f"the model does not answer: {words}")


def ready_workers(server: TorchServe) -> list[psutil.Process]:
    """Returns the running workers that TorchServe says have loaded the model.

    Asked of the management API: an early request for inference would wait in the queue for a worker that may never
    come.
    """
    description = _description(server)
    return [] if description is None else _ready(description)


def silence() -> bytes:
    """Returns a tenth of a second of silence as a WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(16_000)
        writer.writeframes(bytes(2 * 1_600))
    return file.getvalue()


def _has_loaded(server: TorchServe, *, all_workers: bool) -> bool:
    description = _description(server)
    wanted = description["minWorkers"] if description and all_workers else 1
    return description is not None and len(_ready(description)) >= wanted


def _description(server: TorchServe) -> dict[str, Any] | None:
    """What TorchServe says of the model and its workers, None where it does not answer."""
    answer = call("GET", server.model_url)
    with contextlib.suppress(LookupError, ValueError):
        description: dict[str, Any] = json.loads(answer.body)[0]
        return description if answer.ok else None
    return None


def _ready(description: dict[str, Any]) -> list[psutil.Process]:
    found = []
    for worker in description["workers"]:
        with contextlib.suppress(psutil.Error):
            if worker["status"] == "READY":
                found.append(psutil.Process(worker["pid"]))
    return [process for process in found if is_running(process)]  # TorchServe takes a moment to see that one is gone
