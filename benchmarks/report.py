"""How soon the report of an hour opens in headless Chromium, and how soon it follows its slider.

    PYTHONPATH=client python -m benchmarks.report [HOUR.html]

Without a file it measures a report of random probabilities and a spectrogram of noise, which compresses worst.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from playwright.sync_api import Browser

from benchmarks.results import machine
from sense_client.report.document import report_html
from sense_client.report.spectrogram import NUM_BANDS, Spectrogram
from sense_client.results import Result
from tests.support.browser import chromium

ROUNDS = 7
TAGS = [f"Tag_{number}" for number in range(31)]
HOUR_SECONDS = 3_600
IS_DRAWN = "report.spectrogram !== null && report.colours && report.lanes.children.length > 0"
# From the slider's event to the frame that shows what follows from it, in milliseconds.
SLIDE = """async (steps) => {
    const slider = document.getElementById("sensitivity"), times = [];
    for (const step of steps) {
        await new Promise((next) => setTimeout(next, 20));
        const began = performance.now();
        slider.value = step;
        slider.dispatchEvent(new Event("input"));
        await new Promise((next) => requestAnimationFrame(() => {
            const after = new MessageChannel();
            after.port1.onmessage = next;
            after.port2.postMessage(0);
        }));
        times.push(performance.now() - began);
    }
    return times;
}"""


def random_hour() -> str:
    """Returns the report of an hour of random probabilities."""
    random = np.random.default_rng(0)
    windows = []
    for start, row in enumerate(random.random((HOUR_SECONDS, len(TAGS)), np.float32) ** 4):
        every = {tag: float(str(value)) for tag, value in zip(TAGS, row, strict=True)}
        heard = [{"name": tag, "probability": value} for tag, value in every.items() if value >= 0.5]
        windows.append({"tags": heard, "probabilities": every, "start_time": start, "end_time": start + 2})
    metadata = {"content_type": "audio/mp3", "length_sec": HOUR_SECONDS + 1.0, "size_byte": 1, "name": "hour.mp3"}
    tags = [{"name": name, "category": "Test", "threshold": 0.5} for name in TAGS]
    return report_html(
        Result.from_dict({"metadata": metadata, "data": windows}),
        description={"name": "toy", "version": "1", "tags": tags},
        spectrogram=Spectrogram(0.06, random.integers(0, 256, (60_000, NUM_BANDS), np.uint8)),
    )


def measure(browser: Browser, file: Path) -> tuple[list[float], list[float]]:
    """Returns the seconds that the report took to open, and the milliseconds that the slider took."""
    opened = []
    for _ in range(ROUNDS):
        page = browser.new_page()
        began = time.monotonic()
        page.goto(file.as_uri())
        page.wait_for_function(IS_DRAWN)
        opened.append(time.monotonic() - began)
        slid: list[float] = page.evaluate(SLIDE, [1, 2, 1, 0, 1, 2])
        page.close()
    return opened, slid


def main() -> None:
    """Prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", nargs="?", type=Path, help="a report that `sense report` wrote")
    given = parser.parse_args().file
    with TemporaryDirectory() as folder, chromium() as browser:
        file = given or Path(folder, "hour.html")
        if given is None:
            file.write_text(random_hour(), "utf-8")
        opened, slid = measure(browser, file.resolve())
        print(machine())
        print(f"size: {file.stat().st_size / 1e6:.1f} MB")
        print(
            f"opens in {statistics.median(opened):.2f} s (median of {ROUNDS}; {min(opened):.2f} to {max(opened):.2f})"
        )
        print(f"slider to frame: {statistics.median(slid):.0f} ms (median; {min(slid):.0f} to {max(slid):.0f})")


if __name__ == "__main__":
    main()
