"""What the handler logs: nothing of a caller's."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support import audio
from tests.support.torchserve_worker import Worker

SECRET = "secret-name"
HEADERS = {"X-Filename": f"{SECRET}.mp3", "X-Tags-Sensitivity": f'{{"{SECRET}": 1}}'}


@pytest.mark.parametrize(
    ("body", "status"), [(audio.clip("wav"), 200), (SECRET.encode() * 100, 400)], ids=["good", "bad"]
)
def test_neither_a_files_name_nor_a_header_nor_a_body_is_logged(
    toy_model: Path, body: bytes, status: int, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level("DEBUG")
    answer = Worker(toy_model).answer({"headers": {"Content-Type": "audio/wav", **HEADERS}, "body": body})[0]
    assert answer.status == status
    assert "model" in caplog.text
    captured = capfd.readouterr()
    assert SECRET not in caplog.text + captured.out + captured.err
