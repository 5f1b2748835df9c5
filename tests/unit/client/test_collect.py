"""`sense collect`: tables read back by pandas and pyarrow, S3 by moto, and processes that are killed midway."""

from __future__ import annotations

import functools
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import boto3
import duckdb
import pandas
import pyarrow.parquet
import pytest
from botocore.client import BaseClient
from moto.server import ThreadedMotoServer

from sense_client.cli.exits import Exit
from tests.conftest import TREE
from tests.support.scripted_server import answer

pytestmark = pytest.mark.slow

COLUMNS = ["key", "tag", "start_seconds", "end_seconds", "probability"]
NUM_ANSWERS = 120
NUM_BROKEN = 3
ERROR = "the body (8 bytes) is no audio"
# Kills the process itself at the moment that its first argument names; batches have 20 answers.
KILLED = """
import os, pathlib, signal, sys
import sense_client.collect.store as store
from sense_client.cli import main

store.BATCH_ANSWERS = 20
moment, number = sys.argv.pop(1).split(":")
left = int(number)

def kill_before(owner, name):
    original = getattr(owner, name)
    def run(*arguments, **options):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*arguments, **options)
    setattr(owner, name, run)

{
    "a batch": lambda: kill_before(store.Store, "add"),
    "an insertion": lambda: kill_before(store.Store, "_insert"),
    "replacing": lambda: kill_before(pathlib.Path, "replace"),
    "removing": lambda: kill_before(store.Store, "remove"),
}[moment]()
main()
"""


def sense(*arguments: object, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return run_python("-m", "sense_client", "collect", *arguments, folder=folder, **variables)


def run_python(*arguments: object, folder: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(TREE / "client"), **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def answers(num_answers: int = NUM_ANSWERS) -> dict[str, bytes]:
    """Answers by the paths of their recordings. Each has a Siren from 0 to 3 s and from 3 to 5 s, Speech in the odd."""
    found = {}
    for index in range(num_answers):
        windows = ("Siren", "Siren Speech" if index % 2 else "Siren", "", "Siren")
        found[f"day {index % 7}/ünï {index}.wav"] = json.dumps(answer(*windows)).encode()
    for index in range(NUM_BROKEN):
        broken = {"metadata": answer()["metadata"], "error": ERROR, "data": []}
        found[f"broken {index}.wav"] = json.dumps(broken).encode()
    return found


def expected(num_answers: int = NUM_ANSWERS) -> list[tuple[str, str, float, float, float]]:
    rows = []
    for index in range(num_answers):
        key = f"day {index % 7}/ünï {index}.wav"
        rows += [(key, "Siren", 0.0, 3.0, 0.75), (key, "Siren", 3.0, 5.0, 0.75)]
        rows += [(key, "Speech", 1.0, 3.0, 0.75)] if index % 2 else []
    return sorted(rows, key=lambda row: (row[0], row[2]))


def write(folder: Path, objects: dict[str, bytes]) -> None:
    for name, content in objects.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder in which `job` is what `aws s3 sync` leaves of a job's answers."""
    write(tmp_path / "job", {f"{key}.out": body for key, body in answers().items()})
    (tmp_path / "job" / "_SUCCESS").write_text("not an answer")
    return tmp_path


READERS: dict[str, Callable[[Path], pandas.DataFrame]] = {
    "parquet": pandas.read_parquet,
    "csv": pandas.read_csv,
    "jsonl": functools.partial(pandas.read_json, lines=True),
}


@pytest.mark.parametrize("ending", READERS)
def test_a_folder_becomes_a_table_with_a_row_for_each_event(folder: Path, ending: str) -> None:
    run = sense("job", "-o", f"events.{ending}", folder=folder)
    assert run.returncode == Exit.SOME_FAILED
    table = READERS[ending](folder / f"events.{ending}")
    assert list(table.columns) == COLUMNS
    assert list(table.itertuples(index=False, name=None)) == expected()
    assert run.stderr.splitlines() == [
        f"sense: {NUM_ANSWERS + NUM_BROKEN} answers, {len(expected())} rows in events.{ending}, {NUM_BROKEN} failed",
        *(f"sense:   broken {index}.wav: {ERROR}" for index in range(NUM_BROKEN)),
    ]
    assert sorted(path.name for path in folder.iterdir()) == [f"events.{ending}", "job"]


def test_the_parquet_files_columns_have_the_documented_types(folder: Path) -> None:
    sense("job", "-o", "events.parquet", folder=folder)
    schema = pyarrow.parquet.read_schema(folder / "events.parquet")
    assert dict(zip(schema.names, map(str, schema.types), strict=True)) == dict(
        zip(COLUMNS, ["string", "string", "double", "double", "double"], strict=True)
    )


@pytest.mark.parametrize(
    ("options", "sirens"),
    [
        (["--margin", "1"], [(0.0, 5.0)]),
        (["--margin", "1", "--tag-margin", "Siren=0"], [(0.0, 3.0), (3.0, 5.0)]),
        (["--windows"], [(0.0, 2.0), (1.0, 3.0), (3.0, 5.0)]),
    ],
)
def test_margins_and_windows(tmp_path: Path, options: list[str], sirens: list[tuple[float, float]]) -> None:
    write(tmp_path / "job", {f"{key}.out": body for key, body in answers(1).items()})
    sense("job", "-o", "table.parquet", *options, folder=tmp_path)
    table = pandas.read_parquet(tmp_path / "table.parquet")
    assert list(zip(table.start_seconds, table.end_seconds, strict=True)) == sirens


def test_answers_that_sense_tag_wrote(tmp_path: Path) -> None:
    write(tmp_path / "answers", {f"{key}.json": body for key, body in answers(2).items()})
    sense("answers", "-o", "events.csv", folder=tmp_path)
    assert list(pandas.read_csv(tmp_path / "events.csv").itertuples(index=False, name=None)) == expected(2)


def test_nothing_heard_anywhere_is_a_table_without_rows(tmp_path: Path) -> None:
    write(tmp_path / "job", {"a.wav.out": json.dumps(answer("", "")).encode()})
    assert sense("job", "-o", "events.parquet", folder=tmp_path).returncode == Exit.OK
    table = pandas.read_parquet(tmp_path / "events.parquet")
    assert (list(table.columns), len(table)) == (COLUMNS, 0)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b'{"data": []}', b'{"metadata": {}, "data": 1}'])
