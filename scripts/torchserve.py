"""The former place of deploy/torchserve.py, under which benchmarks/ still knows it."""

from __future__ import annotations

from deploy.torchserve import (
    HOST,
    MODEL_NAME,
    POLL_SECONDS,
    STARTUP_SECONDS,
    Settings,
    TorchServe,
    TorchServeError,
    exchange,
    failure,
    interrupted_by_signals,
    running,
)

__all__ = [
    "HOST",
    "MODEL_NAME",
    "POLL_SECONDS",
    "STARTUP_SECONDS",
    "Settings",
    "TorchServe",
    "TorchServeError",
    "exchange",
    "failure",
    "interrupted_by_signals",
    "running",
]
