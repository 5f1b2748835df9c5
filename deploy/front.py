"""nginx in front of TorchServe: its configuration, its start, its orderly stop."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import re
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from deploy.archive import TREE
from deploy.container_settings import ContainerSettings
from deploy.errors import ServingError

TEMPLATE = Path(__file__).with_name("nginx.conf.template")
LOCAL_TEMPLATE = Path(__file__).with_name("nginx.local.template")
# A little more than SageMaker's longest, asynchronous inference, so that the caller gives up first.
ANSWER_SECONDS = 3660
RETRY_AFTER_SECONDS = 5
# Requests at once, most of them bodies that are still on their way. nginx.conf.template allows for what they need.
MAX_CONNECTIONS = 512
# SageMaker sends SIGKILL 30 s after SIGTERM. Stopping TorchServe takes part of that time.
DRAIN_SECONDS = 18


@dataclass(frozen=True)
class Front:
    """Where nginx listens, where its files go, and who it runs as.

    Attributes:
        settings: Port and limits.
        host: The address to listen on.
        torchserve_port: Where TorchServe listens for inference, on 127.0.0.1.
        run_folder: For its process id, its configuration, answers that wait, and the files of deploy/health.py.
        spool_folder: For bodies.
        user: The user of its workers; None: the caller.
        paths: The paths that take bodies.
        is_local: Whether it also has the paths of nginx.local.template, which SageMaker's containers do not.
    """

    settings: ContainerSettings
    host: str
    torchserve_port: int
    run_folder: Path
    spool_folder: Path
    user: str | None = None
    paths: tuple[str, ...] = ("/invocations",)
    is_local: bool = False


def nginx_program() -> str | None:
    """Returns nginx's path, or None where it is not installed. On Debian an ordinary user's PATH has no sbin."""
    return shutil.which("nginx", path=os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin")))


def configuration(front: Front) -> str:
    """Returns nginx's configuration."""
    settings = front.settings
    # nginx started by root would run its workers as `nobody`; started by others it refuses the directive.
    user = f"user {_user_name()};" if front.user is None and os.geteuid() == 0 else ""
    values = {
        "RUN_FOLDER": front.run_folder,
        "SPOOL_FOLDER": front.spool_folder,
        "USER": user,
        "HOST": front.host,
        "PATHS": "|".join(front.paths),
        "PORT": settings.port,
        "TORCHSERVE_PORT": front.torchserve_port,
        "MAX_BODY_BYTES": settings.max_body_bytes,
        "MAX_REQUESTS": settings.max_requests,
        "MAX_LARGE_REQUESTS": settings.max_large_requests,
        "MAX_CONNECTIONS": MAX_CONNECTIONS,
        "ANSWER_SECONDS": ANSWER_SECONDS,
        "RETRY_AFTER_SECONDS": RETRY_AFTER_SECONDS,
        "PAGE_FOLDER": TREE / "client" / "sense_client" / "report" / "page",
        "DOCS_FOLDER": TREE / "docs",
        "EXECUTION_PARAMETERS": json.dumps(settings.execution_parameters(), separators=(",", ":")),
    }
    template = TEMPLATE.read_text().replace("@LOCAL_PATHS@", LOCAL_TEMPLATE.read_text() if front.is_local else "")
    return re.sub(r"@([A-Z_]+)@", lambda name: str(values[name[1]]), template)


def start(front: Front, output: IO[bytes] | None) -> subprocess.Popen[bytes]:
    """Starts nginx; its log goes to `output`, or to standard error.

    Raises:
        ServingError: It is not installed, or refuses its configuration.
    """
    program = nginx_program()
    if program is None:
        raise ServingError("nginx is not installed: apt-get install nginx")
    file = front.run_folder / "nginx.conf"
    file.write_text(configuration(front))
    return subprocess.Popen(
        [program, "-p", str(front.run_folder), "-c", str(file), *_early_log(program)],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        user=front.user,
        group=front.user,
        extra_groups=None if front.user is None else [],
        start_new_session=True,  # Ctrl-C reaches us alone, and we stop it in order
    )


def drain(nginx: subprocess.Popen[bytes]) -> None:
    """Makes nginx take nothing new, and waits until it has answered what it has begun, `DRAIN_SECONDS` at most."""
    nginx.send_signal(signal.SIGQUIT)
    with contextlib.suppress(subprocess.TimeoutExpired):
        nginx.wait(DRAIN_SECONDS)


def stop(nginx: subprocess.Popen[bytes]) -> None:
    """Ends nginx, and with it what it has not answered yet."""
    for number, seconds in ((signal.SIGTERM, 2.0), (signal.SIGKILL, 2.0)):
        with contextlib.suppress(subprocess.TimeoutExpired):
            nginx.send_signal(number)
            nginx.wait(seconds)
            break
    with contextlib.suppress(ProcessLookupError):  # its workers outlive a master that was killed
        os.killpg(nginx.pid, signal.SIGKILL)


def _early_log(program: str) -> list[str]:
    """Options against the log file that nginx would open before it has read its configuration; known from 1.19.5 on."""
    help_text = subprocess.run([program, "-h"], capture_output=True, text=True, check=False)
    return ["-e", "stderr"] if "-e filename" in help_text.stdout + help_text.stderr else []


def _user_name() -> str:
    return pwd.getpwuid(os.geteuid()).pw_name
