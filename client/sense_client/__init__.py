"""Client of the sound-event tagger. README.md has examples."""

from sense_client.results import Event, Metadata, Result, Tag, Window

__all__ = ["Event", "Metadata", "Result", "Tag", "Window"]
