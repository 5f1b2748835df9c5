"""`sense tag` in a process of its own, against a server that answers as the test says."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sense_client.cli.exits import Exit
from tests.conftest import TREE
from tests.support.scripted_server import DROP, Act, Reply, Request, Server, answer, running

pytestmark = pytest.mark.slow

NUM_CLIPS = 40
SECONDS = 60.0


def command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "sense_client", *map(str, arguments)]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(TREE / "client")}


def sense(*arguments: object, folder: Path, stdin: bytes = b"", **options: object) -> subprocess.CompletedProcess[str]:
    run = subprocess.run(
        command(*arguments),
        cwd=folder,
        env=environment(),
        input=stdin,
        capture_output=True,
        check=False,
        timeout=SECONDS,
        **options,  # type: ignore[call-overload]
    )
    return subprocess.CompletedProcess(run.args, run.returncode, run.stdout.decode(), run.stderr.decode())


def hears(request: Request) -> Act:
    """Refuses bodies that begin with "bad"."""
    if request.body.startswith(b"bad"):
        return Reply(400, {"status_code": 400, "error": "no audio"}, {"x-request-id": "4711"})
    name = request.headers.get("x-filename", "sagemaker_input")
    return Reply(200, answer("Siren", "Siren Speech", "", "Siren", name=name, size_bytes=len(request.body)))


@pytest.fixture
def server() -> Iterator[Server]:
    with running(hears) as started:
        yield started


@pytest.fixture
def clips(tmp_path: Path) -> Path:
    """A folder in which `clips` is the recordings' folder."""
    for index in range(NUM_CLIPS):
        path = tmp_path / "clips" / f"{index % 4}" / f"{index}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"RIFF" * (index + 1))
    return tmp_path


def files(path: Path) -> list[str]:
    """The recordings of a JSON Lines file, each of whose lines must be whole."""
    text = path.read_text()
    assert text == "" or text.endswith("\n")
    return [json.loads(line)["file"] for line in text.splitlines()]


def all_clips(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.glob("clips/*/*"))


def test_one_recording(server: Server, clips: Path) -> None:
    run = sense("tag", "clips/0/0.wav", "--url", server.url, "--sensitivity", 1, folder=clips)
    assert run.returncode == Exit.OK, run.stderr
    assert run.stdout.splitlines() == [
        "At 0-3s, [Siren] was detected",
        "At 1-3s, [Speech] was detected",
        "At 3-5s, [Siren] was detected",
    ]
    assert run.stderr == "sense: 1 tagged, 5 s of audio\n"
    assert server.requests[0].headers["x-default-sensitivity"] == "1"
    assert server.requests[0].headers["x-filename"] == "0.wav"


def test_options_and_the_configuration_file(server: Server, clips: Path) -> None:
    config = {
        "sensitivity_control": {"default_sensitivity": -1, "tag_sensitivity": {"Baby_cry": -2, "Siren": 1}},
        "result_summary": {"default_interval_margin": 2},
        "tag_filter": {"enabled_tags": ["Siren"]},
    }
    (clips / "config.json").write_text(json.dumps(config))
    arguments = ("tag", "clips/0/0.wav", "--url", server.url, "--config", "config.json")
    assert sense(*arguments, folder=clips).stdout == "At 0-5s, [Siren] was detected\n"
    run = sense(*arguments, "--sensitivity=2", "--tag-sensitivity=Siren=0", "--tags=Speech", "--margin=0", folder=clips)
    assert run.stdout == "At 1-3s, [Speech] was detected\n"
    first, second = (request.headers for request in server.requests)
    assert (first["x-default-sensitivity"], second["x-default-sensitivity"]) == ("-1", "2")
    assert json.loads(first["x-tags-sensitivity"]) == {"Baby_cry": -2, "Siren": 1}
    assert json.loads(second["x-tags-sensitivity"]) == {"Baby_cry": -2, "Siren": 0}


def test_standard_input_of_raw_samples(server: Server, clips: Path) -> None:
    arguments = ("tag", "-", "--raw", "rate=16000,format=s16le", "--name", "pipe.raw", "--format", "json")
    run = sense(*arguments, "--url", server.url, folder=clips, stdin=b"\0\1" * 100)
    assert json.loads(run.stdout)["metadata"]["size_byte"] == 200
    headers = server.requests[0].headers
    assert headers["content-type"] == "audio/x-raw; rate=16000; format=s16le; channels=1"
    assert headers["x-filename"] == "pipe.raw"


