"""The commands behind `make demo` and `make serve`: what they print, their exit status, and that no process is left."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import requests

from deploy.ports import free_port
from tests.conftest import TREE
from tests.e2e.conftest import clean_environment
from tests.support.audio import encode, tone
from tests.support.toy_model import TOY_INFO

SECONDS = 120
TOY_MODEL = f"{TOY_INFO['name']} {TOY_INFO['version']}"


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    """A file with the tones of Siren and, softer, of Speech."""
    file = tmp_path / "two tones.wav"
    file.write_bytes(encode(tone(1000, 0.75, 3, 16_000) + tone(500, 0.1, 3, 16_000), 16_000, "wav"))
    return file


def command(module: str, *arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", f"scripts.{module}", *map(str, arguments)]


def finished(arguments: list[str], **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs a command to its end, in an environment that configures no server but by `environment`."""
    return subprocess.run(
        arguments,
        cwd=TREE,
        env=clean_environment(**environment),
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )


def processes_with(marker: str) -> list[psutil.Process]:
    """Returns the running processes that were started with the environment variable MARKER=`marker`."""
    return [process for process in psutil.process_iter() if environment_of(process).get("MARKER") == marker]


def environment_of(process: psutil.Process) -> dict[str, str]:
    try:
        environment: dict[str, str] = {} if process.status() == psutil.STATUS_ZOMBIE else process.environ()
    except psutil.Error:
        return {}
    return environment


@pytest.fixture
def marker(tmp_path: Path) -> Iterator[str]:
    """A name for the processes of one test; fails the test where one of them is left."""
    name = str(tmp_path)
    yield name
    left = processes_with(name)
    for process in left:
        process.kill()
    assert left == []


def test_demo_shows_the_tags(toy_store: Path, sound: Path, marker: str) -> None:
    run = finished(command("demo", "--model-store", toy_store, sound), MARKER=marker)
    assert run.returncode == 0, run.stderr
    assert '"name": "two tones.wav"' in run.stdout
    assert re.fullmatch(r" +0 - 3  Siren  0\.75  █{15}", run.stdout.splitlines()[-1]), run.stdout
    assert f"{TOY_MODEL} is ready after" in run.stdout


def test_demo_of_a_file_that_is_no_sound_fails_with_the_servers_answer(
    toy_store: Path, tmp_path: Path, marker: str
) -> None:
    (tmp_path / "text.mp3").write_text("this is no sound")
    run = finished(command("demo", "--model-store", toy_store, tmp_path / "text.mp3"), MARKER=marker)
    assert run.returncode == 1
    assert '"status_code":400' in run.stderr
    assert "Traceback" not in run.stderr


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_serve_answers_until_it_is_interrupted(
    toy_store: Path, sound: Path, marker: str, ending: signal.Signals
) -> None:
    port = free_port()
    served = subprocess.Popen(
        command("serve", "--model-store", toy_store, "--port", str(port)),
        cwd=TREE,
        env=clean_environment(MARKER=marker),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert served.stdout is not None
    said = next(line for line in served.stdout if line.startswith("serving"))
    assert said.startswith(f"serving {TOY_MODEL} at http://127.0.0.1:{port} until Ctrl-C")
    url = f"http://127.0.0.1:{port}/invocations"
    answer = requests.post(url, data=sound.read_bytes(), headers={"Content-Type": "audio/wav"}, timeout=60)
    assert answer.status_code == 200
    assert len(processes_with(marker)) >= 4  # the command, the launcher, Java, a worker
    os.kill(served.pid, ending)
    assert served.wait(timeout=SECONDS) == 0


def test_serve_says_when_its_port_is_taken(toy_store: Path, marker: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        run = finished(command("serve", "--model-store", toy_store, "--port", str(port)), MARKER=marker)
    assert run.returncode == 1
    assert f"port {port} is taken" in run.stderr
    assert len(run.stderr.splitlines()) == 1


def test_a_server_whose_worker_cannot_start_says_why(toy_store: Path, sound: Path, marker: str) -> None:
    run = finished(command("demo", "--model-store", toy_store, sound), MARKER=marker, SENSE_DEFAULT_SENSITIVITY="5")
    assert run.returncode == 1
    assert "the server did not start: cannot serve: SENSE_DEFAULT_SENSITIVITY" in run.stderr


def test_serve_without_nginx_says_what_that_means(toy_store: Path, marker: str, tmp_path: Path) -> None:
    port = free_port()
    front = {"SENSE_PROFILE": "batch", "SENSE_MAX_REQUESTS": "4", "SENSE_SPOOL_FOLDER": str(tmp_path)}
    without = "import scripts.serve as s; s.nginx_program = lambda: None; raise SystemExit(s.main())"
    served = subprocess.Popen(
        [sys.executable, "-c", without, "--model-store", str(toy_store), "--port", str(port)],
        cwd=TREE,
        env=clean_environment(MARKER=marker, **front),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert served.stdout is not None
    assert served.stderr is not None
    assert any(line.startswith("serving") for line in served.stdout)
    served.send_signal(signal.SIGTERM)
    assert served.wait(timeout=SECONDS) == 0
    missing, unused = served.stderr.read().splitlines()
    assert "without nginx large files upload slowly" in missing
    assert "apt-get install nginx" in missing
    assert unused == f"serve: without nginx these have no effect: {', '.join(front)}"
