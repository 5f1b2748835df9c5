"""`sense info`: what a tagger says about itself."""

from __future__ import annotations

import json

import click

from sense_client.cli.connection import Connection, connection_options
from sense_client.cli.exits import Exit, exit_codes

EPILOG = """\b
Examples:
  sense info
  sense info --url http://tagger.example:8080
  sense info --endpoint cochl-sense --region us-east-1
"""


@click.command(epilog=EPILOG)
@connection_options
@exit_codes
def command(connection: Connection) -> Exit:
    """Show model, version, windows and limits as JSON. `sense tags` lists the tags."""
    with connection.open() as client:
        info = client.info()
    info["tags"] = len(info.get("tags", []))
    click.echo(json.dumps(info, indent=2))
    return Exit.OK
