"""Serves the archive in the foreground until Ctrl-C. `make serve` runs this."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from deploy.archive import MODEL_NAME, TREE, add_model_store, describe
from deploy.container_settings import FRONT_VARIABLES, read_container_settings
from deploy.errors import ServingError
from deploy.front import nginx_program
from deploy.ports import HOST, PREFERRED_PORT, require_free
from deploy.processes import interrupted_by_signals
from deploy.stack import Places, running
from deploy.torchserve import alone
from deploy.torchserve.launch import Options
from handler.settings import SettingsError

POLL_SECONDS = 0.25
LOGS = TREE / "build" / "logs" / "serve"
NO_NGINX = (
    "without nginx large files upload slowly (1 GiB in 87 s), and callers that ask to close the connection hang; "
    "on Debian or Ubuntu, install it: apt-get install nginx"
)


def main() -> int:
    """Runs the server; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=PREFERRED_PORT, help="where to listen (default: 8080)")
    add_model_store(parser)
    arguments = parser.parse_args()
    try:
        with interrupted_by_signals():
            serve(arguments.port, arguments.model_store)
    except (ServingError, SettingsError) as error:
        print(f"serve: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nserve: stopped", flush=True)
    return 0


def serve(port: int, model_store: Path) -> None:
    """Runs the server until it is interrupted, behind nginx where that is installed, as in the container.

    Raises:
        ServingError: The server did not start, or ended.
        SettingsError: An environment variable is wrong.
        KeyboardInterrupt: The ordinary end.
    """
    require_free(port)
    model = describe(model_store)
    if sys.platform != "linux" or nginx_program() is None:  # the watch over nginx reads Linux's /proc
        print(f"serve: {NO_NGINX}", file=sys.stderr)
        serve_alone(port, model_store, model)
    else:
        serve_behind_front(port, model_store, model)


def serve_alone(port: int, model_store: Path, model: str) -> None:
    """Runs TorchServe without a front. The front's settings would keep the handler from serving."""
    unused = [name for name in FRONT_VARIABLES if name in os.environ]
    if unused:
        print(f"serve: without nginx these have no effect: {', '.join(unused)}", file=sys.stderr)
    environment = {name: value for name, value in os.environ.items() if name not in unused}
    print("starting TorchServe ...", flush=True)
    with alone.running(Options(model_store, environment=environment), LOGS, port) as server:
        explain(model, server.url)
        server.process.wait()
        raise ServingError(server.explained_failure())


def serve_behind_front(port: int, model_store: Path, model: str) -> None:
    """Runs what the container runs, with room for an hour's recording unless SENSE_PROFILE says otherwise."""
    settings = read_container_settings({"SENSE_PROFILE": "async", **os.environ}).with_port(port)
    print("starting TorchServe behind nginx ...", flush=True)
    LOGS.mkdir(parents=True, exist_ok=True)
    paths = ("/invocations", f"/predictions/{MODEL_NAME}")
    places = Places(model_store, log=LOGS / alone.LOG_NAME, paths=paths, is_local=True)
    with running(settings, places, os.environ) as stack:
        stack.wait_until_ready()
        explain(model, f"http://{HOST}:{port}")
        print(f"\nor open http://{HOST}:{port}/ in a browser", flush=True)
        while True:
            stack.require_serving()
            time.sleep(POLL_SECONDS)


def explain(model: str, url: str) -> None:
    """Says which model is served, and how to call it."""
    print(f"serving {model} at {url} until Ctrl-C; log: {LOGS / alone.LOG_NAME}\ncall it like this:\n")
    print("  curl -H 'Content-Type: audio/mp3' -H 'X-Filename: demo.mp3' \\")
    print(f"       --data-binary @samples/demo.mp3 {url}/invocations", flush=True)


if __name__ == "__main__":
    sys.exit(main())
