"""The command `sense`. Each sub-command is a module here, which is imported only when it is called."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

import click

from sense_client import __version__

_COMMANDS = ("tag", "tags", "info", "listen", "report", "plot", "collect", "completion")
EPILOG = """\b
Examples:
  sense tag street.mp3
  sense tag recordings/ --output results.jsonl
  sense tag street.mp3 --endpoint cochl-sense --region us-east-1
  sense COMMAND --help
"""


class _Group(click.Group):
    """A group whose commands are the modules of this package that have the attribute `command`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [name for name in _COMMANDS if find_spec(f"{__name__}.{name}")]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        command: click.Command = import_module(f"{__name__}.{cmd_name}").command
        return command


@click.group(cls=_Group, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="sense")
def main() -> None:
    """Tag sounds: send recordings to a tagger, and read what is heard when.

    The tagger is a server (--url), a SageMaker endpoint (--endpoint), or this process where the full project is
    installed (--local).
    """