def test_what_is_no_answer_is_a_failure(tmp_path: Path, content: bytes) -> None:
    write(tmp_path / "job", {"a.wav.out": content, "b.wav.out": json.dumps(answer("Siren")).encode()})
    run = sense("job", "-o", "events.csv", "--failures", "failures.csv", folder=tmp_path)
    assert run.returncode == Exit.SOME_FAILED
    failures = pandas.read_csv(tmp_path / "failures.csv")
    assert (list(failures.columns), list(failures.key)) == (["key", "error"], ["a.wav"])
    assert failures.error[0].startswith("the answer cannot be read: ")
    assert len(pandas.read_csv(tmp_path / "events.csv")) == 1


def sql_blocks() -> list[str]:
    """The statements on the page: the table for Athena, then queries."""
    return re.findall("```sql\\n(.*?);\\n```", (TREE / "docs" / "collect.md").read_text(), re.DOTALL)


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of two recordings with sirens, and one with speech alone."""
    folder = tmp_path_factory.mktemp("events")
    found = {
        "b.wav": answer("Siren", "Siren", "", "Speech", "Siren"),
        "a.wav": answer("", "Siren", "", "", "", "", "", "Speech"),
        "c.wav": answer("Speech", "Emergency_vehicle_siren"),
    }
    write(folder / "job", {f"{key}.out": json.dumps(body).encode() for key, body in found.items()})
    sense("job", "-o", "events.parquet", folder=folder)
    return folder / "events.parquet"


def test_the_pages_table_for_athena_has_the_files_columns(events: Path) -> None:
    statement = sql_blocks()[0]
    listed = re.findall(r"^  `?(\w+)`? (\w+),?$", statement, re.MULTILINE)
    schema = pyarrow.parquet.read_schema(events)
    assert listed == list(zip(schema.names, map(str, schema.types), strict=True))
    assert statement.startswith("CREATE EXTERNAL TABLE events (")
    assert "STORED AS PARQUET" in statement


def test_the_pages_queries(events: Path) -> None:
    database = duckdb.connect()
    database.execute(f"CREATE VIEW events AS FROM '{events}'")
    by_tag, sirens, speech = (database.sql(query).fetchall() for query in sql_blocks()[1:])
    # b.wav: Siren 0-3 and 4-6, Speech 3-5; a.wav: Siren 1-3, Speech 7-9; c.wav: Speech 0-2, the other siren 1-3.
    assert by_tag == [("Siren", 3, 7.0), ("Speech", 3, 6.0), ("Emergency_vehicle_siren", 1, 2.0)]
    assert sirens == [("a.wav", 0.75, 1.0), ("b.wav", 0.75, 0.0), ("c.wav", 0.75, 1.0)]
    assert speech == [("b.wav", 0.0, 3.0)]


# --- S3 ---


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="module")
def variables(endpoint: str) -> dict[str, str]:
    names = ("AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION")
    return dict(zip(names, (endpoint, "nobody", "nothing", "us-east-1"), strict=True))


@pytest.fixture(scope="module")
def s3(endpoint: str) -> BaseClient:
    """The bucket `collected` with recordings under `input` and answers under `output/job`; two recordings have none."""
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id="nobody",
        aws_secret_access_key="nothing",
        region_name="us-east-1",
    )
    client.create_bucket(Bucket="collected")
    for key, body in answers().items():
        client.put_object(Bucket="collected", Key=f"output/job/{key}.out", Body=body)
        client.put_object(Bucket="collected", Key=f"input/{key}", Body=b"sound")
    for key in ("input/day 1/lost.wav", "input/lost.wav", "input/day 1/"):
        client.put_object(Bucket="collected", Key=key, Body=b"")
    client.put_object(Bucket="collected", Key="output/job-2/other.wav.out", Body=b"another job's")
    return client


LOST = ["day 1/lost.wav", "lost.wav"]


@pytest.mark.usefixtures("s3")
@pytest.mark.parametrize("place", ["s3://collected/output/job", "s3://collected/output/job/"])
def test_a_prefix_becomes_a_table_and_a_manifest_of_what_to_try_again(
    tmp_path: Path, variables: dict[str, str], place: str
) -> None:
    retry = ("--input", "s3://collected/input", "--retry-manifest", "retry.json", "--failures", "failures.parquet")
    run = sense(place, "-o", "events.parquet", *retry, folder=tmp_path, **variables)
    assert run.returncode == Exit.SOME_FAILED, run.stderr
    table = pandas.read_parquet(tmp_path / "events.parquet")
    assert list(table.itertuples(index=False, name=None)) == expected()
    broken = [f"broken {index}.wav" for index in range(NUM_BROKEN)]
    manifest = json.loads((tmp_path / "retry.json").read_text())
    assert manifest[0] == {"prefix": "s3://collected/input/"}
    assert manifest[1:] == sorted([*broken, *LOST])
    failures = pandas.read_parquet(tmp_path / "failures.parquet")
    assert dict(zip(failures.key, failures.error, strict=True)) == {
        **dict.fromkeys(broken, ERROR),
        **dict.fromkeys(LOST, "there is no answer"),
    }


@pytest.mark.usefixtures("s3")
@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["s3://nowhere/output", "-o", "a.csv"], Exit.UNAVAILABLE, "NoSuchBucket"),
        (["s3://collected/nothing", "-o", "a.csv"], Exit.USAGE, "there are no answers"),
        (["nothing", "-o", "a.csv"], Exit.USAGE, "neither a folder nor"),
        (["s3://collected/output", "-o", "a.xlsx"], Exit.USAGE, "ends in none of"),
        (["s3://collected/output", "-o", "a.csv", "--retry-manifest", "r"], Exit.USAGE, "needs --input s3://"),
    ],
)
def test_what_cannot_be_collected(
    tmp_path: Path, variables: dict[str, str], arguments: list[str], code: Exit, text: str
) -> None:
    run = sense(*arguments, folder=tmp_path, **variables)
    assert (run.returncode, "Traceback" in run.stderr) == (code, False)
    assert text in run.stderr


# --- Killed ---


@pytest.mark.parametrize("moment", ["a batch:0", "a batch:4", "an insertion:4", "replacing:0", "removing:0"])
def test_killed_at_any_moment_nothing_is_lost_or_double(folder: Path, moment: str) -> None:
    run = run_python("-c", KILLED, moment, "collect", "job", "-o", "events.csv", folder=folder)
    assert run.returncode == -signal.SIGKILL
    run = sense("job", "-o", "events.csv", folder=folder)
    assert run.returncode == Exit.SOME_FAILED
    table = pandas.read_csv(folder / "events.csv")
    assert list(table.itertuples(index=False, name=None)) == expected()
    assert sorted(path.name for path in folder.iterdir()) == ["events.csv", "job"]


def test_a_second_run_reads_only_what_is_missing_or_has_changed(folder: Path) -> None:
    run = run_python("-c", KILLED, "a batch:4", "collect", "job", "-o", "events.csv", folder=folder)
    read = sorted(path for path in folder.glob("job/**/*.out"))[:60]
    changed, *untouched = read
    for path in untouched:
        status = path.stat()
        path.write_bytes(b"?" * status.st_size)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    changed.write_text(json.dumps(answer("Whisper")))
    run = sense("job", "-o", "events.csv", folder=folder)
    assert f"{NUM_BROKEN - 1} failed" in run.stderr
    table = pandas.read_csv(folder / "events.csv")
    assert list(table[table.tag == "Whisper"].key) == [changed.name[: -len(".out")]]
    rest = table[table.tag != "Whisper"]
    assert list(rest.itertuples(index=False, name=None)) == expected()


def test_other_options_are_refused_midway(folder: Path) -> None:
    run_python("-c", KILLED, "a batch:1", "collect", "job", "-o", "events.csv", folder=folder)
    run = sense("job", "-o", "events.csv", "--windows", folder=folder)
    assert run.returncode == Exit.CANNOT_WRITE
    assert "was begun with other options" in run.stderr
    assert not (folder / "events.csv").exists()


def test_a_foreign_file_in_the_place_of_the_journal_is_left_as_it_is(folder: Path) -> None:
    journal = folder / "events.csv.journal.duckdb"
    journal.write_text("my notes" * 1_000)
    run = sense("job", "-o", "events.csv", folder=folder)
    assert run.returncode == Exit.CANNOT_WRITE
    assert "not a valid DuckDB database" in run.stderr
    assert journal.read_text() == "my notes" * 1_000
