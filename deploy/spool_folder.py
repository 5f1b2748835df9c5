"""The folder in which nginx leaves bodies: kept there, swept after a killed nginx worker, tried for room."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from tempfile import NamedTemporaryFile, _TemporaryFileWrapper

import psutil

from deploy.processes import is_running

logger = logging.getLogger(__name__)

# The least free space for bodies: what nginx writes at once.
SPARE_BYTES = 1 << 20
# A process's start is known to 10 ms.
CLOCK_TICK_SECONDS = 0.02


class SpoolFolder:
    """The folder, as root or the user of the servers sees to it.

    Args:
        path: The folder.
        nginx: The process id of nginx's master.
    """

    def __init__(self, path: Path, nginx: int) -> None:
        self._path = path
        self._owner = path.stat()
        self._nginx = psutil.Process(nginx)
        self._nginx_worker: psutil.Process | None = None

    def mend(self) -> None:
        """Makes the folder anew where it is gone."""
        if not self._path.is_dir():
            logger.error("the spool folder %s was gone", self._path)
            self._path.mkdir(mode=0o700)
            if os.geteuid() == 0:
                os.chown(self._path, self._owner.st_uid, self._owner.st_gid)

    def sweep(self) -> None:
        """Removes the bodies of a killed nginx worker once its successor runs; nginx removes all others itself.

        Only then: times of files and processes cannot be compared once the clock has been set.
        """
        worker = next(filter(is_running, self._nginx.children()), None)
        if worker is None or worker == self._nginx_worker:
            return
        start = started_at(worker)
        for file in self._path.iterdir():
            with contextlib.suppress(FileNotFoundError):
                if file.stat().st_mtime < start:
                    file.unlink()
        self._nginx_worker = worker

    def has_room(self) -> bool:
        """Says whether a body can be written."""
        try:
            with self.file("probe-") as file:
                file.write(bytes(4096))
                file.flush()
            return shutil.disk_usage(self._path).free >= SPARE_BYTES
        except OSError as error:
            logger.warning("no body can be stored: %s", error)
            return False

    @contextlib.contextmanager
    def file(self, prefix: str) -> Iterator[_TemporaryFileWrapper[bytes]]:
        """Makes a file that the servers' user can read, for the length of the `with` block."""
        with NamedTemporaryFile(dir=self._path, prefix=prefix) as file:
            if os.geteuid() == 0:
                os.fchown(file.fileno(), self._owner.st_uid, self._owner.st_gid)
            yield file


def started_at(process: psutil.Process) -> float:
    """Returns when a process started, as time.time() counts now. psutil's own answer is right to a second alone."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    since_boot_seconds = int(fields[19]) / os.sysconf("SC_CLK_TCK")
    age_seconds = time.clock_gettime(time.CLOCK_BOOTTIME) - since_boot_seconds
    return time.time() - age_seconds - CLOCK_TICK_SECONDS
