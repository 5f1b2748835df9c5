"""What reports and pictures ask of a tagger: all probabilities where it gives them, and what its model is."""

from __future__ import annotations

from typing import Any

from sense_client.client import Client
from sense_client.errors import CallError, RefusedError
from sense_client.recording import Recording, TagOptions
from sense_client.results import Result


def tag_fully(client: Client, recording: Recording) -> Result:
    """Tags a recording with all probabilities, or without them where they would be too many for an answer.

    Raises:
        CallError: No result came.
        OSError: The file cannot be read.
    """
    try:
        return client.transport.tag(recording, TagOptions(all_probabilities=True))
    except RefusedError as error:
        if "X-All-Probabilities" not in str(error):
            raise
        return client.transport.tag(recording, TagOptions())


def described(client: Client) -> dict[str, Any] | None:
    """Returns the description of the model with its tags, or None where the server has none.

    Raises:
        CallError: The server cannot be used.
    """
    try:
        description = client.info()
    except CallError as error:
        if error.concerns_server:
            raise
        return None
    return description if "tags" in description else None
