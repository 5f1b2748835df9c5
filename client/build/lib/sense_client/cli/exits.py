"""Exit codes. The table is in docs/client.md."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from enum import IntEnum
from typing import ParamSpec

import click

from sense_client.errors import CallError
from sense_client.journal import JournalError

Parameters = ParamSpec("Parameters")


class Exit(IntEnum):
    """What a command ends with."""

    OK = 0
    SOME_FAILED = 1
    USAGE = 2
    UNAVAILABLE = 3
    CANNOT_WRITE = 4
    INTERRUPTED = 130


def exit_codes(command: Callable[Parameters, Exit]) -> Callable[Parameters, None]:
    """Makes a command's errors a line on standard error and an exit code."""

    @functools.wraps(command)
    def run(*arguments: Parameters.args, **options: Parameters.kwargs) -> None:
        sys.exit(_ended(lambda: command(*arguments, **options)))

    return run


def _ended(command: Callable[[], Exit]) -> Exit:
    try:
        return command()
    except CallError as error:
        say(str(error))
        return Exit.UNAVAILABLE if error.concerns_server else Exit.SOME_FAILED
    except JournalError as error:
        say(str(error))
        return Exit.CANNOT_WRITE
    except BrokenPipeError:
        # The reader of standard output has had enough; Python would complain once more when it flushes.
        sys.stdout = None
        return Exit.CANNOT_WRITE
    except OSError as error:
        say(f"{error.filename or 'the output'}: {reason(error)}")
        return Exit.CANNOT_WRITE
    except KeyboardInterrupt:
        say("interrupted")
        return Exit.INTERRUPTED


def say(text: str) -> None:
    """Writes a line to standard error."""
    click.echo(f"sense: {text}", err=True)


def reason(error: Exception | None) -> str:
    """Returns an error's text in one line."""
    text = error.strerror or str(error) if isinstance(error, OSError) else str(error)
    return " ".join(text.split())
