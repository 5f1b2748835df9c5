"""What can go wrong in a call."""

from __future__ import annotations


class CallError(Exception):
    """A call was not answered with a result.

    Attributes:
        text: What the server said, or what happened to the connection.
        status: The HTTP status; None if there was no answer.
        request_id: The server's name for the request in its log, where it gave one.
        retry_after_seconds: How long the server asked to wait; None if it did not.
        is_temporary: Whether the same call may succeed a little later.
        concerns_server: Whether calls with other recordings would fail in the same way.
    """

    is_temporary = False
    concerns_server = False

    def __init__(
        self,
        text: str,
        *,
        status: int | None = None,
        request_id: str | None = None,
        retry_after_seconds: float | None = None,
    ) -> None:
        super().__init__(text)
        self.text, self.status, self.request_id = text, status, request_id
        self.retry_after_seconds = retry_after_seconds

    def __str__(self) -> str:
        status = "" if self.status is None else f"status {self.status}: "
        request = "" if self.request_id is None else f" (request id {self.request_id})"
        return f"{status}{self.text}{request}"


class RefusedError(CallError):
    """The server answered with an error: what was sent is wrong, or tagging it failed."""


class DroppedError(CallError):
    """The connection broke before the answer was there."""

    is_temporary = True


class UnavailableError(CallError):
    """The server cannot be reached, or has too much to do (429), or is starting or ending (503)."""

    is_temporary = True
    concerns_server = True


class SetupError(CallError):
    """The call cannot be made as things are: no such endpoint, no credentials, a missing package."""

    concerns_server = True
