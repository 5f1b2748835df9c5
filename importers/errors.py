"""The error that users see when a checkpoint cannot be imported."""

from __future__ import annotations


class ImporterError(Exception):
    """A checkpoint or an option does not fit; the message says which and what to do."""
