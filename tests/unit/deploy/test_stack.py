from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from deploy.container_settings import read_container_settings
from deploy.ports import LISTENERS
from deploy.stack import torchserve_environment
from deploy.torchserve.launch import default_num_workers, server_environment


def environment_for(**given: str) -> dict[str, str]:
    return torchserve_environment(read_container_settings({}), given, Path("/run/sense"), Path("/spool"))


@pytest.mark.parametrize(
    ("num_cores", "memory_gib", "expected"),
    [(1, 1, 1), (2, 4, 2), (2, 24, 2), (16, 16, 8), (16, 32, 16), (192, 2048, 32)],
)
def test_there_is_a_worker_for_each_core_as_far_as_there_is_memory(
    monkeypatch: pytest.MonkeyPatch, num_cores: int, memory_gib: int, expected: int
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda process: set(range(num_cores)))
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(total=memory_gib << 30))
    assert default_num_workers() == expected


def test_an_operators_number_of_workers_holds() -> None:
    given = environment_for(TS_DEFAULT_WORKERS_PER_MODEL="3")
    environment = server_environment(given, LISTENERS, Path("/run/sense"))
    assert environment["TS_DEFAULT_WORKERS_PER_MODEL"] == "3"


def test_the_containers_own_settings_do_not_reach_the_handler() -> None:
    environment = environment_for(SENSE_PROFILE="async", SENSE_SPOOL_FOLDER="/elsewhere", PATH="/bin")
    assert {name: value for name, value in environment.items() if name.startswith("SENSE_")} == {
        "SENSE_MAX_BODY_BYTES": str(25 << 20),
        "SENSE_MAX_WORK_SECONDS": "60",
        "SENSE_SPOOL_FOLDER": "/spool",
    }
    assert environment["PATH"] == "/bin"
