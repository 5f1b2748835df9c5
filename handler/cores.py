"""How many cores of the machine a worker has to itself: TorchServe does not tell it how many workers there are."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from handler.text import whole_number

# TorchServe's names: a key of model-config.yaml, and the variable for models whose configuration does not have it.
_WORKERS_KEY = "minWorkers"
WORKERS_VARIABLE = "TS_DEFAULT_WORKERS_PER_MODEL"


def num_own_cores(model_config: Mapping[str, Any], environment: Mapping[str, str], *, has_gpu: bool) -> int:
    """Divides the cores among the workers.

    Args:
        model_config: The model's configuration, as TorchServe has read it.
        environment: The worker's environment variables, which are TorchServe's.
        has_gpu: Whether TorchServe gave the worker a GPU.

    Returns:
        The cores that are left for this worker when all are busy, at least 1.
    """
    num_cores = len(os.sched_getaffinity(0))
    configured = model_config.get(_WORKERS_KEY) or whole_number(environment.get(WORKERS_VARIABLE, ""))
    # Where nothing says: one worker for each core, or for each GPU, of which there are few.
    return max(1, num_cores // (configured or (1 if has_gpu else num_cores)))
