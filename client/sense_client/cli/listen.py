"""`sense listen`: a microphone or a stream of samples -> events as they happen."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click

from sense_client.cli import values
from sense_client.cli.connection import Connection, connection_options
from sense_client.cli.exits import Exit, exit_codes
from sense_client.client import Client
from sense_client.errors import SetupError
from sense_client.listening import Change, Listener, rolling
from sense_client.outputs.text import line, seconds
from sense_client.recording import RawFormat, TagOptions
from sense_client.results import Window

MICROPHONE = RawFormat(44_100, "s16le", 1)
BLOCKS_PER_SECOND = 10
# The windows of a tagger that does not state its own.
WINDOW_SECONDS, HOP_SECONDS = 2.0, 1.0
EPILOG = """\b
Examples:
  sense listen                                              # the microphone; needs: pip install 'sense-client[listen]'
  arecord -q -f S16_LE -r 16000 | sense listen --raw rate=16000,format=s16le
  ffmpeg -v error -re -i street.mp3 -f s16le -ac 1 -ar 16000 - | sense listen --raw rate=16000,format=s16le
  sense listen --tags Siren,Glass_break --sensitivity -1 --ends
"""


@click.command(epilog=EPILOG)
@click.option("--raw", type=values.raw, metavar="rate=HZ,format=F[,channels=N]", help="Samples on standard input.")
@click.option("--sensitivity", type=click.IntRange(-2, 2), metavar="N", help="-2 to 2; higher: more detections.")
@click.option("--tags", type=values.names, metavar="TAG,...", help="These tags only.")
@click.option("--margin", type=click.FloatRange(0), metavar="SECONDS", default=0.0, help="How long a tag may pause.")
@click.option("--ends", is_flag=True, help="A line when an event ends, too, with its whole time.")
@connection_options
@exit_codes
def command(
    connection: Connection,
    *,
    raw: RawFormat | None,
    sensitivity: int | None,
    tags: tuple[str, ...] | None,
    margin: float,
    ends: bool,
) -> Exit:
    """Tag sound as it comes, and write a line for each event as it begins. Ctrl-C ends it."""
    with connection.open() as client:
        window_seconds, hop_seconds = _grid(client)
        listener = Listener(hop_seconds, margin)
        blocks = _microphone() if raw is None else _standard_input(raw)
        shape = raw or MICROPHONE
        options = TagOptions(sensitivity)
        sizes = (_size_bytes(shape, each) for each in (window_seconds, hop_seconds))
        for number, samples in rolling(blocks, *sizes):
            result = client.tag(samples, raw=shape, options=options)
            (window, *_) = (result.filtered(tags) if tags else result).windows
            start_seconds = number * hop_seconds
            _show(listener.hear(Window(start_seconds, start_seconds + window_seconds, window.tags)), with_ends=ends)
        _show(listener.finish(), with_ends=ends)
    return Exit.OK


def _grid(client: Client) -> tuple[float, float]:
    windows = client.info().get("windows", {})
    return windows.get("seconds", WINDOW_SECONDS), windows.get("hop_seconds", HOP_SECONDS)


def _size_bytes(shape: RawFormat, length_seconds: float) -> int:
    return round(length_seconds * shape.rate) * shape.frame_bytes


def _show(changes: Iterator[Change], *, with_ends: bool) -> None:
    for change in changes:
        event = change.event
        if not change.has_ended:
            click.echo(f"At {seconds(event.start_seconds)}s, [{event.tag}] began ({event.peak_probability:.2f})")
        elif with_ends:
            click.echo(line(event))


def _standard_input(shape: RawFormat) -> Iterator[bytes]:
    num_bytes = _size_bytes(shape, 1 / BLOCKS_PER_SECOND)
    while block := sys.stdin.buffer.read(num_bytes):
        yield block


def _microphone() -> Iterator[bytes]:
    try:
        import sounddevice
    except (ImportError, OSError) as error:
        raise SetupError(
            f"the microphone needs sounddevice and PortAudio ({error}): pip install 'sense-client[listen]' and, on "
            "Debian, apt-get install libportaudio2; or pipe samples in with --raw"
        ) from None
    try:
        with sounddevice.RawInputStream(MICROPHONE.rate, channels=MICROPHONE.channels, dtype="int16") as stream:
            while True:
                yield bytes(stream.read(MICROPHONE.rate // BLOCKS_PER_SECOND)[0])
    except sounddevice.PortAudioError as error:
        raise SetupError(f"the microphone cannot be used: {error}") from None
