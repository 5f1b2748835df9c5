"""What the container starts: `docker run IMAGE serve`. Serves the archive behind the front until SIGTERM."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
import time
from pathlib import Path

from deploy import driver
from deploy.front import FrontError
from deploy.model_folder import MODEL_FOLDER, ModelFolderError, find_model_file
from deploy.server import Places, Server, running
from deploy.settings import ServerSettings, read_server_settings
from deploy.torchserve import TorchServeError, add_model_store
from handler.settings import SettingsError

logger = logging.getLogger("serve")

POLL_SECONDS = 0.25
# How long no worker may be ready before the container gives up, for SageMaker to start another: as long as its health
# check waits for the first (deploy/cloudformation), and several times as long as a dead worker's successor needs.
FIRST_READY_SECONDS = 600.0
READY_AGAIN_SECONDS = 120.0


class ServeError(Exception):
    """A part of the server ended, or none of its workers comes up; the message says which."""


def main() -> int:
    """Runs the server; returns the exit status: 0 after SIGTERM or Ctrl-C, 1 where it ends by itself."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s [%(levelname)-5s] %(name)s - %(message)s")
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: stopping.set())
    try:
        serve(parse_arguments(), stopping)
    except (SettingsError, ModelFolderError, FrontError, TorchServeError, ServeError) as error:
        logger.error("%s", error)
        return 1
    logger.info("stopped")
    return 0


def parse_arguments() -> argparse.Namespace:
    """Reads the command line; everything else stands in the environment."""
    parser = argparse.ArgumentParser(prog="serve", description=__doc__, epilog="Settings: docs/sagemaker.md")
    parser.add_argument("command", nargs="?", choices=["serve"], default="serve", help="SageMaker's word for it")
    parser.add_argument("--host", default="0.0.0.0", help="the address to listen on (default: all)")
    add_model_store(parser)
    parser.add_argument("--model-folder", type=Path, default=MODEL_FOLDER, help="where a model file replaces its own")
    parser.add_argument("--user", help="who TorchServe and nginx run as, if started by root")
    return parser.parse_args()


def serve(arguments: argparse.Namespace, stopping: threading.Event) -> None:
    """Runs the server until `stopping` is set.

    Raises:
        ServeError: It ended by itself.
        SettingsError, ModelFolderError, FrontError, TorchServeError: It could not start.
    """
    settings = read_server_settings(os.environ)
    model_file = find_model_file(arguments.model_folder)
    user = arguments.user if os.geteuid() == 0 else None
    announce(settings, model_file, user)
    places = Places(arguments.model_store, model_file, arguments.host, user)
    with running(settings, places, os.environ) as server:
        logger.info("spool folder %s", server.spool_folder)
        while not stopping.wait(POLL_SECONDS):
            check(server)
        logger.info("stopping: nothing new is taken, what has begun is answered")


def announce(settings: ServerSettings, model_file: Path | None, user: str | None) -> None:
    """Logs the settings in force."""
    logger.info("%s", settings.describe())
    logger.info("model: %s", model_file or "the archive's own")
    logger.info("servers run as %s; NVIDIA driver: %s", user or "this user", driver.read_driver_version() or "none")


def check(server: Server) -> None:
    """Looks whether all parts run.

    Raises:
        ServeError: One does not.
    """
    ended = server.ended()
    if ended:
        raise ServeError(ended)
    health, since = server.health, server.health.unready_since
    patience_seconds = READY_AGAIN_SECONDS if health.ever_ready else FIRST_READY_SECONDS
    if since is not None and time.monotonic() - since > patience_seconds:
        raise ServeError(f"no worker became ready within {patience_seconds:.0f} s")


if __name__ == "__main__":
    sys.exit(main())
