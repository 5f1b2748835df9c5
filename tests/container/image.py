"""Builds the image and starts it on a machine without a Docker daemon. `make image-test` runs this.

    python -m tests.container.image build          bootstraps a Debian and builds the Dockerfile on it, with buildah
    python -m tests.container.image run --env ...  starts it like `docker run IMAGE serve`; SIGTERM reaches the server

Needs root, debootstrap and buildah (apt-get install debootstrap buildah).
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from deploy.archive import TREE

IMAGE = "localhost/cochl-sense"
BASE = "localhost/sense-base-bookworm"
SERVER = "deploy.entrypoint"
CA_IN_BUILD = "/run/build-ca.crt"
TOOLS = ("buildah", "debootstrap")
# What pip in the build needs of this machine's configuration to reach the package index. Other options may name files
# that the build does not have, as a constraint does.
INDEX_OPTIONS = ("index-url", "extra-index-url", "trusted-host", "proxy", "cert", "timeout", "default-timeout")


def main() -> int:
    """Runs one of the two; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("build", help="build the image")
    command.add_argument("--version", default="unknown", help="for the image's label")
    run = commands.add_parser("run", help="start a container of it")
    run.add_argument("--env", action="append", default=[], help="NAME=VALUE; may be repeated")
    run.add_argument("--model", help="a folder that is to be the container's /opt/ml/model")
    run.add_argument("--volume", action="append", default=[], help="FOLDER:WHERE; may be repeated")
    run.add_argument(
        "program", nargs="*", default=["serve", "serve"], help="instead of `serve serve`, as Docker starts it"
    )
    arguments = parser.parse_args()
    lack = lacking()
    if lack:
        print(f"image: {lack}", file=sys.stderr)
        return 1
    if arguments.command == "build":
        build(arguments.version)
        return 0
    volumes = [*arguments.volume, *([f"{arguments.model}:/opt/ml/model"] if arguments.model else [])]
    return run_container(arguments.env, volumes, arguments.program)


def lacking() -> str | None:
    """Returns what the machine lacks and how to get it, or None."""
    missing = [program for program in TOOLS if shutil.which(program) is None]
    if missing:
        return f"{' and '.join(missing)} missing; install with: sudo apt-get install {' '.join(TOOLS)}"
    return None if os.geteuid() == 0 else "buildah and debootstrap need root here: sudo make image-test"


def build(version: str) -> None:
    """Bootstraps the base where it is not there yet, and builds the Dockerfile on it."""
    if subprocess.run(["buildah", "inspect", "--type", "image", BASE], capture_output=True, check=False).returncode:
        timed("debootstrap", bootstrap)
    with pip_options() as volumes:
        command = ["buildah", "build", "--layers", "--isolation=chroot", "--network=host"]
        command += ["--build-arg", f"BASE={BASE}", "--build-arg", f"VERSION={version}", *volumes]
        command += ["--tag", IMAGE, str(TREE)]
        timed("build", lambda: subprocess.run(command, check=True))
    subprocess.run(["buildah", "images", IMAGE], check=True)


def timed(name: str, work: object) -> None:
    """Calls `work` and prints how long it took."""
    assert callable(work)
    began = time.monotonic()
    work()
    print(f"image: {name} took {time.monotonic() - began:.0f} s", flush=True)


def bootstrap() -> None:
    """Makes the base image: Debian 12, and nothing more."""
    with tempfile.TemporaryDirectory(prefix="sense-base-") as folder:
        subprocess.run(["debootstrap", "--variant=minbase", "bookworm", folder], check=True, stdout=subprocess.DEVNULL)
        container = output("buildah", "from", "scratch")
        output("buildah", "add", container, folder, "/")
        output("buildah", "commit", "--rm", container, BASE)


@contextlib.contextmanager
def pip_options() -> Iterator[list[str]]:
    """Yields buildah's options that let pip in the build reach the package index as pip on this machine does."""
    configuration, certificates = index_configuration(output(sys.executable, "-m", "pip", "config", "list"))
    # Beside the system's own certificates, never over them: the installation of packages rewrites those.
    volumes = ["--volume", f"{certificates}:{CA_IN_BUILD}:ro"] if certificates else []
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        file.write(configuration)
        file.flush()
        Path(file.name).chmod(0o644)
        yield [*volumes, "--volume", f"{file.name}:/etc/pip.conf:ro"]


def index_configuration(listed: str) -> tuple[str, str | None]:
    """Returns the pip.conf of the build, and this machine's file of certificates if pip has one of its own.

    Args:
        listed: What `pip config list` prints.
    """
    pairs = [line.partition("=") for line in listed.splitlines()]
    options = {name.rpartition(".")[2]: value.strip("'") for name, _, value in pairs}
    # Words with a file:// URL name folders of this machine; the public index has the same packages.
    remote = {
        name: " ".join(word for word in options[name].split() if not word.startswith("file:"))
        for name in INDEX_OPTIONS
        if name in options
    }
    certificates = remote.get("cert")
    if certificates:
        remote["cert"] = CA_IN_BUILD
    lines = [f"{name} = {value}" for name, value in remote.items() if value]
    return "\n".join(["[global]", *lines, ""]), certificates


def run_container(environment: list[str], volumes: list[str], program: list[str]) -> int:
    """Starts a container and returns its exit status. buildah itself would not pass SIGTERM on."""
    container = output("buildah", "from", "--pull-never", IMAGE)
    command = ["buildah", "run", "--isolation=chroot"]
    command += [part for variable in environment for part in ("--env", variable)]
    command += [part for volume in volumes for part in ("--volume", f"{volume}:ro")]
    try:
        process = subprocess.Popen([*command, container, *program], start_new_session=True)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: pass_on(process.pid))
        return process.wait()
    finally:
        output("buildah", "rm", container)


def pass_on(parent: int) -> None:
    """Sends SIGTERM to the server in a container."""
    for process in psutil.Process(parent).children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if SERVER in process.cmdline():
                process.terminate()


def output(*command: str) -> str:
    """Runs a command and returns what it prints."""
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()


if __name__ == "__main__":
    sys.exit(main())
