"""The page at / of the local server, in Chromium: a file, the microphone, errors."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, Page

from tests.support.audio import encode, tone
from tests.support.browser import chromium


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


@pytest.fixture
def page(browser: Browser, local_url: str) -> Iterator[Page]:
    page = browser.new_page()
    page.on("pageerror", lambda error: pytest.fail(str(error)))
    page.on(
        "request", lambda request: None if request.url.startswith((local_url, "blob:")) else pytest.fail(request.url)
    )
    page.goto(local_url)
    yield page
    page.close()


def test_a_file_becomes_a_report(page: Page, tmp_path: Path) -> None:
    file = tmp_path / "naïve €.wav"
    file.write_bytes(encode(tone(1000, 0.8, 5.0, 16_000) + tone(500, 0.3, 5.0, 16_000), 16_000, "wav"))
    page.get_by_label("Choose a file").set_input_files(file)
    page.wait_for_selector(".lanes li")
    assert page.locator("h1").inner_text() == "naïve €.wav"
    assert page.locator(".lanes li:visible").count() == 1
    assert page.locator("tbody tr").all_inner_texts()[0].split() == ["0:00.0", "–", "0:05.0", "Siren", "0.80"]
    page.locator("#sensitivity").fill("1")
    assert page.locator(".lanes li:visible").count() == 2  # Speech: 0.3 is over sigmoid(-1)
    page.locator("canvas.spectrogram").wait_for()
    page.locator("audio").wait_for()


def test_the_microphone_becomes_a_report(page: Page) -> None:
    page.get_by_role("button", name="Record").click()
    page.get_by_role("button", name="Stop").wait_for()
    page.locator("#status", has_text="0:02").wait_for()
    page.get_by_role("button", name="Stop").click()
    page.wait_for_selector("h1")
    assert page.locator("h1").inner_text() == "recording"
    assert page.evaluate("report.recording.isComplete")


def test_an_error_is_the_servers_own_text(page: Page, tmp_path: Path) -> None:
    (tmp_path / "text.mp3").write_text("this is no sound")
    page.get_by_label("Choose a file").set_input_files(tmp_path / "text.mp3")
    page.wait_for_selector("#status.error")
    assert page.locator("#status").inner_text().startswith("The server says: ")
    assert page.locator("#progress").is_hidden()


def test_it_allows_nothing_from_elsewhere(local_url: str) -> None:
    answer = requests.get(local_url, timeout=60)
    assert answer.headers["Content-Type"] == "text/html"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert "Access-Control-Allow-Origin" not in answer.headers