def test_a_folder_as_json_lines_and_again(server: Server, clips: Path) -> None:
    arguments = ("tag", "clips", "--url", server.url, "-o", "results.jsonl", "-j", 8)
    run = sense(*arguments, folder=clips)
    assert run.returncode == Exit.OK, run.stderr
    assert sorted(files(clips / "results.jsonl")) == all_clips(clips)
    (clips / "clips" / "new.wav").write_bytes(b"new")
    run = sense(*arguments, folder=clips)
    assert run.stderr == f"sense: 1 tagged, 5 s of audio, {NUM_CLIPS} done before\n"
    assert len(server.requests) == NUM_CLIPS + 1
    run = sense(*arguments, "--sensitivity", 1, folder=clips)
    assert run.returncode == Exit.CANNOT_WRITE
    assert "written with other options" in run.stderr


def test_a_failed_recording_is_named_and_tried_again_the_next_time(server: Server, clips: Path) -> None:
    (clips / "clips" / "0" / "0.wav").write_bytes(b"bad")
    arguments = ("tag", "clips", "gone.wav", "--url", server.url, "-o", "table.csv")
    run = sense(*arguments, folder=clips)
    assert run.returncode == Exit.SOME_FAILED
    lines = run.stderr.splitlines()
    assert lines[0] == f"sense: {NUM_CLIPS - 1} tagged, {5 * (NUM_CLIPS - 1)} s of audio, 2 failed"
    assert sorted(lines[1:]) == [
        "sense:   clips/0/0.wav: status 400: no audio (request id 4711)",
        "sense:   gone.wav: No such file or directory",
    ]
    assert len((clips / "table.csv").read_text().splitlines()) == 1 + 4 * (NUM_CLIPS - 1)
    (clips / "clips" / "0" / "0.wav").write_bytes(b"good")
    (clips / "gone.wav").write_bytes(b"good")
    run = sense(*arguments, folder=clips)
    assert run.returncode == Exit.OK, run.stderr
    assert len((clips / "table.csv").read_text().splitlines()) == 1 + 4 * (NUM_CLIPS + 1)
    assert not list(clips.glob("table.csv.*"))


def test_a_file_that_disappears_while_others_are_tagged(clips: Path) -> None:
    def removing(request: Request) -> Act:
        (clips / "clips" / "3" / "39.wav").unlink(missing_ok=True)
        return hears(request)

    with running(removing) as server:
        run = sense("tag", "clips", "--url", server.url, "-o", "results.jsonl", "-j", 2, folder=clips)
    assert run.returncode == Exit.SOME_FAILED
    assert "sense:   clips/3/39.wav: No such file or directory" in run.stderr
    assert sorted(files(clips / "results.jsonl")) == all_clips(clips)


def test_a_file_for_each_recording(server: Server, clips: Path) -> None:
    arguments = ("tag", "clips", "--url", server.url, "-o", "labels/", "--format", "audacity")
    assert sense(*arguments, folder=clips).returncode == Exit.OK
    labels = sorted(str(path.relative_to(clips / "labels")) for path in clips.glob("labels/**/*.*"))
    assert labels == [f"{name}.labels.txt" for name in all_clips(clips)]
    (clips / "labels" / labels[0]).unlink()
    assert f"1 tagged, 5 s of audio, {NUM_CLIPS - 1} done before" in sense(*arguments, folder=clips).stderr


@pytest.mark.parametrize(
    "trouble", [Reply(503, b"starting", {"Retry-After": "1000"}), Reply(429, b"", {"Retry-After": "1000"})]
)
def test_a_server_that_is_busy_for_long_ends_the_run(clips: Path, trouble: Act) -> None:
    with running(lambda _: trouble) as server:
        run = sense("tag", "clips", "--url", server.url, "-o", "results.jsonl", folder=clips)
    assert run.returncode == Exit.UNAVAILABLE
    assert f"status {trouble.status}" in run.stderr  # type: ignore[union-attr]
    assert files(clips / "results.jsonl") == []


def test_connections_that_break_now_and_then(clips: Path) -> None:
    seen: set[str] = set()

    def dropping(request: Request) -> Act:
        name = request.headers["x-filename"]
        is_first = name not in seen
        seen.add(name)
        return DROP if is_first else hears(request)

    with running(dropping) as server:
        run = sense("tag", "clips", "--url", server.url, "-o", "results.jsonl", "-j", 16, folder=clips)
    assert run.returncode == Exit.OK, run.stderr
    assert sorted(files(clips / "results.jsonl")) == all_clips(clips)


class Gate:
    """A script that answers a number of requests and holds the others up."""

    def __init__(self, num_open: int) -> None:
        self._left = threading.Semaphore(num_open)
        self.is_reached = threading.Event()
        self._closed = threading.Event()

    def __call__(self, request: Request) -> Act:
        if not self._left.acquire(blocking=False):
            self.is_reached.set()
            self._closed.wait(SECONDS)
        return hears(request)

    def end(self) -> None:
        self._closed.set()


