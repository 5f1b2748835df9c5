"""The cores that this process may use, slots for as many threads, and what is left for one worker."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from typing import Any

from handler.text import whole_number


def num_cores() -> int:
    """Returns how many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1  # macOS


# One slot for each core, held while a thread decodes one piece or scores one batch: some tens of milliseconds. More
# threads than cores would take turns every few milliseconds, and drive each other's data out of the caches.
CORE_SLOTS = threading.Semaphore(num_cores())

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
    configured = model_config.get(_WORKERS_KEY) or whole_number(environment.get(WORKERS_VARIABLE, ""))
    # Where nothing says: one worker for each core, or for each GPU, of which there are few.
    return max(1, num_cores() // (configured or (1 if has_gpu else num_cores())))
