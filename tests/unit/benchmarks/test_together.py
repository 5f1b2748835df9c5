from __future__ import annotations

import os
from collections.abc import Callable

import pytest

from benchmarks import together
from benchmarks.together import ProcessEndedError, StartLine, run_together, share_of_cores

pytestmark = pytest.mark.slow


def cores_then_start(start_line: StartLine, addend: int) -> tuple[list[int], int]:
    start_line()
    return sorted(os.sched_getaffinity(0)), os.getpid() + addend


def test_the_cores_are_divided_and_every_job_has_a_process() -> None:
    mine = sorted(os.sched_getaffinity(0))
    found = run_together(cores_then_start, (0,), len(mine))
    assert sorted(core for cores, _ in found for core in cores) == mine
    assert len({pid for _, pid in found} - {os.getpid()}) == len(mine)
    assert sorted(os.sched_getaffinity(0)) == mine


@pytest.mark.parametrize("num_processes", [1, 3, 8, 16, 40])
def test_all_shares_together_are_all_cores(num_processes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(16)))
    shares = [share_of_cores(number, num_processes) for number in range(num_processes)]
    assert set().union(*shares) == set(range(16))
    assert sum(map(len, shares)) == max(16, num_processes)
    assert all(shares)


def die_or_wait(start_line: StartLine) -> None:
    if min(os.sched_getaffinity(0)) == min(os.sched_getaffinity(os.getppid())):
        os._exit(3)
    start_line()


def fail_or_wait(start_line: StartLine) -> None:
    if min(os.sched_getaffinity(0)) == min(os.sched_getaffinity(os.getppid())):
        raise RuntimeError("no model")
    start_line()


@pytest.mark.parametrize(("job", "error"), [(die_or_wait, "died"), (fail_or_wait, "RuntimeError: no model")])
def test_does_not_wait_for_a_process_that_has_ended(
    job: Callable[[StartLine], None], error: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(together, "START_SECONDS", 3600.0)  # that the other one waits at the start line
    with pytest.raises(ProcessEndedError, match=error):
        run_together(job, (), 2)
