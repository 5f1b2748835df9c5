"""Installs what `make` needs: a few system packages with apt-get, and a lock file's packages into .venv with pip.

Runs on the system's Python, hence the standard library alone. .venv notes which lock file it holds, so that a second
run returns at once.
"""

from __future__ import annotations

import argparse
import ctypes.util
import hashlib
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TREE = Path(__file__).resolve().parent.parent
VENV = TREE / ".venv"
STAMP = VENV / "installed.json"
LOGS = TREE / "build" / "logs"
NEEDED_BYTES = 8 * 10**9  # 4.7 GB installed, 2.6 GB of wheels while pip unpacks them
STARTED = time.monotonic()
NO_NETWORK = re.compile(
    r"name resolution|Name or service not known|Network is unreachable|Connection refused|timed out"
    r"|NewConnectionError|ProxyError|SSLError"
)
# What pip says that is worth the terminal: large downloads, and the silent half minute at the end.
PROGRESS = re.compile(r"(?:Downloading|Using cached) \S+ \(\d{2,}\.\d MB\)|Installing collected packages")


class SetUpError(Exception):
    """One line that says what is missing and what to do."""


def main() -> int:
    """Installs one lock file; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("lock", help="requirements.lock, or requirements-dev.lock for the tests' packages too")
    try:
        set_up(TREE / parser.parse_args().lock)
    except (SetUpError, OSError) as error:
        print(f"set-up: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nset-up: interrupted; run the same command again to go on", file=sys.stderr)
        return 130
    return 0


def set_up(lock: Path) -> None:
    """Brings the system's packages and .venv to what `lock` asks for."""
    if VENV.is_symlink():  # what it points to is not ours to change
        raise SetUpError(f"{VENV} is a link to {VENV.resolve()}: remove the link, then run this again")
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        raise SetUpError(f"Linux on x86-64 is needed, this is {platform.system()} on {platform.machine()}")
    LOGS.mkdir(parents=True, exist_ok=True)
    install_required_packages()
    if is_usable() and installed_locks().get(lock.name) == fingerprint(lock):
        return
    install_useful_packages()
    check_disk()
    if not is_usable():
        say(f"making .venv with Python {platform.python_version()}")
        run_logged([sys.executable, "-m", "venv", "--clear", str(VENV)], LOGS / "venv.log")
    STAMP.unlink(missing_ok=True)
    install_lock(lock)
    write_stamp(lock)
    say("everything is installed")


def say(message: str) -> None:
    """Prints one line of progress with the seconds since the start."""
    print(f"[set-up {time.monotonic() - STARTED:3.0f} s] {message}", flush=True)


def install_required_packages() -> None:
    """Installs the system packages without which nothing runs."""
    missing = {
        # torchcodec loads its libraries.
        "ffmpeg": shutil.which("ffmpeg") is None or ctypes.util.find_library("avcodec") is None,
        # Debian keeps ensurepip in a package of its own.
        "python3-venv": not is_usable() and importlib.util.find_spec("ensurepip") is None,
    }
    apt_install([package for package, is_missing in missing.items() if is_missing])


def install_useful_packages() -> None:
    """Installs the system packages without which the server is slower, or says that they are not there."""
    missing = {
        # The front. Not nginx-light, which has no limit_conn on Ubuntu 22.04.
        "nginx": shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin") is None,
        "libtcmalloc-minimal4": ctypes.util.find_library("tcmalloc_minimal") is None,  # deploy/torchserve/allocator.py
    }
    try:
        apt_install([package for package, is_missing in missing.items() if is_missing])
    except SetUpError as error:
        say(f"going on, with a slower server: {error}")


