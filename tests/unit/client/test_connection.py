"""Where a command finds its tagger if nothing says: at the usual address, else in its own process."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from sense_client import Result, local
from sense_client.cli import connection, main
from sense_client.cli.connection import Connection
from sense_client.cli.exits import Exit
from sense_client.http import HttpTransport
from tests.support.scripted_server import Reply, Server, answer, running


class InThisProcess:
    """Stands for the handler in this process, which needs PyTorch."""

    def __init__(self, model: Path | None = None) -> None:
        pass

    def tag(self, *_: object) -> Result:
        return Result.from_dict(answer("Siren"))

    def close(self) -> None:
        pass


@pytest.fixture
def recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A recording, on a machine where the whole project is installed."""
    monkeypatch.setattr(connection, "LocalTransport", InThisProcess)
    monkeypatch.setattr(connection, "is_installed", lambda: True)
    (tmp_path / "street.wav").write_bytes(b"sound")
    return tmp_path / "street.wav"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server at the usual address, which hears Speech."""
    with running(lambda _: Reply(200, answer("Speech"))) as started:
        monkeypatch.setattr(connection, "DEFAULT_URL", started.url)
        monkeypatch.setattr("sense_client.client.DEFAULT_URL", started.url)
        yield started


@pytest.fixture
def free_url(monkeypatch: pytest.MonkeyPatch) -> str:
    """The usual address, with nothing there."""
    with running(lambda _: Reply(500)) as stopped:
        url = stopped.url
    monkeypatch.setattr(connection, "DEFAULT_URL", url)
    monkeypatch.setattr("sense_client.client.DEFAULT_URL", url)
    return url


def tag(*arguments: str | Path) -> tuple[int, str, str]:
    run = CliRunner().invoke(main, ["tag", "--quiet", *map(str, arguments)])
    return run.exit_code, run.stdout, run.stderr


def test_a_server_at_the_usual_address_is_used(recording: Path, server: Server) -> None:
    assert tag(recording) == (Exit.OK, "At 0-2s, [Speech] was detected\n", "")


def test_without_one_the_own_process_tags_and_says_so(recording: Path, free_url: str) -> None:
    said = f"sense: nothing answers at {free_url}: tagging in this process\n"
    assert tag(recording) == (Exit.OK, "At 0-2s, [Siren] was detected\n", said)


def place(**named: object) -> Connection:
    """What a command makes of options, all others left out."""
    defaults = {"header": (), "is_async": False, "local": False}
    return Connection(**{**dict.fromkeys(Connection.__dataclass_fields__), **defaults, **named})  # type: ignore[arg-type]


@pytest.mark.parametrize("named", [{"url": "http://127.0.0.1:9"}, {"header": ("Authorization: x",)}])
def test_a_place_that_was_named_is_never_replaced(recording: Path, free_url: str, named: dict[str, object]) -> None:
    assert isinstance(place(**named).open().transport, HttpTransport)


def test_the_client_alone_cannot_replace_a_server(
    recording: Path, free_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(place().open().transport, InThisProcess)
    monkeypatch.setattr(connection, "is_installed", lambda: False)
    assert isinstance(place().open().transport, HttpTransport)


@pytest.mark.parametrize("where", ["beside .venv", "working folder"])
def test_the_project_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    (tmp_path / "handler").mkdir()
    (tmp_path / "handler" / "sense_handler.py").touch()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setattr(sys, "prefix", str(tmp_path / (".venv" if where == "beside .venv" else "elsewhere/.venv")))
    monkeypatch.chdir(tmp_path / "elsewhere" if where == "beside .venv" else tmp_path)
    assert local.project_folder() == tmp_path
    (tmp_path / "handler" / "sense_handler.py").unlink()
    assert local.project_folder() is None
    assert not local.is_installed()
