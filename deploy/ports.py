"""Ports of this machine that nobody listens on."""

from __future__ import annotations

import contextlib
import itertools
import socket
from collections.abc import Iterable, Mapping

from deploy.errors import ServingError

HOST = "127.0.0.1"
PREFERRED_PORT = 8080
ANY = 0
# TorchServe's listeners and the ports that config.properties and TorchServe itself give them.
LISTENERS: Mapping[str, int] = {
    "inference": PREFERRED_PORT,
    "management": 8081,
    "metrics": 8082,
    "grpc_inference": 7070,
    "grpc_management": 7071,
}


def usual_ports(inference: int | None = None) -> dict[str, int]:
    """Returns a port for each of TorchServe's listeners: its usual one where that is free.

    Args:
        inference: The only port that will do for inference; None: 8080 or any other.

    Raises:
        ServingError: `inference` is taken.
    """
    if inference is not None:
        require_free(inference)
    usual = LISTENERS if inference is None else {**LISTENERS, "inference": inference}
    return choose({name: (number, ANY) for name, number in usual.items()})


def inner_ports(front_port: int, allowed: tuple[int, int] | None = None) -> dict[str, int]:
    """Returns a port for each of TorchServe's listeners behind a front.

    Args:
        front_port: The front's own; no listener gets it.
        allowed: Lowest and highest port to choose from; None: any.

    Raises:
        ServingError: `allowed` has too few free ports.
    """
    numbers = itertools.repeat(ANY) if allowed is None else iter(range(allowed[0], allowed[1] + 1))
    try:
        return choose(dict.fromkeys(LISTENERS, numbers), reserved=front_port)
    except ServingError:
        raise ServingError(f"SAGEMAKER_SAFE_PORT_RANGE has fewer than {len(LISTENERS)} free ports") from None


def free_port() -> int:
    """Returns any free port."""
    return choose({"any": (ANY,)})["any"]


def require_free(port: int) -> None:
    """Raises ServingError where something listens on `port`."""
    with contextlib.ExitStack() as held:
        if _hold(port, held) is None:
            raise ServingError(f"port {port} is taken: stop what listens there, or choose another (PORT=9000)")


def choose(candidates: Mapping[str, Iterable[int]], reserved: int | None = None) -> dict[str, int]:
    """Returns for each name the first of its candidates that is free; no port is chosen twice.

    Args:
        candidates: Ports to try for each name; ANY stands for whichever the system gives. Names may share an iterator.
        reserved: A port that is never chosen.

    Raises:
        ServingError: A name has no free candidate.
    """
    with contextlib.ExitStack() as held:  # until all are chosen, so that none is chosen twice
        return {name: _first_free(numbers, reserved, held) for name, numbers in candidates.items()}


def _first_free(numbers: Iterable[int], reserved: int | None, held: contextlib.ExitStack) -> int:
    for number in numbers:
        port = _hold(number, held)
        if port is not None and port != reserved:
            return port
    raise ServingError("no free port is left")


def _hold(number: int, held: contextlib.ExitStack) -> int | None:
    """Listens on a port until `held` closes; returns its number, or None where it is taken."""
    listener = held.enter_context(socket.socket())
    # As the server will bind it: lingering connections of a former server do not count as taken.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, number))
        listener.listen()
    except OSError:
        return None
    return int(listener.getsockname()[1])
