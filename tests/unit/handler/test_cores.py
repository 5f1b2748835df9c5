from __future__ import annotations

import pytest

from handler.cores import num_own_cores


@pytest.mark.parametrize(
    ("num_cores", "configured", "variable", "has_gpu", "expected"),
    [
        (2, None, None, False, 1),  # TorchServe starts a worker for each core
        (2, None, "2", False, 1),
        (2, None, "1", False, 2),
        (2, None, "3", False, 1),  # more workers than cores
        (64, None, "32", False, 2),
        (64, 8, "32", False, 8),  # the model's own configuration goes first
        (16, None, "0", False, 1),  # TorchServe's word for one for each core
        (16, None, "many", False, 1),
        (16, None, None, True, 16),  # a worker for each GPU
        (16, None, "16", True, 1),
    ],
)
def test_cores_are_divided_among_the_workers(
    monkeypatch: pytest.MonkeyPatch,
    num_cores: int,
    configured: int | None,
    variable: str | None,
    has_gpu: bool,
    expected: int,
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(num_cores)))
    model_config = {} if configured is None else {"minWorkers": configured}
    environment = {} if variable is None else {"TS_DEFAULT_WORKERS_PER_MODEL": variable}
    assert num_own_cores(model_config, environment, has_gpu=has_gpu) == expected
