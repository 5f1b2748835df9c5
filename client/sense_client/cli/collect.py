"""`sense collect`: the answers of a transform job -> one table."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path

import click
from tqdm import tqdm

from sense_client.cli import values
from sense_client.cli.exits import Exit, exit_codes, say
from sense_client.collect.answers import ANSWER_SUFFIXES, Row, collected, event_rows, window_rows
from sense_client.collect.manifest import write_manifest
from sense_client.collect.places import S3, Bucket, Folder, Listed, Place
from sense_client.collect.store import FORMATS, STORE_SUFFIX, Store
from sense_client.results import Result

MAX_JOBS = 128
SHOWN_FAILURES = 10
EPILOG = """\b
Examples:
  sense collect s3://bucket/output/street-2026-11 --output events.parquet
  sense collect answers/ --output events.csv --margin 2
  sense collect s3://bucket/output/job -o windows.jsonl --windows
  sense collect s3://bucket/output/job -o events.parquet --input s3://bucket/input --retry-manifest retry.json

\b
Exit codes:
  0    every recording has its result
  1    some recordings have none; the last lines say which and why
  2    the command line is wrong
  3    S3 cannot be used now; run the same command again later
  4    the table cannot be written
  130  interrupted by Ctrl-C
"""


def _table(_: click.Context, __: click.Parameter, path: Path | None) -> Path | None:
    if path is not None and path.suffix.lower() not in FORMATS:
        raise click.BadParameter(f"{path} ends in none of {', '.join(FORMATS)}")
    return path


_TABLE = click.Path(dir_okay=False, path_type=Path)


@click.command(epilog=EPILOG)
@click.argument("answers", metavar="s3://BUCKET/PREFIX|FOLDER")
@click.option("--output", "-o", metavar="PATH", required=True, type=_TABLE, callback=_table, help="The table.")
@click.option("--windows", is_flag=True, help="A row for each tag in each window, not for each event.")
@click.option("--margin", type=click.FloatRange(0), default=0.0, help="How long a tag may be missing within an event.")
@click.option(
    "--tag-margin", type=values.tag_margin, metavar="TAG=SECONDS", multiple=True, help="The same for one tag."
)
@click.option("--input", "recordings", metavar="s3://...|FOLDER", help="The job's recordings: names those unanswered.")
@click.option("--failures", metavar="PATH", type=_TABLE, callback=_table, help="A table of key and error.")
@click.option("--retry-manifest", metavar="PATH", type=_TABLE, help="A ManifestFile of the failures; needs --input.")
@click.option("--jobs", "-j", type=click.IntRange(1, MAX_JOBS), metavar="N", default=16, help="Reads at a time (16).")
@click.option("--profile", help="The profile of AWS's configuration.")
@click.option("--region", help="AWS's region.")
@click.option("--quiet", "-q", is_flag=True, help="No progress bar, and no summary unless something failed.")
@exit_codes
def command(
    answers: str,
    *,
    output: Path,
    windows: bool,
    margin: float,
    tag_margin: Sequence[tuple[str, float]],
    recordings: str | None,
    failures: Path | None,
    retry_manifest: Path | None,
    jobs: int,
    profile: str | None,
    region: str | None,
    quiet: bool,
) -> Exit:
    """Collect the answers of a transform job into one table: key, tag, start_seconds, end_seconds, probability.

    The answers are the objects (or files) that end in .out or .json. A key is an answer's path without that ending,
    which is the path of its recording. Run the same command again after Ctrl-C or a power cut: it goes on.
    """
    if retry_manifest and not (recordings or "").startswith(S3):
        raise click.UsageError("--retry-manifest needs --input s3://bucket/prefix, where the recordings are")
    places = [_place(text, profile, region, jobs) for text in (answers, recordings) if text]
    margins = dict(tag_margin)
    options = {"answers": places[0].root, "windows": windows, "margin": margin, "tag_margins": margins}
    rows_of = window_rows if windows else partial(event_rows, margin, margins)
    with Store(output.with_name(output.name + STORE_SUFFIX), options) as store:
        note_listings(store, places, is_quiet=quiet)
        read(places[0], store, rows_of, num_jobs=jobs, is_quiet=quiet)
        store.write("events", output)
        if failures:
            store.write("failures", failures)
        if retry_manifest:
            write_manifest(retry_manifest, places[1].root, (key for key, _ in store.failures()))
        num_failures = show(store, output, is_quiet=quiet)
        store.remove()
    return Exit.SOME_FAILED if num_failures else Exit.OK


def note_listings(store: Store, places: Sequence[Place], *, is_quiet: bool) -> None:
    """Lists the answers and, at the second place, the recordings.

    Raises:
        click.UsageError: There are no answers.
    """
    answers, *recordings = places
    store.set_listed(_shown(answers.listed(ANSWER_SUFFIXES), "listing", is_quiet=is_quiet))
    if not store.count("listed"):
        store.remove()
        raise click.UsageError(f"there are no answers ({', '.join(ANSWER_SUFFIXES)}) in {answers.root}")
    for place in recordings:
        store.set_recordings(each.name for each in _shown(place.listed(), "listing the input", is_quiet=is_quiet))


def read(place: Place, store: Store, rows_of: Callable[[Result], list[Row]], *, num_jobs: int, is_quiet: bool) -> None:
    """Reads what was not read before, several answers at a time."""
    bar = _bar("answers", is_quiet=is_quiet, total=store.count("listed"), initial=store.count("answers"))
    with bar, ThreadPoolExecutor(num_jobs) as pool:
        while names := store.missing():
            store.add(list(pool.map(partial(collected, place, rows_of), names)))
            bar.update(len(names))


def show(store: Store, output: Path, *, is_quiet: bool) -> int:
    """Says what was collected; returns the number of recordings without a result."""
    num_answers, num_events, num_failures = map(store.count, ("answers", "events", "failures"))
    if num_failures or not is_quiet:
        failed = f", {num_failures} failed" if num_failures else ""
        say(f"{num_answers} answers, {num_events} rows in {output}{failed}")
    for key, error in islice(store.failures(), SHOWN_FAILURES):
        say(f"  {key}: {error}")
    if num_failures > SHOWN_FAILURES:
        say(f"  and {num_failures - SHOWN_FAILURES} more; --failures PATH writes all of them")
    return num_failures


def _place(text: str, profile: str | None, region: str | None, num_jobs: int) -> Place:
    if text.startswith(S3):
        return Bucket(text, profile, region, num_jobs)
    if not Path(text).is_dir():
        raise click.UsageError(f"{text} is neither a folder nor s3://bucket/prefix")
    return Folder(Path(text))


def _shown(listed: Iterable[Listed], title: str, *, is_quiet: bool) -> Iterator[Listed]:
    with _bar(title, is_quiet=is_quiet) as bar:
        for each in listed:
            yield each
            bar.update()


def _bar(title: str, *, is_quiet: bool, **counts: int) -> tqdm:
    is_shown = not is_quiet and sys.stderr.isatty()
    return tqdm(desc=title, unit="object", disable=not is_shown, leave=False, **counts)
