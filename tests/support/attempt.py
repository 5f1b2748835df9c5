"""For tests that throw anything at a function, where either a result or a caller's error is right."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from handler.errors import CallerError

Result = TypeVar("Result")


def attempt(call: Callable[[], Result]) -> Result | CallerError:
    """Returns what the call returns, or the caller's error that it raises; any other exception fails the test."""
    try:
        return call()
    except CallerError as error:
        return error
