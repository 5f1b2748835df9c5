"""Installs what `make` needs: a few system packages with apt-get, and a lock file's packages into .venv with pip.

Runs on the system's Python, hence the standard library alone. .venv notes which lock file it holds, so that a second
run returns at once.

PyPI's builds of PyTorch for Linux need CUDA's libraries, gigabytes of them. With --cpu the same versions come as CPU
builds from an index of their own, and everything else from the lock file. .venv keeps its kind of builds.
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
NEEDED_BYTES = 10 * 10**9  # 6.0 GB installed, 3.1 GB of wheels while pip unpacks them
NEEDED_BYTES_CPU = 2 * 10**9  # 0.9 GB installed, 0.3 GB of wheels
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
# What that index has builds of, and what only CUDA builds need: entries of a lock file.
BUILT_FOR_CPU = re.compile(r"(?:torch|torchaudio|torchcodec)==")
ONLY_FOR_CUDA = re.compile(r"(?:cuda|nvidia)-|triton==")
# What compiling against PyTorch and testing it need, 150 MB.
UNUSED_FOR_CPU = ("torch/include", "torch/test")
# Where torchcodec's wheels for macOS look for FFmpeg's libraries.
HOMEBREW_FFMPEG = Path("/opt/homebrew/opt/ffmpeg/lib")
# The first has CUDA builds, too.
MACHINES = (("Linux", "x86_64"), ("Linux", "aarch64"), ("Darwin", "arm64"))
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
    parser.add_argument("--cpu", action="store_true", help="CPU builds of PyTorch, without CUDA's libraries")
    parser.add_argument("--cpu-index", default=CPU_INDEX, help="where they are (default: %(default)s)")
    arguments = parser.parse_args()
    try:
        set_up(TREE / arguments.lock, cpu=arguments.cpu, cpu_index=arguments.cpu_index)
    except (SetUpError, OSError) as error:
        print(f"set-up: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nset-up: interrupted; run the same command again to go on", file=sys.stderr)
        return 130
    return 0


def set_up(lock: Path, *, cpu: bool = False, cpu_index: str = CPU_INDEX) -> None:
    """Brings the system's packages and .venv to what `lock` asks for.

    Args:
        lock: The lock file.
        cpu: Whether PyTorch's CPU builds are asked for. They also stay where they are, and are the only ones but on
            Linux on x86-64.
        cpu_index: The URL of the package index that has them.
    """
    if VENV.is_symlink():  # what it points to is not ours to change
        raise SetUpError(f"{VENV} is a link to {VENV.resolve()}: remove the link, then run this again")
    machine = (platform.system(), platform.machine())
    if machine not in MACHINES:
        raise SetUpError(f"Linux on x86-64 or Arm, or macOS on Apple silicon is needed, this is {' on '.join(machine)}")
    cpu = cpu or has_cpu_builds() or machine != MACHINES[0]
    LOGS.mkdir(parents=True, exist_ok=True)
    install_required_packages()
    is_of_kind = is_usable() and has_cpu_builds() == cpu
    if is_of_kind and installed().get(lock.name) == fingerprint(lock):
        return
    install_useful_packages()
    check_disk(NEEDED_BYTES_CPU if cpu else NEEDED_BYTES)
    if not is_of_kind:
        say(f"making .venv with Python {platform.python_version()}")
        run_logged([sys.executable, "-m", "venv", "--clear", str(VENV)], LOGS / "venv.log")
    write_stamp(cpu=cpu)
    if cpu:
        install_for_cpu(lock, cpu_index)
    else:
        say(f"installing {lock.name} (about 3.1 GB to download and 6.0 GB on disk the first time)")
        install(["--require-hashes", "-r", str(lock)])
    write_stamp(lock, TREE / "requirements.lock", cpu=cpu)  # the development lock holds all of the serving one
    say("everything is installed")


def say(message: str) -> None:
    """Prints one line of progress with the seconds since the start."""
    print(f"[set-up {time.monotonic() - STARTED:3.0f} s] {message}", flush=True)


def install_required_packages() -> None:
    """Installs the system packages without which nothing runs."""
    if platform.system() == "Darwin":
        if not HOMEBREW_FFMPEG.exists():
            brew_install("ffmpeg")
        return
    missing = {
        # torchcodec loads its libraries.
        "ffmpeg": shutil.which("ffmpeg") is None or ctypes.util.find_library("avcodec") is None,
        # Debian keeps ensurepip in a package of its own.
        "python3-venv": not is_usable() and importlib.util.find_spec("ensurepip") is None,
    }
    apt_install([package for package, is_missing in missing.items() if is_missing])


def install_useful_packages() -> None:
    """Installs the system packages without which the server is slower, or says that they are not there."""
    if platform.system() == "Darwin":  # `make serve` runs there without them
        return
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


def brew_install(package: str) -> None:
    """Installs a package with Homebrew.

    Raises:
        SetUpError: That failed, or Homebrew is missing.
    """
    if shutil.which("brew") is None:
        raise SetUpError(f"{package} missing: install Homebrew (https://brew.sh), then run this again")
    say(f"installing {package} (brew)")
    run_logged(["brew", "install", package], LOGS / "brew.log")


def is_usable() -> bool:
    """Says whether .venv is of this Python and was made in this folder: its scripts name both, and break if moved."""
    pip = VENV / "bin" / "pip"
    library = VENV / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
    return (VENV / "bin" / "python").exists() and library.is_dir() and pip.exists() and str(VENV) in pip.read_text()


def has_cpu_builds() -> bool:
    """Says whether .venv was made for CPU builds."""
    return installed().get("builds") == "cpu"


def check_disk(needed_bytes: int) -> None:
    """Stops before a download that cannot fit."""
    has_torch = any(VENV.glob("lib/*/site-packages/torch"))
    free = shutil.disk_usage(TREE).free
    if not has_torch and free < needed_bytes:
        raise SetUpError(f"{TREE} has {free / 1e9:.1f} GB free, {needed_bytes / 1e9:.0f} GB are needed: make room")


def install_for_cpu(lock: Path, index: str) -> None:
    """Installs PyTorch's CPU builds in the versions of `lock`, and the rest of it.

    The index has wheels of other hashes than PyPI's; pip checks them by those that the index itself states. PyPI's own
    builds for macOS are CPU builds. Python compiles what it uses by and by, which is a third of it.
    """
    entries = re.split(r"\n(?=\S)", lock.read_text())
    if platform.system() == "Linux":
        builds = [entry.split()[0] for entry in entries if BUILT_FOR_CPU.match(entry)]
        entries = [entry for entry in entries if not BUILT_FOR_CPU.match(entry) and not ONLY_FOR_CUDA.match(entry)]
        say(f"installing {', '.join(builds)} from {index} (about 0.2 GB to download)")
        install(["--no-compile", "--no-deps", "--index-url", index, *builds], cpu_index=index)
        require_cpu_build(index)
    rest = LOGS.parent / f"{lock.stem}-cpu.txt"
    rest.write_text("\n".join(entries))
    say(f"installing {lock.name} but for CUDA's libraries (about 0.1 GB to download)")
    install(["--no-compile", "--require-hashes", "-r", str(rest)])
    for unused in (path for pattern in UNUSED_FOR_CPU for path in VENV.glob(f"lib/*/site-packages/{pattern}")):
        shutil.rmtree(unused)


def require_cpu_build(index: str) -> None:
    """Raises SetUpError if `index` gave a CUDA build, whose libraries are not installed."""
    if any(VENV.glob("lib/*/site-packages/torch/lib/libtorch_cuda.so")):
        STAMP.unlink()
        raise SetUpError(f"{index} has CUDA builds of PyTorch: name an index of CPU builds (CPU_INDEX=https://...)")


def install(arguments: list[str], cpu_index: str | None = None) -> None:
    """Runs pip. Large downloads show on the terminal; everything pip says is in a log.

    Args:
        arguments: What to install.
        cpu_index: The index of CPU builds, if they are what is installed.
    """
    command = [str(VENV / "bin" / "python"), "-m", "pip", "install", "--no-input", *arguments]
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
        raise SetUpError(f"{pip_failure(log.read_text(errors='replace'), cpu_index)}; pip's output is in {log}")


def pip_failure(output: str, cpu_index: str | None = None) -> str:
    """Returns the cause of pip's failure, in one line."""
    if cpu_index and (NO_NETWORK.search(output) or "No matching distribution" in output):
        return (
            f"{cpu_index} cannot be reached, or lacks these versions: check the network, or name another index "
            "(make demo CPU=1 CPU_INDEX=https://...)"
        )
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


def installed() -> dict[str, str]:
    """Returns what .venv notes: `builds`, "cpu" or "cuda", and the fingerprints of the lock files that it holds."""
    noted: dict[str, str] = json.loads(STAMP.read_text()) if STAMP.exists() else {}
    return noted


def write_stamp(*locks: Path, cpu: bool) -> None:
    """Notes the kind of builds and the lock files that are installed."""
    noted = {"builds": "cpu" if cpu else "cuda", **{path.name: fingerprint(path) for path in sorted(set(locks))}}
    STAMP.write_text(json.dumps(noted, indent=2) + "\n")


if __name__ == "__main__":
    sys.exit(main())
