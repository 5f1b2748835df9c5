"""`sense report`: recordings -> HTML files to look at and listen to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from sense_client.cli.connection import Connection, connection_options
from sense_client.cli.exits import Exit, exit_codes
from sense_client.cli.tag import MAX_JOBS, run
from sense_client.files import NothingFoundError, find_recordings
from sense_client.recording import Recording
from sense_client.report.asking import described, tag_fully
from sense_client.report.sink import Reports

EPILOG = """\b
Examples:
  sense report street.mp3                      # writes street.mp3.html
  sense report recordings/ --output reports/   # one for each, and reports/index.html to search them by tag
  sense report long.mp3 --no-audio             # a small file; it asks for the recording to listen to
  sense report street.mp3 --endpoint cochl-sense --region us-east-1
"""


@click.command(epilog=EPILOG)
@click.argument("recordings", metavar="FILE|FOLDER|GLOB ...", nargs=-1, required=True)
@click.option(
    "--output",
    "-o",
    metavar="FOLDER",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    help="Where to write them.  [default: here]",
)
@click.option("--no-audio", is_flag=True, help="Leave the recordings out of the reports.")
@click.option("--jobs", "-j", type=click.IntRange(1, MAX_JOBS), metavar="N", default=2, help="Requests at a time (2).")
@click.option("--quiet", "-q", is_flag=True, help="No progress bar, and no summary unless something failed.")
@connection_options
@exit_codes
def command(
    recordings: Sequence[str], *, connection: Connection, output: Path, no_audio: bool, jobs: int, quiet: bool
) -> Exit:
    """Write a report of each recording: one HTML file that opens anywhere, without a server.

    It has a player, a spectrogram, a lane for each tag with its threshold, a slider of sensitivity, and a list of
    events to listen to or to download.
    """
    try:
        files = find_recordings(recordings)
    except NothingFoundError as error:
        raise click.UsageError(str(error)) from None
    with connection.open(jobs) as client:
        sink = Reports(output, described(client), with_audio=not no_audio)
        ended = run(files, sink, lambda file: tag_fully(client, Recording.of(file)), num_jobs=jobs, is_quiet=quiet)
    for path in sink.paths:
        click.echo(path)
    return ended
