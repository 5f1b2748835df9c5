"""TorchServe without a front: for the demo, for tests, and where there is no nginx.

with alone.running(Options(...), log_folder) as server:
requests.post(f"{server.url}/invocations", ...)
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from deploy.ports import usual_ports
from deploy.torchserve.launch import Options, TorchServe, launched
from deploy.torchserve.readiness import wait_until_ready

LOG_NAME = "torchserve.log"


@contextlib.contextmanager
def running(options: Options, log_folder: Path, port: int | None = None) -> Iterator[TorchServe]:
    """Runs TorchServe for the length of the `with` block, which begins when the model has answered once.

    Args:
        options: How it runs.
        log_folder: Is emptied, and receives LOG_NAME.
        port: Where to listen for inference; None: 8080, or any free port where that is taken.

    Raises:
        ServingError: The server did not come up.
    """
    with started(options, log_folder, port) as server:
        wait_until_ready(server)
        yield server


@contextlib.contextmanager
def started(options: Options, log_folder: Path, port: int | None = None) -> Iterator[TorchServe]:
    """Like `running`, but the block begins at once."""
    ports = usual_ports(port)
    shutil.rmtree(log_folder, ignore_errors=True)
    log_folder.mkdir(parents=True)
    with (
        tempfile.TemporaryDirectory(prefix="sense-", ignore_cleanup_errors=True) as scratch,
        (log_folder / LOG_NAME).open("wb") as log,
        launched(options, ports, Path(scratch), log) as server,
    ):
        yield server
