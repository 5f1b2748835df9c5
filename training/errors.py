"""Errors that the user can mend."""

from __future__ import annotations


class TrainingError(Exception):
    """A step failed. The text is one line that says why and what to do."""
