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


def main() -> int:
    """Runs one of the two; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("build", help="build the image")
    run = commands.add_parser("run", help="start a container of it")
    run.add_argument("--env", action="append", default=[], help="NAME=VALUE; may be repeated")
    run.add_argument("--model", help="a folder that is to be the container's /opt/ml/model")
    run.add_argument("--volume", action="append", default=[], help="FOLDER:WHERE; may be repeated")
    run.add_argument(
        "program", nargs="*", default=["serve", "serve"], help="instead of `serve serve`, as Docker starts it"
    )
    arguments = parser.parse_args()
    missing = [program for program in ("buildah", "debootstrap") if shutil.which(program) is None]
    if missing or os.geteuid() != 0:
        print(f"image: root and {' and '.join(missing or ['nothing else'])} wanted", file=sys.stderr)
        return 1
    if arguments.command == "build":
        build()
        return 0
    volumes = [*arguments.volume, *([f"{arguments.model}:/opt/ml/model"] if arguments.model else [])]
    return run_container(arguments.env, volumes, arguments.program)


def build() -> None:
    """Bootstraps the base where it is not there yet, and builds the Dockerfile on it."""
    if subprocess.run(["buildah", "inspect", "--type", "image", BASE], capture_output=True, check=False).returncode:
        timed("debootstrap", bootstrap)
    with pip_options() as volumes:
        command = [
            "buildah",
            "build",
            "--layers",
            "--isolation=chroot",
            "--network=host",
            "--build-arg",
            f"BASE={BASE}",
        ]
        command += [*volumes, "--tag", IMAGE, str(TREE)]
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
    """Yields buildah's options that let pip in the build find packages as pip on this machine does.

    A private certificate authority is mounted beside the system's own, never over it: the installation of packages
    rewrites that one.
    """
    listed = [line.partition("=") for line in output(sys.executable, "-m", "pip", "config", "list").splitlines()]
    options = {name.partition(".")[2]: value.strip("'") for name, _, value in listed}
    volumes = []
    if "cert" in options:
        volumes += ["--volume", f"{options['cert']}:{CA_IN_BUILD}:ro"]
        options["cert"] = CA_IN_BUILD
    local = {word.removeprefix("file://") for value in options.values() for word in value.split()}
    mounted = {Path(*Path(word).parts[:3]) for word in local if word.startswith("/") and Path(word).is_dir()}
    volumes += [part for path in sorted(mounted) for part in ("--volume", f"{path}:{path}:ro")]
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        file.write("[global]\n" + "".join(f"{name} = {value}\n" for name, value in options.items()))
        file.flush()
        Path(file.name).chmod(0o644)
        yield [*volumes, "--volume", f"{file.name}:/etc/pip.conf:ro"]


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
