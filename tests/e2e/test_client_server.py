"""The client against a real TorchServe, and against the handler in this process."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import requests

from deploy.torchserve.launch import TorchServe
from local_sagemaker.gateway import LocalSageMaker
from sense_client import AsyncClient, CallError, Client, Endpoint, Result, TagInfo, TagOptions
from sense_client.errors import RefusedError
from sense_client.local import LocalTransport
from tests.conftest import TREE
from tests.support.audio import encode, encode_raw, tone

RATE = 16_000
NUM_CLIPS = 30


def clip(amplitude: float, seconds: float = 3.0) -> bytes:
    """A WAV file whose every window the toy gives Siren with probability `amplitude`."""
    return bytes(encode(tone(1000, amplitude, seconds, RATE), RATE, "wav"))


def sense(*arguments: object, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sense_client", *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": f"{TREE}:{TREE / 'client'}", **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `clips`: Siren in every third, and one file that is no sound."""
    folder = tmp_path_factory.mktemp("client")
    for index in range(NUM_CLIPS):
        path = folder / "clips" / f"day {index % 3}" / f"ünï {index}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(clip(0.75 if index % 3 == 0 else 0.25))
    (folder / "clips" / "broken.mp3").write_bytes(b"no sound at all")
    return folder


def test_a_folder_of_clips(server: TorchServe, clips: Path) -> None:
    run = sense("tag", "clips", "--url", server.url, "-o", "results.jsonl", "-j", 8, folder=clips)
    assert run.returncode == 1
    assert "clips/broken.mp3: status 400" in run.stderr
    assert f"{NUM_CLIPS} tagged, {3 * NUM_CLIPS} s of audio, 1 failed" in run.stderr
    lines = [json.loads(line) for line in (clips / "results.jsonl").read_text().splitlines()]
    heard = {line["file"]: [[tag["name"] for tag in window["tags"]] for window in line["data"]] for line in lines}
    assert heard == {
        str(path.relative_to(clips)): [["Siren"] if path.parent.name == "day 0" else []] * 2
        for path in clips.glob("clips/*/*.wav")
    }
    assert all(line["metadata"]["name"] == Path(line["file"]).name for line in lines)


def test_the_result_is_what_the_server_says(server: TorchServe, clips: Path) -> None:
    path = next(clips.glob("clips/day 0/*.wav"))
    answer = requests.post(
        f"{server.url}/invocations",
        path.read_bytes(),
        headers={"Content-Type": "audio/wav", "X-Default-Sensitivity": "1", "X-Filename": "a.wav"},
        timeout=60,
    )
    with Client(server.url) as client:
        result = client.tag(path, name="a.wav", options=TagOptions(1))
    assert result.to_dict() == answer.json()
    assert result.model == "toy/1"


def test_every_tags_probability(server: TorchServe) -> None:
    with Client(server.url) as client:
        result = client.tag(clip(0.25), options=TagOptions(all_probabilities=True))
    assert all(window.tags == () for window in result.windows)
    assert all(window.probabilities is not None for window in result.windows)
    assert {round(window.probabilities["Siren"], 2) for window in result.windows if window.probabilities} == {0.25}


def test_many_calls_at_once_with_asyncio(server: TorchServe) -> None:
    async def call() -> list[Result]:
        async with AsyncClient(server.url, max_connections=8) as client:
            return await asyncio.gather(*(client.tag(clip(0.5 + 0.01 * index)) for index in range(20)))

    results = asyncio.run(call())
    peaks = [result.events()[0].peak_probability for result in results]
    assert peaks == pytest.approx([0.5 + 0.01 * index for index in range(20)], abs=0.001)


def test_tags_and_info(server: TorchServe, tmp_path: Path) -> None:
    with Client(server.url) as client:
        assert TagInfo("Siren", "Test", 0.5) in client.tags()
    info = json.loads(sense("info", "--url", server.url, folder=tmp_path).stdout)
    assert (info["name"], info["version"]) == ("toy", "1")
    assert "Siren" in sense("tags", "--url", server.url, folder=tmp_path).stdout


def test_listening(server: TorchServe, tmp_path: Path) -> None:
    samples = bytes(encode_raw(tone(1000, 0.75, 4, RATE), RATE, "s16le"))
    run = subprocess.run(
        [sys.executable, "-m", "sense_client", "listen", "--raw", f"rate={RATE},format=s16le"]
        + ["--url", server.url, "--ends"],
        env={**os.environ, "PYTHONPATH": str(TREE / "client")},
        input=samples,
        capture_output=True,
        check=True,
        timeout=120,
    )
    assert run.stdout.decode().splitlines() == ["At 0s, [Siren] began (0.75)", "At 0-4s, [Siren] was detected"]


def test_an_unknown_tag_is_warned_of(server: TorchServe, tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(clip(0.75))
    run = sense("tag", "a.wav", "--url", server.url, "--tag-sensitivity", "Dragon=1", folder=tmp_path)
    assert run.stdout == "At 0-3s, [Siren] was detected\n"
    assert "the server warns: unknown tag 'Dragon' ignored" in run.stderr


def test_sagemaker(sagemaker: LocalSageMaker, clips: Path) -> None:
    path = next(clips.glob("clips/day 0/*.wav"))
    for arguments in (["--endpoint", "tagger"], ["--endpoint", "tagger-async", "--async"]):
        run = sense("tag", path, *arguments, "--format", "json", folder=clips, **sagemaker.environment())
        assert run.returncode == 0, run.stderr
        answer = json.loads(run.stdout)
        assert [[tag["name"] for tag in window["tags"]] for window in answer["data"]] == [["Siren"]] * 2
        assert answer["metadata"]["name"] == path.name
        run = sense("tag", "clips/broken.mp3", *arguments, folder=clips, **sagemaker.environment())
        assert run.returncode == 1
        assert "clips/broken.mp3: status 400: the body" in run.stderr


def test_sagemaker_describes_the_model(sagemaker: LocalSageMaker, tmp_path: Path) -> None:
    run = sense("tags", "--endpoint", "tagger", folder=tmp_path, **sagemaker.environment())
    assert "Siren" in run.stdout, run.stderr


def test_the_handler_in_this_process_answers_the_same(server: TorchServe, toy_model: Path, clips: Path) -> None:
    path = next(clips.glob("clips/day 0/*.wav"))
    options = TagOptions(1, {"Dragon": 1})
    with Client(server.url) as client:
        local = Client.over(LocalTransport(toy_model))
        assert local.tag(path, options=options) == client.tag(path, options=options)
        assert local.tags() == client.tags()
        with pytest.raises(RefusedError, match="no audio") as caught:
            local.tag(b"no sound")
    assert caught.value.status == 400


def test_the_command_without_a_server(toy_model: Path, clips: Path) -> None:
    path = next(clips.glob("clips/day 0/*.wav"))
    run = sense("tag", path, "--model", toy_model, folder=clips)
    assert (run.returncode, run.stdout) == (0, "At 0-3s, [Siren] was detected\n"), run.stderr


def test_an_endpoint_of_the_wrong_kind(sagemaker: LocalSageMaker, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in sagemaker.environment().items():
        monkeypatch.setenv(name, value)
    with pytest.raises(CallError, match="asynchronous"):
        Client(endpoint=Endpoint("tagger", is_async=True)).tag(b"x")
