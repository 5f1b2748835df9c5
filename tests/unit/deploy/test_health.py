from __future__ import annotations

import time
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from deploy import health, stack
from deploy.http_call import Answer
from deploy.spool_folder import SpoolFolder


def test_a_slow_start_does_not_end_the_container_when_it_is_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Longer than a later worker may take, at every call that the watch makes until it says ready."""
    process = psutil.Process()
    watch = health.Health(
        SimpleNamespace(url="http://127.0.0.1:9"),  # type: ignore[arg-type]  # as much of it as is asked for
        SpoolFolder(tmp_path, process.pid),
        tmp_path,
    )
    watch.unready_since = time.monotonic() - stack.READY_AGAIN_SECONDS - 60
    watched = stack.Stack(
        SimpleNamespace(process=SimpleNamespace(poll=lambda: None), output=SimpleNamespace(refusal=None)),  # type: ignore[arg-type]
        SimpleNamespace(poll=lambda: None),  # type: ignore[arg-type]
        watch,
        tmp_path,
    )
    calls = []

    def answer(method: str, url: str, *_: object, **__: object) -> Answer:
        watched.require_serving()
        calls.append((method, url.rpartition("/")[2]))
        return Answer(200, {}, b"")

    monkeypatch.setattr(health, "ready_workers", lambda _: [process])
    monkeypatch.setattr(health, "call", answer)
    watch._look()
    watched.require_serving()
    assert calls == [("POST", "invocations"), ("GET", "ping")]
    assert watch.is_ready
