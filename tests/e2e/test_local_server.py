"""What `make serve` answers beside SageMaker's paths."""

from __future__ import annotations

import pytest
import requests

from handler.sense_handler import MAX_PROBABILITIES


@pytest.mark.parametrize("path", ["/tags", "/info", "/info?model_name=other"])
def test_the_model_is_described(local_url: str, path: str) -> None:
    headers = {"X-Amzn-SageMaker-Custom-Attributes": "nonsense", "Content-Type": "image/png"}
    answer = requests.get(local_url + path, headers=headers, timeout=60)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.json() == {
        "name": "toy",
        "version": "1",
        "windows": {"seconds": 2, "hop_seconds": 1},
        "limits": {
            "max_body_bytes": 1 << 30,
            "max_audio_seconds": 360_000,
            "max_probabilities": MAX_PROBABILITIES,
        },
        "tags": [
            {"name": name, "category": "Test", "threshold": 0.5} for name in ("Music", "Speech", "Siren", "Laughter")
        ],
    }


def test_a_description_is_only_read(local_url: str) -> None:
    answer = requests.post(f"{local_url}/tags", data=b"x", timeout=60)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")
    assert "GET it" in answer.json()["error"]


def test_an_unknown_path_is_not_found(local_url: str) -> None:
    assert requests.get(f"{local_url}/reports", timeout=60).status_code == 404
