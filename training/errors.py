"""What can go wrong that the user can mend."""

from __future__ import annotations


class TrainingError(Exception):
    """A step cannot be done; the text is one line that says why, and what to do."""
