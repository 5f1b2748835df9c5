"""What an operator's Prometheus reads."""

from __future__ import annotations

import re

import requests

from deploy.ports import HOST
from deploy.torchserve.launch import TorchServe
from tests.support.audio import encode, tone


def metric(server: TorchServe, name: str) -> float:
    """A metric's value, 0 where it has not come up yet; of a histogram the number of observations."""
    text = requests.get(f"http://{HOST}:{server.metrics_port}/metrics", timeout=10).text
    found = re.search(rf"^{name}(?:_count)?\{{.*?\}} (\S+)", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def test_each_request_is_counted(server: TorchServe) -> None:
    names = (
        "SenseAudioSeconds",
        "SenseWindows",
        "SenseTotalTime",
        "SenseDecodeTime",
        "SenseModelTime",
        "SenseBatchFill",
    )
    before = {name: metric(server, name) for name in names}
    body = bytes(encode(tone(1000, 0.5, 3.0), 44_100, "wav"))
    requests.post(f"{server.url}/invocations", data=body, headers={"Content-Type": "audio/wav"}, timeout=60)
    grown = {name: round(metric(server, name) - before[name], 3) for name in names}
    assert grown == {"SenseAudioSeconds": 3.0, "SenseWindows": 2, **dict.fromkeys(names[2:], 1)}
