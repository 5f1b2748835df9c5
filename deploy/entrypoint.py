"""What the container starts: `docker run IMAGE serve`. Serves the archive behind the front until SIGTERM."""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
import threading
from pathlib import Path

from deploy.archive import MODEL_FOLDER, MODEL_NAME, add_model_store, describe, find_model_file, version
from deploy.container_settings import read_container_settings
from deploy.errors import ServingError
from deploy.stack import Places, running
from deploy.torchserve.driver import read_driver_version
from handler.settings import SettingsError

logger = logging.getLogger("serve")

POLL_SECONDS = 0.25


def main() -> int:
    """Runs the server; returns the exit status: 0 after SIGTERM or Ctrl-C, 1 if it could not serve."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s [%(levelname)-5s] %(name)s - %(message)s")
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: stopping.set())
    try:
        serve(parse_arguments(), stopping)
    except (SettingsError, ServingError) as error:
        logger.error("%s", error)
        return 1
    logger.info("stopped")
    return 0


def parse_arguments() -> argparse.Namespace:
    """Reads the command line; all other settings are environment variables."""
    parser = argparse.ArgumentParser(prog="serve", description=__doc__, epilog="Settings: docs/sagemaker.md")
    parser.add_argument("command", nargs="?", choices=["serve"], default="serve", help="the word that SageMaker adds")
    parser.add_argument("--host", default="0.0.0.0", help="the address to listen on (default: all)")
    add_model_store(parser)
    parser.add_argument(
        "--model-folder",
        type=Path,
        default=MODEL_FOLDER,
        help="a model file in this folder replaces the archive's own (default: /opt/ml/model)",
    )
    parser.add_argument("--user", help="the user that TorchServe and nginx run as, if root starts them")
    return parser.parse_args()


def serve(arguments: argparse.Namespace, stopping: threading.Event) -> None:
    """Runs the server until `stopping` is set.

    Raises:
        ServingError: It could not start, or a part of it ended.
        SettingsError: An environment variable is wrong.
    """
    settings = read_container_settings(os.environ)
    model_file = find_model_file(arguments.model_folder)
    user = arguments.user if os.geteuid() == 0 else None
    model = describe(arguments.model_store, model_file)
    logger.info(
        "%s %s; model: %s, from %s", MODEL_NAME, version(arguments.model_store), model, model_file or "the archive"
    )
    logger.info("%s", settings.describe())
    logger.info("servers run as %s; NVIDIA driver: %s", user or "this user", read_driver_version() or "none")
    places = Places(arguments.model_store, model_file, arguments.host, user)
    with running(settings, places, os.environ) as stack:
        logger.info("spool folder %s", stack.spool_folder)
        while not stopping.wait(POLL_SECONDS):
            stack.require_serving()
        logger.info("stopping: new requests are refused, those that have begun are answered")


if __name__ == "__main__":
    sys.exit(main())
