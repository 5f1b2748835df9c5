"""The error that users see when recordings cannot be read or judged."""

from __future__ import annotations


class EvaluationError(Exception):
    """A list of recordings or one of them does not fit; the message says which and what to do."""
