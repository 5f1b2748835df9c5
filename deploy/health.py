"""Whether a warm worker serves: a file that is there as long as it does, which the front's /ping looks for.

TorchServe's own /ping says Healthy before the model is loaded. Here a worker counts once TorchServe says that it has
loaded the model. The first one must also have tagged a moment of silence; until then the front lets no request in, so
that /ping and /invocations agree from the start. A worker no longer counts when its process is gone or TorchServe does
not answer its /ping.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from deploy.http_call import call
from deploy.processes import is_running
from deploy.spool_folder import SpoolFolder
from deploy.torchserve.launch import TorchServe
from deploy.torchserve.readiness import ready_workers, silence
from handler.wire.spool import HEADER

logger = logging.getLogger(__name__)

POLL_SECONDS = 0.5
# Between two looks at TorchServe's own /ping, which cost more than a look at a process.
TORCHSERVE_PING_SECONDS = 2.0
TORCHSERVE_PING_TIMEOUT_SECONDS = 2.0
# The first tagging on a GPU compiles and loads kernels.
FIRST_ANSWER_SECONDS = 120.0
# A later worker may find long recordings in the queue before our silence, which does not make it ill.
LATER_ANSWER_SECONDS = 5.0
# Callers wait that long for a worker to come back; after that they are refused at once.
CLOSE_SECONDS = 10.0
# There while a warm worker serves.
READY_FILE = "ready"
# There from the first time on, except while no worker has been ready for CLOSE_SECONDS.
OPEN_FILE = "open"


class Health(threading.Thread):
    """Watches TorchServe's workers and keeps the file `ready` truthful.

    Args:
        server: The TorchServe.
        spool_folder: Where the front leaves bodies, and where the silence goes; looked after meanwhile.
        health_folder: Where the files are kept.

    Attributes:
        ever_ready: Whether a worker was ready before.
        unready_since: time.monotonic() since when no worker has been ready; None while one is.
    """

    def __init__(self, server: TorchServe, spool_folder: SpoolFolder, health_folder: Path) -> None:
        super().__init__(name="health", daemon=True)
        self._server = server
        self._spool_folder = spool_folder
        self._ready_file = health_folder / READY_FILE
        self._open_file = health_folder / OPEN_FILE
        self._worker: psutil.Process | None = None
        self.ever_ready = False
        self._next_torchserve_ping = 0.0
        self._stopped = threading.Event()
        self.unready_since: float | None = time.monotonic()

    @property
    def is_ready(self) -> bool:
        """Whether a worker is ready now."""
        return self.unready_since is None

    @property
    def unready_seconds(self) -> float:
        """How long no worker has been ready, 0 while one is."""
        since = self.unready_since
        return 0.0 if since is None else time.monotonic() - since

    def run(self) -> None:
        """Watches until `stop`."""
        while not self._stopped.wait(POLL_SECONDS):
            try:
                self._spool_folder.mend()
                self._spool_folder.sweep()
                self._look()
            except Exception:  # a watch that dies would leave the last state standing
                logger.exception("the watch over the worker stumbled")
                self._set_ready(False)

    def stop(self) -> None:
        """Ends the watch, with nothing ready from now on."""
        self._stopped.set()
        if self.is_alive():
            self.join(POLL_SECONDS * 2)
        self._set_ready(False)

    def _look(self) -> None:
        if self._worker is None or not is_running(self._worker):
            self._worker = self._ready_worker()
        self._set_ready(self._worker is not None and self._spool_folder.has_room() and self._torchserve_answers())

    def _ready_worker(self) -> psutil.Process | None:
        """Returns a worker that serves: the one that is back, or another one of several."""
        worker = next(iter(ready_workers(self._server)), None)
        return worker if worker is not None and self._tags(worker) else None

    def _torchserve_answers(self) -> bool:
        """Asks now and then: a Java process that hangs looks alive from outside.

        What it answers does not matter: 500 says that one of several workers is missing.
        """
        if time.monotonic() < self._next_torchserve_ping:
            return True
        answer = call("GET", f"{self._server.url}/ping", timeout_seconds=TORCHSERVE_PING_TIMEOUT_SECONDS)
        if answer.status:
            self._next_torchserve_ping = time.monotonic() + TORCHSERVE_PING_SECONDS
        return answer.status != 0

    def _tags(self, worker: psutil.Process) -> bool:
        """Says whether the worker answers, or is a later one that is busy with what waited for it."""
        seconds = LATER_ANSWER_SECONDS if self.ever_ready else FIRST_ANSWER_SECONDS
        with self._spool_folder.file("silence-") as file:
            file.write(silence())
            file.flush()
            headers = {"Content-Type": "audio/wav", HEADER: file.name}
            answer = call("POST", f"{self._server.url}/invocations", headers, b"", timeout_seconds=seconds)
        if not answer.status:
            return self.ever_ready and is_running(worker)
        if not answer.ok:
            logger.warning("the worker does not answer as it should: %s %s", answer.status, answer.text[:500])
        return answer.ok

    def _set_ready(self, ready: bool) -> None:
        if ready and self.unready_since is not None and not self._stopped.is_set():
            logger.info("ready after %.1f s", time.monotonic() - self.unready_since)
            for file in (self._ready_file, self._open_file):
                file.write_text('{"status":"Healthy"}')
                file.chmod(0o644)
            self.unready_since = None
            self.ever_ready = True  # last: from now on the patience with time spent unready is shorter
        elif not ready and (self.unready_since is None or self._ready_file.exists()):
            logger.warning("not ready")
            self._ready_file.unlink(missing_ok=True)
            self.unready_since = time.monotonic()
        if self.unready_seconds > CLOSE_SECONDS:
            self._open_file.unlink(missing_ok=True)


@contextlib.contextmanager
def watched(health: Health) -> Iterator[Health]:
    """Runs a watch for the length of the `with` block."""
    health.start()
    try:
        yield health
    finally:
        health.stop()
