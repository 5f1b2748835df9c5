"""Programs that run what is written for a browser: node, and Chromium without a window."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.conftest import TREE

PAGE = TREE / "client" / "sense_client" / "report" / "page"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def evaluated(expression: str, given: object = None, *scripts: str) -> Any:  # noqa: ANN401  # any JSON
    """Returns what a JavaScript expression is, with scripts of page/ loaded and `given` at hand.

    Without node the test is skipped.
    """
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    code = "".join((PAGE / script).read_text() for script in scripts)
    # Node reads standard input whole: an argument could be too long.
    program = f"{code}\nconst given = {json.dumps(given)};\n"
    program += f"(async () => console.log(JSON.stringify(await ({expression}))))();"
    run = subprocess.run([node, "-"], input=program, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)


@contextlib.contextmanager
def chromium() -> Iterator[Browser]:
    """Starts Chromium; without it the test is skipped."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(Path(CHROMIUM)),
            args=[
                "--no-sandbox",
                "--autoplay-policy=no-user-gesture-required",
                "--use-fake-device-for-media-stream",
                "--use-fake-ui-for-media-stream",
            ],
        )
        yield browser
        browser.close()