def interrupted(clips: Path, number: signal.Signals, num_answered: int, *arguments: object) -> tuple[int, str]:
    """Runs the command and sends it a signal as soon as the server has answered that many requests."""
    gate = Gate(num_answered)
    with running(gate) as server:
        process = subprocess.Popen(
            command("tag", "clips", "--url", server.url, *arguments),
            cwd=clips,
            env=environment(),
            stderr=subprocess.PIPE,
            text=True,
        )
        assert gate.is_reached.wait(SECONDS)
        process.send_signal(number)
        _, stderr = process.communicate(timeout=SECONDS)
        gate.end()
    return process.returncode, stderr


def test_ctrl_c_leaves_whole_lines_and_the_next_run_goes_on(clips: Path, server: Server) -> None:
    returncode, stderr = interrupted(clips, signal.SIGINT, 10, "-o", "results.jsonl", "-j", 3)
    assert returncode == Exit.INTERRUPTED
    assert "Traceback" not in stderr
    done = files(clips / "results.jsonl")
    assert len(done) <= 10
    assert sense("tag", "clips", "--url", server.url, "-o", "results.jsonl", folder=clips).returncode == Exit.OK
    assert sorted(files(clips / "results.jsonl")) == all_clips(clips)
    assert files(clips / "results.jsonl")[: len(done)] == done
    assert len(server.requests) == NUM_CLIPS - len(done)


@pytest.mark.parametrize("output", ["results.jsonl", "table.csv", "labels/"])
def test_killed_again_and_again_nothing_is_lost_or_double(clips: Path, server: Server, output: str) -> None:
    steps = random.Random(output)
    arguments = ("-o", output, "-j", "4", *(("--format", "csv") if output == "labels/" else ()))
    for _ in range(4):
        returncode, _ = interrupted(clips, signal.SIGKILL, steps.randrange(9), *arguments)
        assert returncode == -signal.SIGKILL
    assert sense("tag", "clips", "--url", server.url, *arguments, folder=clips).returncode == Exit.OK
    found = FOUND[output](clips)
    assert sorted(found) == all_clips(clips)


FOUND: dict[str, Callable[[Path], list[str]]] = {
    "results.jsonl": lambda folder: files(folder / "results.jsonl"),
    "table.csv": lambda folder: [
        row.split(",")[0]
        for row in (folder / "table.csv").read_text().splitlines()[1:]
        if row.endswith("3,Speech,0.75")
    ],
    "labels/": lambda folder: [
        str(path.relative_to(folder / "labels"))[: -len(".csv")]
        for path in folder.glob("labels/*/*/*.csv")
        if len(path.read_text().splitlines()) == 5
    ],
}


@pytest.mark.parametrize("output", ["results.jsonl", "table.csv"])
def test_a_full_disk_is_one_line_and_whole_lines_stay(server: Server, clips: Path, output: str) -> None:
    run = subprocess.run(
        ["bash", "-c", 'ulimit -f 4; exec "$@"', "bash", *command("tag", "clips", "--url", server.url, "-o", output)],
        cwd=clips,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert run.returncode == Exit.CANNOT_WRITE
    assert run.stderr.splitlines()[-1].endswith(": File too large")
    assert "Traceback" not in run.stderr
    journal = clips / (output if output.endswith("jsonl") else "table.csv.journal.jsonl")
    assert 0 < len(files(journal)) < NUM_CLIPS


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["clips", "-o", "a.vtt"], "holds one recording"),
        (["clips", "--name", "a"], "--name is for one recording"),
        (["clips", "-o", "a.xlsx"], "ends in none of"),
        (["clips/*.flac"], "nothing matches"),
        (["clips", "--tag-sensitivity", "Siren"], "'Siren' is not a tag and a whole number"),
        (["clips", "--tag-margin", "Siren=x"], "is not a tag and a number of seconds"),
        (["clips", "--raw", "rate=1"], "rate=22050"),
        (["clips", "--config", "none.json"], "none.json"),
        (["clips", "--url", "http://x", "--endpoint", "y"], "give one of"),
        (["clips", "--region", "us-east-1"], "need --endpoint"),
        (["clips", "--header", "x"], "Name: value"),
    ],
)
def test_a_wrong_command_line(clips: Path, arguments: list[str], message: str) -> None:
    run = sense("tag", *arguments, folder=clips)
    assert run.returncode == Exit.USAGE
    assert message in run.stderr


def test_an_address_of_nothing(clips: Path) -> None:
    run = sense("tag", "clips/0/0.wav", "--url", "localhost", folder=clips)
    assert run.returncode == Exit.UNAVAILABLE
    assert "is not the address of a server" in run.stderr
