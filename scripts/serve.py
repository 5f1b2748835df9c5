"""Serves the archive in the foreground until Ctrl-C. `make serve` runs this."""

from __future__ import annotations

import argparse
import sys

from scripts import torchserve


def main() -> int:
    """Runs the server; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=torchserve.PREFERRED_PORT, help="where to listen (default: 8080)")
    port: int = parser.parse_args().port
    try:
        with torchserve.interrupted_by_signals():
            serve(port)
    except torchserve.TorchServeError as error:
        print(f"serve: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nserve: stopped", flush=True)
    return 0


def serve(port: int) -> None:
    """Runs the server until it is interrupted.

    Raises:
        torchserve.TorchServeError: the server did not start, or ended by itself.
        KeyboardInterrupt: the ordinary end.
    """
    print("starting TorchServe ...", flush=True)
    log_folder = torchserve.TREE / "build" / "logs" / "serve"
    with torchserve.running(torchserve.Settings(log_folder, port=port)) as server:
        print(f"serving at {server.url} until Ctrl-C; log: {server.log}\ncall it like this:\n")
        print("  curl -H 'Content-Type: audio/mp3' -H 'X-Filename: demo.mp3' \\")
        print(f"       --data-binary @samples/demo.mp3 {server.url}/invocations", flush=True)
        status = server.process.wait()
        raise torchserve.TorchServeError(f"TorchServe ended with status {status}\n{server.last_words()}")


if __name__ == "__main__":
    sys.exit(main())
