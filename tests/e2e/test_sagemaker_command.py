"""`python -m local_sagemaker`, which `make sagemaker` starts: what it prints is all that a user's shell needs."""

from __future__ import annotations

import json
import re
import shlex
import signal
import socket
import subprocess
import sys
import zipfile
from pathlib import Path

from deploy.ports import free_port
from tests.conftest import TREE, build_archives
from tests.e2e.conftest import clean_environment

AWS = Path(sys.executable).with_name("aws")


def test_a_shell_with_what_it_prints(container_command: list[str], mixture: bytes, tmp_path: Path) -> None:
    (tmp_path / "test.mp3").write_bytes(mixture)
    command = [sys.executable, "-m", "local_sagemaker", "--port", str(free_port())]
    process = subprocess.Popen(
        [*command, "--command", shlex.join(container_command)],
        cwd=TREE,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        printed = ""
        while "for transform jobs" not in printed:
            line = process.stdout.readline()
            assert line, printed
            printed += line
        exported = dict(re.findall(r"export (\w+)=(\S+)", printed))
        invoke = [str(AWS), "sagemaker-runtime", "invoke-endpoint", "--endpoint-name", "cochl-sense"]
        invoke += ["--content-type", "audio/mp3", "--body", "fileb://test.mp3", "answer.json"]
        subprocess.run(invoke, cwd=tmp_path, env=clean_environment(**exported), check=True, stdout=subprocess.DEVNULL)
        answer = json.loads((tmp_path / "answer.json").read_text())
        assert [tag["name"] for tag in answer["data"][0]["tags"]] == ["Laughter"]
    finally:
        process.send_signal(signal.SIGTERM)
        status = process.wait(60)
    assert status == 0


def refused(*arguments: str | Path) -> str:
    """Runs the command to its end, which must come before any container is started, and returns its words."""
    command = [sys.executable, "-m", "local_sagemaker", "--port", "0", *map(str, arguments)]
    run = subprocess.run(command, cwd=TREE, env=clean_environment(), capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout) == (1, "")
    assert "Traceback" not in run.stderr
    return run.stderr


def test_without_an_archive_it_ends_before_it_starts_anything(tmp_path: Path) -> None:
    assert f"{tmp_path / 'cochl-sense.mar'} does not exist: make it with" in refused("--model-store", tmp_path)


def test_an_archive_without_a_model_ends_it_before_it_starts_anything(tmp_path: Path) -> None:
    (tmp_path / "model.pt2").write_bytes(b"no model")
    build_archives(tmp_path / "model.pt2", tmp_path)
    assert "model.pt2 in" in (words := refused("--model-store", tmp_path))
    assert "is not a model file" in words


def test_a_taken_port_ends_it_before_it_starts_anything(toy_store: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"port {port} is taken" in refused("--model-store", toy_store, "--port", str(port))


def test_a_model_that_fails_ends_it_with_the_cause_alone(toy_store: Path, toy_model: Path, tmp_path: Path) -> None:
    """Its metadata are whole, so only the server can find out."""
    with zipfile.ZipFile(toy_model) as whole, zipfile.ZipFile(tmp_path / "model.pt2", "w") as broken:
        for name in whole.namelist():
            content = whole.read(name)
            broken.writestr(name, content[:-9] if name.endswith("models/model.json") else content)
    server = [sys.executable, "-m", "deploy.entrypoint", "serve", "--host", "127.0.0.1"]
    server += ["--model-store", str(toy_store), "--model-folder", str(tmp_path)]
    command = [sys.executable, "-m", "local_sagemaker", "--port", "0", "--command", shlex.join(server)]
    run = subprocess.run(command, cwd=TREE, env=clean_environment(), capture_output=True, text=True, check=False)
    assert run.returncode == 1
    cause, *more = run.stderr.splitlines()[1:]
    assert "cannot serve: toy.pt2 is not a torch.export program" in cause
    assert more == []


def test_help_says_how_to_put_another_container_behind_it() -> None:
    asked = [sys.executable, "-m", "local_sagemaker", "--help"]
    run = subprocess.run(asked, cwd=TREE, capture_output=True, text=True, check=True)
    assert "docker run --rm --network host {env} --volume {model}:/opt/ml/model:ro IMAGE serve" in " ".join(
        run.stdout.split()
    )
