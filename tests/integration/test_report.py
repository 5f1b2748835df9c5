"""Reports in a browser: they open, answer to slider, mouse and keys, and need no network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from sense_client.report.document import IndexEntry, index_html, report_html
from sense_client.report.spectrogram import NUM_BANDS, Spectrogram, spectrogram_of_file
from sense_client.results import Result
from tests.support.audio import encode, tone
from tests.support.browser import chromium
from tests.support.waiting import eventually

HOUR_SECONDS = 3_600
TAGS = [f"Tag_{number}" for number in range(31)]
DESCRIPTION = {
    "name": "toy",
    "version": "1",
    "tags": [{"name": name, "category": "Test", "threshold": 0.5} for name in TAGS],
}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as started:
        yield started


def answer(num_windows: int, *, name: str = "hour.mp3", is_complete: bool = True) -> Result:
    """An answer of random probabilities, of which each tag's first window has 0.6, then 0.4."""
    probabilities = np.random.default_rng(0).random((num_windows, len(TAGS)), np.float32) ** 4
    probabilities[0], probabilities[1] = 0.6, 0.4
    windows = []
    for start, row in enumerate(probabilities):
        every = {tag: float(str(value)) for tag, value in zip(TAGS, row, strict=True)}
        heard = [{"name": tag, "probability": value} for tag, value in every.items() if value >= 0.5]
        more = {"probabilities": every} if is_complete else {}
        windows.append({"tags": heard, **more, "start_time": start, "end_time": start + 2})
    metadata = {"content_type": "audio/mp3", "length_sec": num_windows + 1.0, "size_byte": 1, "name": name}
    return Result.from_dict({"metadata": metadata, "data": windows})


@pytest.fixture(scope="module")
def hour(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of an hour, without its sound; noise is what compresses worst."""
    noise = np.random.default_rng(0).integers(0, 256, (60_000, NUM_BANDS), np.uint8)
    file = tmp_path_factory.mktemp("hour") / "hour.html"
    file.write_text(
        report_html(answer(HOUR_SECONDS), description=DESCRIPTION, spectrogram=Spectrogram(0.06, noise)), "utf-8"
    )
    return file


@pytest.fixture(scope="module")
def short(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of twelve seconds, with its sound."""
    folder = tmp_path_factory.mktemp("short")
    (folder / "tone.wav").write_bytes(encode(tone(1000, 0.5, 12.0, 16_000), 16_000, "wav"))
    result = answer(11, name="</script><img src=x onerror=alert(1)>.wav")
    html = report_html(
        result,
        description=DESCRIPTION,
        spectrogram=spectrogram_of_file(folder / "tone.wav", 12.0),
        audio=(folder / "tone.wav").read_bytes(),
    )
    (folder / "tone.html").write_text(html, "utf-8")
    return folder / "tone.html"


def opened(browser: Browser, file: Path, **options: Any) -> Page:  # noqa: ANN401  # Playwright's own
    """Opens a page that fails the test at any error, and at any call of the network."""
    page = browser.new_page(**options)
    page.on("pageerror", lambda error: pytest.fail(str(error)))
    page.on(
        "request",
        lambda request: None if request.url.startswith(("file:", "blob:", "data:")) else pytest.fail(request.url),
    )
    page.goto(file.as_uri())
    page.wait_for_selector(".lanes li")
    return page


def num_events(page: Page) -> int:
    return int(page.locator(".summary").inner_text().split()[0].replace(",", ""))


def becomes(page: Page, condition: str) -> bool:
    """Whether a condition becomes true. The page's own rules forbid Playwright's wait_for_function, which uses eval."""
    return eventually(lambda: page.evaluate(condition), 30)


def test_the_report_of_an_hour_is_small(hour: Path) -> None:
    assert hour.stat().st_size < 15_000_000


def test_the_slider_redraws_an_hour(browser: Browser, hour: Path) -> None:
    page = opened(browser, hour)
    before = num_events(page)
    page.locator("#sensitivity").evaluate("it => { it.value = 2; it.dispatchEvent(new Event('input')); }")
    assert becomes(page, f"!document.querySelector('.summary').innerText.startsWith('{before:,}')")
    assert num_events(page) > before
    page.close()


def test_the_slider_moves_thresholds_as_the_server_does(browser: Browser, short: Path) -> None:
    page = opened(browser, short)
    events = {}
    for step in (-2, -1, 0, 1, 2):
        page.locator("#sensitivity").fill(str(step))
        events[step] = page.evaluate(
            "Object.fromEntries([...report.events].map(([tag, found]) => [tag, found.length]))"
        )
    values = np.array([list((window.probabilities or {}).values()) for window in answer(11).windows])
    for step, by_tag in events.items():
        heard = np.pad(values >= 1 / (1 + np.exp(step)), ((1, 0), (0, 0)))
        assert list(dict(sorted(by_tag.items(), key=lambda item: TAGS.index(item[0]))).values()) == (
            (heard[1:] & ~heard[:-1]).sum(axis=0).tolist()
        )
    page.close()


def test_one_tag_has_a_slider_of_its_own(browser: Browser, short: Path) -> None:
    page = opened(browser, short)
    page.get_by_label("Sensitivity of Tag_0").fill("-2")
    moved, other = page.evaluate("['Tag_0', 'Tag_1'].map((name) => report.thresholdOf(report.laneOf.get(name).tag))")
    assert (moved, other) == (pytest.approx(1 / (1 + np.exp(-2))), 0.5)
    page.close()


def test_keys_move_and_zoom_and_what_is_heard_is_said(browser: Browser, short: Path) -> None:
    page = opened(browser, short)
    timeline = page.get_by_role("slider", name="Position in the recording")
    timeline.focus()
    assert (timeline.get_attribute("aria-valuetext") or "").startswith("0:00.0: Tag")
    for key, seconds in (("ArrowRight", 1), ("ArrowRight", 2), ("ArrowLeft", 1), ("End", 12), ("PageDown", 2)):
        timeline.press(key)
        assert float(timeline.get_attribute("aria-valuenow") or -1) == seconds
    timeline.press("+")
    assert page.evaluate("report.view.span") == 6
    timeline.press("0")
    assert page.evaluate("report.view.span") == 12
    page.close()


def test_the_bar_scrolls_a_long_recording(browser: Browser, hour: Path) -> None:
    page = opened(browser, hour)
    for _ in range(5):
        page.get_by_role("button", name="Zoom in").click()
    page.evaluate("report.scroller.scrollLeft = report.spacer.offsetWidth / 2")
    assert becomes(page, "Math.abs(report.view.start - report.seconds / 2) < 2")
    assert page.evaluate("report.view.span") == pytest.approx((HOUR_SECONDS + 1) / 32)
    page.get_by_role("button", name="Whole recording").click()
    assert page.evaluate("report.view.start") == 0
    page.close()


def test_a_click_plays_from_there(browser: Browser, short: Path) -> None:
    page = opened(browser, short)
    assert becomes(page, "report.audio.readyState >= 1")
    box = page.locator("canvas.spectrogram").bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 10)
    assert page.evaluate("report.audio.currentTime") == pytest.approx(6, abs=0.5)
    page.get_by_role("button", name="Listen from 0:00.0").first.click()
    assert page.evaluate("report.audio.currentTime") == pytest.approx(0, abs=0.5)
    page.close()


