"""`sense plot`: a recording -> a picture."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import click

from sense_client.cli.connection import Connection, connection_options
from sense_client.cli.exits import Exit, exit_codes, say
from sense_client.recording import Recording
from sense_client.report.asking import described, tag_fully
from sense_client.report.plot import write_picture
from sense_client.report.spectrogram import spectrogram_of_file

EPILOG = """\b
Examples:
  sense plot street.mp3 --output street.png
  sense plot street.mp3 --output street.svg --url http://server:8080
"""


@click.command(epilog=EPILOG)
@click.argument("recording", metavar="FILE", type=click.Path(path_type=Path))
@click.option(
    "--output",
    "-o",
    metavar="FILE",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The picture: .png, .svg or .pdf.",
)
@connection_options
@exit_codes
def command(recording: Path, *, connection: Connection, output: Path) -> Exit:
    """Draw a picture of a recording: its spectrogram, and a lane for each tag that was heard."""
    if find_spec("matplotlib") is None:
        say("sense plot needs matplotlib: pip install 'sense-client[plot]'")
        return Exit.USAGE
    if output.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise click.UsageError(f"--output {output} ends in none of .png, .svg, .pdf")
    with connection.open() as client:
        result, description = tag_fully(client, Recording.of(recording)), described(client)
    spectrogram = spectrogram_of_file(recording, result.metadata.duration_seconds)
    write_picture(output, result, description=description, spectrogram=spectrogram)
    click.echo(output)
    return Exit.OK
