"""`sense tag`: recordings -> results."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import click

from sense_client.batch import tag_all
from sense_client.cli.connection import Connection, connection_options
from sense_client.cli.exits import Exit, exit_codes
from sense_client.cli.summary import Summary
from sense_client.cli.wish import Wish, wish_options
from sense_client.errors import CallError
from sense_client.files import NothingFoundError, find_recordings
from sense_client.outputs import FORMATS, Format, Layout, Tagged, format_of, known_suffixes
from sense_client.results import Result
from sense_client.sinks import Folder, Lines, OneFile, Sink, Terminal

MAX_JOBS = 64
EPILOG = """\b
Examples:
  sense tag street.mp3
  sense tag street.mp3 --sensitivity 1 --tag-sensitivity Siren=2 --tags Siren,Speech
  sense tag recordings/ --output results.jsonl --jobs 8      # go on after Ctrl-C: the same command again
  sense tag "recordings/**/*.wav" --output table.csv
  sense tag recordings/ --output labels/ --format audacity   # a file for each recording
  sense tag street.mp3 --config config.json                  # in the shape that the vendor's client reads
  sense tag long.mp3 --endpoint cochl-sense-async --async
  ffmpeg -i street.avi -f s16le -ac 1 -ar 16000 - | sense tag - --raw rate=16000,format=s16le

\b
Exit codes:
  0    every recording has its result
  1    some recordings failed; the last lines say which and why
  2    the command line is wrong
  3    the server or endpoint cannot be used now; run the same command again later
  4    the results cannot be written
  130  interrupted by Ctrl-C
"""


@click.command(epilog=EPILOG)
@click.argument("recordings", metavar="FILE|FOLDER|GLOB|- ...", nargs=-1, required=True)
@click.option("--output", "-o", metavar="PATH", help="A file, or a folder (ending in /) for a file each.")
@click.option("--format", "format_name", type=click.Choice(list(FORMATS)), help="[default: by --output, else text]")
@click.option("--wide", is_flag=True, help="CSV with a row for each window and a column for each tag.")
@wish_options
@click.option("--jobs", "-j", type=click.IntRange(1, MAX_JOBS), metavar="N", default=4, help="Requests at a time (4).")
@click.option("--quiet", "-q", is_flag=True, help="No progress bar, and no summary unless something failed.")
@connection_options
@exit_codes
def command(
    recordings: Sequence[str],
    *,
    connection: Connection,
    wish: Wish,
    output: str | None,
    format_name: str | None,
    wide: bool,
    jobs: int,
    quiet: bool,
) -> Exit:
    """Tag recordings: sound files, all those in a folder, or standard input."""
    files = _files(recordings, wish.name)
    layout = Layout(wish.margin_seconds, wish.tag_margins_seconds, has_several=len(files) > 1)
    sink = _sink(output, _format(output, format_name, is_wide=wide), layout, wish.fields())
    with connection.open(jobs) as client:
        return run(files, sink, lambda file: wish.tag(client, file), num_jobs=jobs, is_quiet=quiet)


def run(files: Sequence[str], sink: Sink, tag: Callable[[str], Result], *, num_jobs: int, is_quiet: bool) -> Exit:
    """Tags what is not done yet, and hands each result on at once.

    Raises:
        CallError: The server cannot be used.
        OSError: A result cannot be written.
        KeyboardInterrupt: What has come is safe.
    """
    missing = [file for file in files if not sink.is_done(file)]
    summary = Summary(len(files), num_done_before=len(files) - len(missing))
    try:
        for outcome in summary.with_progress(tag_all(missing, tag, num_jobs), is_shown=not is_quiet):
            if isinstance(outcome.error, CallError) and outcome.error.concerns_server:
                raise outcome.error
            if outcome.result is not None:
                sink.add(Tagged(outcome.file, outcome.result))
            summary.add(outcome)
        sink.finish(is_complete=not summary.failures)
    finally:
        if summary.failures or summary.warnings or not is_quiet:
            summary.show()
    return Exit.SOME_FAILED if summary.failures else Exit.OK


def _files(recordings: Sequence[str], name: str | None) -> list[str]:
    try:
        files = find_recordings(recordings)
    except NothingFoundError as error:
        raise click.UsageError(str(error)) from None
    if name is not None and len(files) > 1:
        raise click.UsageError(f"--name is for one recording, and there are {len(files)}")
    return files


def _format(output: str | None, name: str | None, *, is_wide: bool) -> Format:
    found = FORMATS[name] if name else format_of(output or ".txt")
    if found is None:
        raise click.UsageError(f"{output} ends in none of {', '.join(known_suffixes())}; say which --format")
    return FORMATS["csv-wide"] if is_wide and found.name == "csv" else found


def _sink(output: str | None, output_format: Format, layout: Layout, options: Mapping[str, object]) -> Sink:
    if output is not None and (output.endswith("/") or Path(output).is_dir()):
        return Folder(Path(output), output_format, replace(layout, has_several=False))
    if layout.has_several and not output_format.holds_many:
        raise click.UsageError(f"a file of {output_format.name} holds one recording; give a folder: --output labels/")
    if output is None:
        return Terminal(output_format, layout, lambda text: click.echo(text, nl=False))
    if output_format.name == "jsonl":
        return Lines(Path(output), options)
    return OneFile(Path(output), output_format, layout, options)
