"""Serves the archive in the foreground until Ctrl-C. `make serve` runs this."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from scripts import torchserve


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
    """Runs the server until it is interrupted.

    Raises:
        torchserve.TorchServeError: the server did not start, or ended by itself.
        KeyboardInterrupt: the ordinary end.
    """
    print("starting TorchServe ...", flush=True)
    log_folder = torchserve.TREE / "build" / "logs" / "serve"
    settings = torchserve.Settings(log_folder, model_store=model_store, port=port)
    with torchserve.running(settings) as server:
        print(f"serving at {server.url} until Ctrl-C; log: {server.log}\ncall it like this:\n")
        print("  curl -H 'Content-Type: audio/mp3' -H 'X-Filename: demo.mp3' \\")
        print(f"       --data-binary @samples/demo.mp3 {server.url}/invocations", flush=True)
        status = server.process.wait()
        raise torchserve.TorchServeError(f"TorchServe ended with status {status}\n{server.last_words()}")


if __name__ == "__main__":
    sys.exit(main())