def test_labels_are_downloaded(browser: Browser, short: Path) -> None:
    page = opened(browser, short)
    with page.expect_download() as waiting:
        page.get_by_role("button", name="Audacity labels").click()
    lines = Path(waiting.value.path()).read_text().splitlines()
    assert len(lines) == num_events(page)
    assert {line.split("\t")[2] for line in lines} == set(TAGS)
    page.close()


def test_a_name_is_never_markup(browser: Browser, short: Path) -> None:
    page = opened(browser, short)
    assert page.locator("h1").inner_text() == "</script><img src=x onerror=alert(1)>.wav"
    assert page.locator("img").count() == 0
    page.close()


@pytest.mark.parametrize("width", [375, 1280])
def test_nothing_is_wider_than_the_screen(browser: Browser, short: Path, width: int) -> None:
    page = opened(browser, short, viewport={"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


def test_without_all_probabilities_it_shows_what_it_has(browser: Browser, tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(report_html(answer(11, is_complete=False), description=None), "utf-8")
    page = opened(browser, tmp_path / "a.html")
    assert num_events(page) == len(answer(11).events())
    assert page.locator("#sensitivity").is_disabled()
    assert "only probabilities over the thresholds" in page.locator(".meta").inner_text()
    assert page.locator(".picker input").is_visible()
    page.close()


def test_the_index_finds_recordings_by_tag(browser: Browser, tmp_path: Path) -> None:
    loud = answer(11, name="all.wav")
    quiet = Result.from_dict({**answer(11, name="none.wav").to_dict(), "data": []})
    html = index_html([IndexEntry("all.html", loud), IndexEntry("none%20.html", quiet)])
    (tmp_path / "index.html").write_text(html, "utf-8")
    page = browser.new_page()
    page.goto((tmp_path / "index.html").as_uri())
    assert page.locator("tbody tr:visible").count() == 2
    page.get_by_label("Tag or file").fill("tag 7")
    assert page.locator("tbody tr:visible").all_inner_texts()[0].startswith("all.wav")
    assert page.locator("tbody tr:visible").count() == 1
    page.get_by_label("Tag or file").fill("none.w")
    assert page.locator("tbody tr:visible").count() == 1
    assert page.get_by_role("link", name="none.wav").get_attribute("href") == "none%20.html"
    page.close()
