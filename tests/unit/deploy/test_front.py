from __future__ import annotations

import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from deploy.archive import TREE
from deploy.container_settings import ContainerSettings, read_container_settings
from deploy.front import DRAIN_SECONDS, Front, configuration, nginx_program
from deploy.stack import TORCHSERVE_STOP_SECONDS, torchserve_environment
from handler.settings import read_settings


@pytest.fixture
def settings() -> ContainerSettings:
    return read_container_settings({"SENSE_DEFAULT_SENSITIVITY": "1", "SENSE_MAX_BODY_BYTES": "12345"})


@pytest.fixture(params=[False, True], ids=["sagemaker", "local"])
def front(settings: ContainerSettings, tmp_path: Path, request: pytest.FixtureRequest) -> Front:
    (tmp_path / "spool").mkdir()
    return Front(settings, "127.0.0.1", 4711, tmp_path, tmp_path / "spool", is_local=request.param)


def test_every_place_is_filled_in(front: Front) -> None:
    text = configuration(front)
    assert not re.search(r"@[A-Z_]+@", text)
    assert "client_max_body_size 12345;" in text
    assert "server 127.0.0.1:4711 " in text


def test_it_waits_as_long_as_sagemaker_does(front: Front) -> None:
    seconds = re.findall(r"(?:proxy_read_timeout|keepalive_timeout) (\d+)s;", configuration(front))
    assert len(seconds) == 2
    assert min(map(int, seconds)) >= 3600


def test_only_the_local_front_has_other_paths(front: Front) -> None:
    sagemakers = re.findall(r"location [=~]+ ((?!/errors)\S+) {", configuration(replace(front, is_local=False)))
    assert sagemakers == ["^(/invocations)$", "/ping", "/execution-parameters"]
    assert {"^/(tags|info)$"} <= set(
        re.findall(r"location [=~]+ (\S+) {", configuration(replace(front, is_local=True)))
    )


def test_nginx_accepts_the_configuration(front: Front, tmp_path: Path) -> None:
    program = nginx_program()
    assert program is not None, "make test installs nginx"
    (tmp_path / "nginx.conf").write_text(configuration(front))
    command = [program, "-t", "-p", str(tmp_path), "-c", str(tmp_path / "nginx.conf")]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert "[warn]" not in run.stderr


def test_what_it_answers_by_itself_is_json(front: Front) -> None:
    text = configuration(front)
    statuses = dict(re.findall(r"location = (/errors/\S+) { return (\d+) ", text))
    errors = dict(re.findall(r"(/errors/\S+) '(.*)';", text))
    assert errors.keys() == statuses.keys()
    assert len(errors) >= 11
    for address, body in [*errors.items(), ("@not_ready", re.findall(r"return 503 '(.*)\\n';", text)[0])]:
        answer = json.loads(body)
        assert set(answer) == {"status_code", "error"}
        assert answer["status_code"] == int(statuses.get(address, 503))


def test_the_handler_gets_its_own_variables_and_no_others(settings: ContainerSettings, tmp_path: Path) -> None:
    given = {"SENSE_PROFILE": "async", "SENSE_MAX_REQUESTS": "3", "SENSE_DEFAULT_SENSITIVITY": "1", "PATH": "/bin"}
    environment = torchserve_environment(settings, given, tmp_path, tmp_path)
    handler = read_settings(environment)  # an unknown variable would be an error
    assert (handler.default_sensitivity, handler.max_body_bytes, handler.spool_folder) == (1, 12345, tmp_path)
    assert environment["PATH"] == "/bin"


def test_stopping_takes_less_than_sagemaker_waits() -> None:
    assert DRAIN_SECONDS + 2 + TORCHSERVE_STOP_SECONDS < 30


def test_torchserves_queue_holds_all_that_the_front_lets_in() -> None:
    queue = re.search(r"^jobQueueSize: (\d+)", (TREE / "model-config.yaml").read_text(), re.MULTILINE)
    assert queue
    assert int(queue[1]) >= 64
