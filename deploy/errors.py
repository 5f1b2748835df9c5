"""The one error of starting and running a server."""

from __future__ import annotations


class ServingError(Exception):
    """The server cannot start, or has ended. The message says why and, where there is a cure, what to do."""
