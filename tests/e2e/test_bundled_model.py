"""The bundled model behind a real TorchServe, asked for the demo's sample."""

from __future__ import annotations

import pytest
import requests

from deploy.torchserve.launch import TorchServe
from tests.conftest import TREE

SAMPLE = TREE / "samples" / "demo.mp3"


@pytest.mark.skipif(not SAMPLE.exists(), reason="samples/demo.mp3 is not there yet")
def test_the_sample_is_tagged(bundled_server: TorchServe) -> None:
    headers = {"Content-Type": "audio/mp3", "X-Filename": "demo.mp3"}
    body = SAMPLE.read_bytes()
    response = requests.post(f"{bundled_server.url}/invocations", data=body, headers=headers, timeout=60)
    assert response.status_code == 200, response.text
    answer = response.json()
    metadata, windows = answer["metadata"], answer["data"]
    assert (metadata["name"], metadata["size_byte"]) == ("demo.mp3", len(body))
    assert len(windows) == int(metadata["length_sec"]) - 1
    assert [window["start_time"] for window in windows] == list(range(len(windows)))
    tagged = [window for window in windows if window["tags"]]
    assert len(tagged) > len(windows) / 2  # the sample was made to be heard: silence would say nothing
    for window in tagged:
        found = [tag["probability"] for tag in window["tags"]]
        assert found == sorted(found, reverse=True)
        assert all(0 < probability <= 1 for probability in found)
