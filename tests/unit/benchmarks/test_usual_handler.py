"""A rival counts only if it does the same work."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from benchmarks.usual_handler import UsualHandler
from tests.support.audio import encode, lively, tone
from tests.support.torchserve_worker import Worker
from tests.support.toy_model import SAMPLE_RATE, write_toy_model


def test_the_usual_handler_hears_what_ours_hears(tmp_path: Path) -> None:
    model = write_toy_model(tmp_path / "toy.pt2")
    usual = UsualHandler()
    manifest = {"model": {"serializedFile": model.name}}
    usual.initialize(SimpleNamespace(system_properties={"model_dir": str(tmp_path)}, manifest=manifest))
    sound = tone(1000, 0.6, 5, SAMPLE_RATE) + 0.1 * lively(5, sample_rate=SAMPLE_RATE)[:, 0]
    body = bytes(encode(sound, SAMPLE_RATE, "wav"))
    (answer,) = usual.handle([{"body": body}], None)
    headers = {"Content-Type": "audio/wav"}
    ours = json.loads(Worker(model).answer({"headers": headers, "body": body})[0].body)["data"]
    assert len(answer) == len(ours) == 4
    for theirs, expected in zip(answer, ours, strict=True):
        assert (theirs["start_time"], theirs["end_time"]) == (expected["start_time"], expected["end_time"])
        heard = {tag["name"]: tag["probability"] for tag in theirs["tags"]}
        assert heard == pytest.approx({tag["name"]: tag["probability"] for tag in expected["tags"]}, abs=1e-4)
        assert "Siren" in heard


def test_takes_a_moment_shorter_than_a_window(tmp_path: Path) -> None:
    model = write_toy_model(tmp_path / "toy.pt2")
    usual = UsualHandler()
    manifest = {"model": {"serializedFile": model.name}}
    usual.initialize(SimpleNamespace(system_properties={"model_dir": str(tmp_path)}, manifest=manifest))
    with torch.inference_mode():
        (answer,) = usual.handle([{"body": bytes(encode(tone(500, 0.5, 0.1), 44_100, "wav"))}], None)
    assert len(answer) == 1
