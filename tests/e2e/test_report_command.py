"""`sense report` and `sense plot` against the local server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import matplotlib.image
import pytest

from tests.conftest import TREE
from tests.support.audio import encode, tone
from tests.support.browser import chromium


def sense(*arguments: object, folder: Path, url: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sense_client", *map(str, arguments), "--url", url],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(TREE / "client")},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    """Two recordings of one name, Siren and Speech, and a file that is none."""
    for name, hertz in (("day", 1000), ("night", 500)):
        (tmp_path / "in" / name).mkdir(parents=True)
        (tmp_path / "in" / name / "a b.wav").write_bytes(encode(tone(hertz, 0.8, 4.0, 16_000), 16_000, "wav"))
    (tmp_path / "in" / "text.mp3").write_text("no sound")
    return tmp_path / "in"


def test_a_report_of_each_recording_and_an_index(local_url: str, recordings: Path, tmp_path: Path) -> None:
    run = sense("report", recordings, "--output", tmp_path / "out", folder=tmp_path, url=local_url)
    assert run.returncode == 1
    assert "text.mp3: " in run.stderr
    written = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert written == ["a b.wav (2).html", "a b.wav.html", "index.html"]
    assert sorted(Path(line).name for line in run.stdout.splitlines()) == written
    with chromium() as browser:
        page = browser.new_page()
        page.on("pageerror", lambda error: pytest.fail(str(error)))
        page.goto((tmp_path / "out" / "index.html").as_uri())
        page.get_by_label("Tag or file").fill("Siren")
        assert page.locator("tbody tr:visible").count() == 1
        page.get_by_role("link", name="Siren").click()
        page.wait_for_selector(".lanes li")
        assert page.locator("#only").input_value() == "Siren"
        assert page.locator("tbody tr").count() == 1
        page.locator("canvas.spectrogram").wait_for()
        page.locator("audio").wait_for()


def test_a_report_without_its_recording(local_url: str, recordings: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    run = sense("report", recordings / "day" / "a b.wav", "--no-audio", folder=tmp_path / "out", url=local_url)
    assert (run.returncode, run.stdout) == (0, "a b.wav.html\n")
    assert 'id="audio"' not in (tmp_path / "out" / "a b.wav.html").read_text()


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_a_picture(local_url: str, recordings: Path, tmp_path: Path, ending: str) -> None:
    picture = tmp_path / f"a.{ending}"
    run = sense("plot", recordings / "day" / "a b.wav", "--output", picture, folder=tmp_path, url=local_url)
    assert (run.returncode, run.stdout) == (0, f"{picture}\n")
    if ending == "png":
        pixels = matplotlib.image.imread(picture)[..., :3]
        blue = (abs(pixels - [0x16 / 255, 0x63 / 255, 0xB0 / 255]) < 0.01).all(axis=2)
        assert blue.sum() > 10_000  # the one lane, heard from end to end
    else:
        assert "</svg>" in picture.read_text()


def test_a_picture_of_another_ending_is_refused(local_url: str, recordings: Path, tmp_path: Path) -> None:
    run = sense("plot", recordings / "text.mp3", "--output", "a.txt", folder=tmp_path, url=local_url)
    assert run.returncode == 2
    assert "none of .png, .svg, .pdf" in run.stderr
