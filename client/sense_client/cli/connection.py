"""The options that say where the tagger is. Every command that calls one has them."""

from __future__ import annotations

import functools
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import click

from sense_client.cli.exits import say
from sense_client.client import DEFAULT_URL, Client
from sense_client.local import LocalTransport, is_installed
from sense_client.sagemaker import Endpoint

CONNECT_SECONDS = 1.0
Command = TypeVar("Command", bound=Callable[..., Any])


@dataclass(frozen=True)
class Connection:
    """Where the tagger is: the options of the same names."""

    url: str | None
    header: Sequence[str]
    endpoint: str | None
    is_async: bool
    async_endpoint: str | None
    input_location: str | None
    profile: str | None
    region: str | None
    local: bool
    model: Path | None

    def open(self, max_connections: int = 1) -> Client:
        """Returns a client.

        Raises:
            click.UsageError: The options contradict each other.
            SetupError: The place does not exist.
        """
        self._check()
        if self.local or self.model or self._is_alone():
            return Client.over(LocalTransport(self.model))
        if self.endpoint is None:
            return Client(self.url, headers=self._headers(), max_connections=max_connections)
        place = Endpoint(
            self.endpoint, self.async_endpoint, self.is_async, self.input_location, self.region, self.profile
        )
        return Client(endpoint=place, max_connections=max_connections)

    def _is_alone(self) -> bool:
        """Says whether no place was named, nothing serves at the usual one, and this process can tag itself."""
        if self.url or self.header or self.endpoint or not is_installed() or _answers(DEFAULT_URL):
            return False
        say(f"nothing answers at {DEFAULT_URL}: tagging in this process")
        return True

    def _check(self) -> None:
        places = [self.url is not None, self.endpoint is not None, self.local or self.model is not None]
        if sum(places) > 1:
            raise click.UsageError("give one of --url, --endpoint and --local")
        only_aws = (self.is_async, self.async_endpoint, self.input_location, self.profile, self.region)
        if self.endpoint is None and any(only_aws):
            raise click.UsageError("--async, --async-endpoint, --input-location, --profile, --region need --endpoint")

    def _headers(self) -> dict[str, str]:
        pairs = [text.partition(":") for text in self.header]
        if not all(separator for _, separator, _ in pairs):
            raise click.UsageError("--header takes 'Name: value'")
        return {name.strip(): value.strip() for name, _, value in pairs}


def _answers(url: str) -> bool:
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname, parts.port), CONNECT_SECONDS).close()
    except OSError:
        return False
    return True


_OPTIONS = (
    click.option("--url", metavar="URL", help=f"A server.  [default: {DEFAULT_URL}]"),
    click.option("--header", metavar="'NAME: VALUE'", multiple=True, help="Send this header to --url, too."),
    click.option("--endpoint", metavar="NAME", help="A SageMaker endpoint."),
    click.option("--async", "is_async", is_flag=True, help="The endpoint is asynchronous; upload and wait."),
    click.option("--async-endpoint", metavar="NAME", help="The endpoint for recordings over 25 MB."),
    click.option("--input-location", metavar="S3-URI", help="Where to upload to.  [default: input/ in its bucket]"),
    click.option("--profile", metavar="NAME", help="The profile of AWS's configuration."),
    click.option("--region", metavar="NAME", help="The region of AWS."),
    click.option("--local", is_flag=True, help="Tag in this process, where the full project is installed."),
    click.option(
        "--model", metavar="FILE", type=click.Path(path_type=Path), help="The model file for --local, which it implies."
    ),
)
_NAMES = tuple(Connection.__dataclass_fields__)


def connection_options(command: Command) -> Callable[..., Any]:
    """Adds the options, and passes them on as the keyword argument `connection`."""

    @functools.wraps(command)
    def run(*arguments: Any, **options: Any) -> Any:  # noqa: ANN401  # click's own
        connection = Connection(**{name: options.pop(name) for name in _NAMES})
        return command(*arguments, connection=connection, **options)

    decorated: Callable[..., Any] = run
    for option in reversed(_OPTIONS):
        decorated = option(decorated)
    return decorated
