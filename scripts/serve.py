"""Serves the archive in the foreground until Ctrl-C. `make serve` runs this."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

from deploy import front, torchserve
from deploy.server import Places, Server, running
from deploy.settings import read_server_settings
from handler.settings import SettingsError


def main() -> int:
    """Runs the server; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=torchserve.PREFERRED_PORT, help="where to listen (default: 8080)")
    torchserve.add_model_store(parser)
    arguments = parser.parse_args()
    try:
        with torchserve.interrupted_by_signals():
            serve(arguments.port, arguments.model_store)
    except torchserve.TorchServeError as error:
        print(f"serve: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nserve: stopped", flush=True)
    return 0


def serve(port: int, model_store: Path) -> None:
    """Runs the server until it is interrupted, behind nginx where that is installed, as in the container.

    Raises:
        torchserve.TorchServeError: the server did not start, or ended by itself.
        KeyboardInterrupt: the ordinary end.
    """
    if not torchserve.is_free(port):
        raise torchserve.TorchServeError(
            f"port {port} is taken: stop what listens there, or choose another (make serve PORT=9000)"
        )
    log_folder = torchserve.TREE / "build" / "logs" / "serve"
    if front.nginx_program() is None:
        serve_plainly(port, model_store, log_folder)
    else:
        serve_behind_front(port, model_store, log_folder)


def serve_plainly(port: int, model_store: Path, log_folder: Path) -> None:
    """Runs TorchServe alone; long recordings take it long (see deploy/)."""
    print("starting TorchServe (without nginx, which the container has) ...", flush=True)
    settings = torchserve.Settings(log_folder, model_store=model_store, port=port)
    with torchserve.running(settings) as server:
        explain(server.url, server.log)
        status = server.process.wait()
        raise torchserve.TorchServeError(f"TorchServe ended with status {status}\n{server.last_words()}")


def serve_behind_front(port: int, model_store: Path, log_folder: Path) -> None:
    """Runs what the container runs, with room for an hour's recording unless SENSE_PROFILE says otherwise."""
    print("starting TorchServe behind nginx ...", flush=True)
    log_folder.mkdir(parents=True, exist_ok=True)
    paths = ("/invocations", f"/predictions/{torchserve.MODEL_NAME}")
    places = Places(model_store, log=log_folder / "torchserve.log", paths=paths)
    try:
        settings = read_server_settings({"SENSE_PROFILE": "async", **os.environ}).with_port(port)
    except SettingsError as error:
        raise torchserve.TorchServeError(str(error)) from None
    with running(settings, places, os.environ) as server:
        log = server.torchserve.log
        while server.health.unready_since is not None:
            stop_if_ended(server, torchserve.failure(server.torchserve))
        explain(f"http://{places.host}:{port}", log)
        while True:
            stop_if_ended(server)


def stop_if_ended(server: Server, failure: str | None = None) -> None:
    """Waits a moment; raises TorchServeError where a part has ended."""
    time.sleep(torchserve.POLL_SECONDS)
    failure = failure or server.ended()
    if failure is not None:
        raise torchserve.TorchServeError(f"{failure}\n{server.torchserve.last_words()}")


def explain(url: str, log: Path) -> None:
    """Says how to call the server."""
    print(f"serving at {url} until Ctrl-C; log: {log}\ncall it like this:\n")
    print("  curl -H 'Content-Type: audio/mp3' -H 'X-Filename: demo.mp3' \\")
    print(f"       --data-binary @samples/demo.mp3 {url}/invocations", flush=True)


if __name__ == "__main__":
    sys.exit(main())
