from __future__ import annotations

from pathlib import Path

import pytest

from deploy.server import MOST_WORKERS, torchserve_environment
from deploy.settings import read_server_settings

WORKERS = "TS_DEFAULT_WORKERS_PER_MODEL"


def environment_for(**given: str) -> dict[str, str]:
    return torchserve_environment(read_server_settings({}), given, Path("/run/sense"), Path("/spool"))


@pytest.mark.parametrize(("num_cores", "expected"), [(1, 1), (2, 2), (192, MOST_WORKERS)])
def test_there_is_a_worker_for_each_core_up_to_a_limit(
    monkeypatch: pytest.MonkeyPatch, num_cores: int, expected: int
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda process: set(range(num_cores)))
    assert environment_for()[WORKERS] == str(expected)


def test_an_operators_number_of_workers_holds() -> None:
    assert environment_for(**{WORKERS: "3"})[WORKERS] == "3"


def test_the_containers_own_settings_do_not_reach_the_handler() -> None:
    environment = environment_for(SENSE_PROFILE="async", SENSE_SPOOL_FOLDER="/elsewhere", PATH="/bin")
    assert {name: value for name, value in environment.items() if name.startswith("SENSE_")} == {
        "SENSE_MAX_BODY_BYTES": str(25 << 20),
        "SENSE_SPOOL_FOLDER": "/spool",
    }
    assert environment["PATH"] == "/bin"
