"""The errors that a caller can cause, each with its HTTP status."""

from __future__ import annotations


class CallerError(Exception):
    """The caller's request cannot be answered; the message says what is wrong and what to do.

    Attributes:
        status: The HTTP status code, 400 to 499.
        phrase: The HTTP reason phrase.
    """

    status = 400
    phrase = "Bad Request"


class BadRequestError(CallerError):
    """A missing or malformed parameter, or bytes that hold no audio."""


class NotFoundError(CallerError):
    """Something that this server does not have."""

    status = 404
    phrase = "Not Found"


class WorkTooLongError(CallerError):
    """The recording takes more time than this server spends on one request."""

    status = 413
    phrase = "Payload Too Large"


class CallerGoneError(CallerError):
    """The caller hung up, so nobody waits for the answer. The status is nginx's own for that."""

    status = 499
    phrase = "Client Closed Request"


class BodyTooLargeError(CallerError):
    """The body has more bytes than this server takes."""

    status = 413
    phrase = "Payload Too Large"


class UnsupportedTypeError(CallerError):
    """A Content-Type that this server does not serve."""

    status = 415
    phrase = "Unsupported Media Type"
