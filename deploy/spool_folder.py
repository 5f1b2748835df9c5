"""The folder in which nginx leaves bodies: kept there, swept after a killed nginx worker, tried for room."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from tempfile import NamedTemporaryFile, _TemporaryFileWrapper

import psutil

from deploy.processes import is_running

logger = logging.getLogger(__name__)

# The least free space for bodies: what nginx writes at once.
SPARE_BYTES = 1 << 20


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
        """Removes the bodies of a killed nginx worker once its successor runs; nginx removes all others itself."""
        worker = next(filter(is_running, self._nginx.children()), None)
        if worker is None or worker == self._nginx_worker:
            return
        found = list(self._path.iterdir())  # before the look at what is open: the successor makes others meanwhile
        opened = self._names_opened_by(worker)
        for file in found:
            if opened is not None and file.name not in opened:
                file.unlink(missing_ok=True)
        self._nginx_worker = worker

    def _names_opened_by(self, process: psutil.Process) -> set[str] | None:
        """Returns the names of the process's open files, None where they cannot be seen.

        Asked as the servers' user: root may not look at others' processes, unless it has a capability for that.
        """
        command = ["find", f"/proc/{process.pid}/fd", "-ignore_readdir_race", "-type", "l", "-printf", "%l\\n"]
        is_root = os.geteuid() == 0
        listed = subprocess.run(
            command,
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
            user=self._owner.st_uid if is_root else None,
            group=self._owner.st_gid if is_root else None,
            extra_groups=[] if is_root else None,
        )
        if listed.returncode != 0:
            logger.warning("the bodies of a killed nginx worker cannot be known: %s", listed.stderr.strip())
            return None
        return {Path(line).name for line in listed.stdout.splitlines()}

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
