"""Client of the sound-event tagger. README.md has examples."""

from sense_client.client import AsyncClient, Client, TagInfo
from sense_client.errors import CallError, DroppedError, RefusedError, SetupError, UnavailableError
from sense_client.recording import RawFormat, Recording, TagOptions
from sense_client.results import Event, Metadata, Result, Tag, Window
from sense_client.retries import Retries
from sense_client.sagemaker import Endpoint

__all__ = [
    "AsyncClient",
    "CallError",
    "Client",
    "DroppedError",
    "Endpoint",
    "Event",
    "Metadata",
    "RawFormat",
    "Recording",
    "RefusedError",
    "Result",
    "Retries",
    "SetupError",
    "Tag",
    "TagInfo",
    "TagOptions",
    "UnavailableError",
    "Window",
]
