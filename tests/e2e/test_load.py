"""Many callers at once, some of them with bad requests; `make soak` does more of it for longer."""

from __future__ import annotations

from local_sagemaker.containers import started
from tests.e2e.conftest import LOGS, WORKERS
from tests.soak.callers import ask_together, quiet_answers
from tests.soak.load import TOGETHER_CALLERS

NUM_REQUESTS = 400


def test_each_of_400_requests_from_20_callers_gets_its_own_answer(container_command: list[str]) -> None:
    """One in five is bad, and gets the 4xx and the words that it gets alone."""
    with started(container_command, WORKERS, LOGS / "load.log") as container:
        container.wait_until_healthy()
        outcomes = ask_together(container.url, quiet_answers(container.url), NUM_REQUESTS, TOGETHER_CALLERS)
    assert [outcome.problem for outcome in outcomes if outcome.problem] == []
    assert sum(400 <= outcome.status < 500 for outcome in outcomes) == NUM_REQUESTS / 5
    assert sum(outcome.status == 200 for outcome in outcomes) == NUM_REQUESTS * 4 / 5
