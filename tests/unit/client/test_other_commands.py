"""`sense tags`, `sense info`, `sense listen`, completion and help."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from sense_client.cli import main
from sense_client.cli.exits import Exit
from tests.support.scripted_server import Act, Reply, Request, Server, answer, running

COMMANDS = ("tag", "tags", "info", "listen", "completion")
RATE = 100
DESCRIPTION = {
    "name": "toy",
    "version": "1",
    "windows": {"seconds": 2, "hop_seconds": 1},
    "tags": [
        {"name": "Speech", "category": "Human speech", "threshold": 0.5},
        {"name": "Siren", "category": "Emergency", "threshold": 0.25},
    ],
}


def hears_loud(request: Request) -> Act:
    """Describes itself, and hears Siren in windows that begin with a loud second."""
    if "describe" in request.headers.get("x-amzn-sagemaker-custom-attributes", ""):
        return Reply(200, DESCRIPTION)
    return Reply(200, answer("Siren" if request.body[0] else ""))


@pytest.fixture
def server() -> Iterator[Server]:
    with running(hears_loud) as started:
        yield started


def sense(*arguments: str, stdin: bytes = b"") -> tuple[int, str, str]:
    run = CliRunner().invoke(main, arguments, input=stdin)
    return run.exit_code, run.stdout, run.stderr


def test_tags_by_category(server: Server) -> None:
    code, stdout, _ = sense("tags", "--url", server.url)
    assert (code, stdout) == (0, "Siren   0.250  Emergency\nSpeech  0.500  Human speech\n")


def test_tags_as_json(server: Server) -> None:
    assert json.loads(sense("tags", "--json", "--url", server.url)[1]) == DESCRIPTION["tags"]


def test_info(server: Server) -> None:
    assert json.loads(sense("info", "--url", server.url)[1]) == {**DESCRIPTION, "tags": 2}


@pytest.mark.parametrize("command", ["tags", "info", "listen"])
def test_a_malformed_header(command: str) -> None:
    code, _, stderr = sense(command, "--url", "http://127.0.0.1", "--header", "x")
    assert (code, "Name: value" in stderr) == (Exit.USAGE, True)


def stream(*loud: int) -> bytes:
    """A second of samples for each number."""
    return b"".join(bytes([number]) * RATE * 2 for number in loud)


def test_listening_to_standard_input(server: Server) -> None:
    arguments = ("listen", "--raw", f"rate={RATE},format=s16le", "--url", server.url)
    code, stdout, stderr = sense(*arguments, "--ends", stdin=stream(0, 1, 1, 0, 1, 0))
    assert (code, stderr) == (0, "")
    assert stdout.splitlines() == [
        "At 1s, [Siren] began (0.75)",
        "At 1-4s, [Siren] was detected",
        "At 4s, [Siren] began (0.75)",
        "At 4-6s, [Siren] was detected",
    ]
    assert {len(request.body) for request in server.requests[1:]} == {2 * 2 * RATE}
    assert sense(*arguments, "--tags", "Speech", stdin=stream(1, 1))[1] == ""


def test_listening_to_a_microphone(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stream:
        """A microphone that hears four loud seconds and then is unplugged."""

        def __init__(self, rate: int, **_: object) -> None:
            self._left = rate * 4

        def __enter__(self) -> Stream:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def read(self, num_frames: int) -> tuple[bytes, bool]:
            self._left -= num_frames
            if self._left < 0:
                raise RuntimeError("unplugged")
            return b"\1\1" * num_frames, False

    monkeypatch.setitem(sys.modules, "sounddevice", SimpleNamespace(RawInputStream=Stream, PortAudioError=RuntimeError))
    code, stdout, stderr = sense("listen", "--url", server.url)
    assert stdout == "At 0s, [Siren] began (0.75)\n"
    assert (code, stderr) == (Exit.UNAVAILABLE, "sense: the microphone cannot be used: unplugged\n")
    assert len(server.requests) == 1 + 3


def test_no_microphone_package(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sounddevice", None)
    code, _, stderr = sense("listen", "--url", server.url)
    assert code == Exit.UNAVAILABLE
    assert "pip install 'sense-client[listen]'" in stderr


def test_no_boto3(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "boto3", None)
    code, _, stderr = sense("tags", "--endpoint", "tagger")
    assert (code, "pip install 'sense-client[sagemaker]'" in stderr) == (Exit.UNAVAILABLE, True)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion(shell: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "_SENSE_COMPLETE" in sense("completion", shell)[1]
    words = {"COMP_WORDS": "sense ta", "COMP_CWORD": "1" if shell != "fish" else "ta"}
    for name, value in {**words, "_SENSE_COMPLETE": f"{shell}_complete"}.items():
        monkeypatch.setenv(name, value)
    completed = CliRunner().invoke(main, prog_name="sense").stdout
    assert {"tag", "tags"} <= set(re.split(r"[,\s]", completed))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_help_has_examples(command: str) -> None:
    code, stdout, _ = sense(command, "--help")
    assert code == 0
    assert f"Examples:\n    sense {command}" in stdout
    assert f"\n  {command} " in sense("--help")[1]
