"""What results are written as: one function for each format, from recordings with results to text."""

from sense_client.outputs.formats import FORMATS, Format, format_of, known_suffixes
from sense_client.outputs.tagged import Layout, Tagged

__all__ = ["FORMATS", "Format", "Layout", "Tagged", "format_of", "known_suffixes"]
