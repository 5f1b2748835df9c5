"""`sense tags`: what a model can hear."""

from __future__ import annotations

import json
from dataclasses import asdict

import click

from sense_client.cli.connection import Connection, connection_options
from sense_client.cli.exits import Exit, exit_codes

EPILOG = """\b
Examples:
  sense tags
  sense tags --json
  sense tags --local --model other.pt2
"""


@click.command(epilog=EPILOG)
@click.option("--json", "as_json", is_flag=True, help="A JSON array of name, category and threshold.")
@connection_options
@exit_codes
def command(connection: Connection, *, as_json: bool) -> Exit:
    """List the tags that the model hears, with their categories and default thresholds."""
    with connection.open() as client:
        tags = client.tags()
    if as_json:
        click.echo(json.dumps([asdict(tag) for tag in tags], indent=2))
        return Exit.OK
    width = max((len(tag.name) for tag in tags), default=0)
    for tag in sorted(tags, key=lambda tag: (tag.category, tag.name)):
        click.echo(f"{tag.name:<{width}}  {tag.threshold:.3f}  {tag.category}")
    return Exit.OK
