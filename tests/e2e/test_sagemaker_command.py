"""`python -m local_sagemaker`, which `make sagemaker` starts: what it prints is all that a user's shell needs."""

from __future__ import annotations

import json
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

from deploy.ports import free_port
from tests.conftest import TREE
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


def test_help_says_how_to_put_another_container_behind_it() -> None:
    command = [sys.executable, "-m", "local_sagemaker", "--help"]
    run = subprocess.run(command, cwd=TREE, capture_output=True, text=True, check=True)
    assert "docker run --rm --network host {env} IMAGE serve" in " ".join(run.stdout.split())