def apt_install(packages: list[str]) -> None:
    """Installs system packages with apt-get, as root or through sudo.

    Raises:
        SetUpError: That failed, or is not possible here.
    """
    if not packages:
        return
    names = " ".join(packages)
    privilege = [] if os.geteuid() == 0 else ["sudo"]
    if shutil.which("apt-get") is None or (privilege and shutil.which("sudo") is None):
        raise SetUpError(f"{names} missing: install as root (apt-get install {names}), then run this again")
    say(f"installing {names} (apt-get)")
    # RUNLEVEL=1 keeps invoke-rc.d from starting a service that comes with a package: nginx's would take port 80.
    prefix = [*privilege, "env", "DEBIAN_FRONTEND=noninteractive", "RUNLEVEL=1", "apt-get"]
    prefix += ["-o", "DPkg::Lock::Timeout=120"]  # a fresh machine may be updating itself
    run_logged([*prefix, "update"], LOGS / "apt-update.log", required=False)  # a stale index often does, too
    run_logged([*prefix, "install", "--yes", "--no-install-recommends", *packages], LOGS / "apt.log")
    if "nginx" in packages and Path("/run/systemd/system").exists():  # which would start it at the next boot
        run_logged([*privilege, "systemctl", "disable", "--now", "nginx"], LOGS / "nginx.log", required=False)


def is_usable() -> bool:
    """Says whether .venv is of this Python and was made in this folder: its scripts name both, and break if moved."""
    pip = VENV / "bin" / "pip"
    library = VENV / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    return (VENV / "bin" / "python").exists() and library.is_dir() and pip.exists() and str(VENV) in pip.read_text()


def check_disk() -> None:
    """Stops before a download that cannot fit."""
    has_torch = any(VENV.glob("lib/*/site-packages/torch"))
    free = shutil.disk_usage(TREE).free
    if not has_torch and free < NEEDED_BYTES:
        raise SetUpError(f"{TREE} has {free / 1e9:.1f} GB free, {NEEDED_BYTES / 1e9:.0f} GB are needed: make room")


def install_lock(lock: Path) -> None:
    """Runs pip on `lock`. Large downloads show on the terminal; everything pip says is in a log."""
    say(f"installing {lock.name} (about 2.6 GB to download and 4.7 GB on disk the first time)")
    command = [str(VENV / "bin" / "python"), "-m", "pip", "install", "--no-input", "--require-hashes", "-r", str(lock)]
    log = LOGS / "pip.log"
    # pip unpacks wheels in TMPDIR: /tmp is often too small, or in memory.
    with tempfile.TemporaryDirectory(dir=LOGS.parent) as folder, log.open("w") as output:
        environment = {**os.environ, "TMPDIR": folder}
        with subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        ) as pip:
            assert pip.stdout is not None
            for line in pip.stdout:
                output.write(line)
                if progress := PROGRESS.search(line):
                    say(f"  {progress[0]}")
    if pip.returncode != 0:
        raise SetUpError(f"{pip_failure(log.read_text(errors='replace'))}; pip's output is in {log}")


def pip_failure(output: str) -> str:
    """Returns the cause of pip's failure, in one line."""
    if NO_NETWORK.search(output):
        return "the package index could not be reached: check the network and pip's configuration (pip config list)"
    errors = [line for line in output.splitlines() if line.startswith("ERROR:")]
    return f"pip failed ({errors[0] if errors else 'without a word'})"


def run_logged(command: list[str], log: Path, *, required: bool = True) -> None:
    """Runs a command with its output in `log`.

    Raises:
        SetUpError: It failed and is `required`; the message has the last line of the log.
    """
    with log.open("w") as output:
        status = subprocess.run(command, stdout=output, stderr=subprocess.STDOUT, check=False).returncode
    if status != 0 and required:
        last = log.read_text(errors="replace").strip().rpartition("\n")[2]
        raise SetUpError(f"`{' '.join(command)}` failed ({last}); the whole output is in {log}")


def fingerprint(lock: Path) -> str:
    """Returns the SHA-256 of a lock file."""
    return hashlib.sha256(lock.read_bytes()).hexdigest()


def installed_locks() -> dict[str, str]:
    """Returns the names and fingerprints of the lock files that .venv holds."""
    locks: dict[str, str] = json.loads(STAMP.read_text()) if STAMP.exists() else {}
    return locks


def write_stamp(lock: Path) -> None:
    """Notes what was installed. The development lock holds all of the serving one, so it stands for both."""
    locks = {lock, TREE / "requirements.lock"}
    STAMP.write_text(json.dumps({path.name: fingerprint(path) for path in sorted(locks)}, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
