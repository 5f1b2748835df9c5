"""What was collected so far, on disk, in a DuckDB database beside the output.

Answers and their rows are written in one transaction for each batch, so a process that is killed at any moment leaves
whole batches, and the next one reads what is missing. DuckDB keeps memory constant: it sorts on disk what does not
fit. Why DuckDB: it is the journal, the sorter and the writer of all three formats at once. With pyarrow, a Parquet
file that a killed process left could not be gone on with, and sorting would be ours to write.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from sense_client.collect.answers import ANSWER_SUFFIXES, Collected
from sense_client.collect.places import Listed
from sense_client.errors import SetupError
from sense_client.journal import JournalError
from sense_client.sinks import replacing

if TYPE_CHECKING:
    import duckdb

# Ending of the output's name -> how DuckDB writes it.
FORMATS: Mapping[str, str] = {
    ".parquet": "FORMAT parquet",
    ".csv": "FORMAT csv, HEADER",
    ".jsonl": "FORMAT json",
    ".ndjson": "FORMAT json",
}
STORE_SUFFIX = ".journal.duckdb"
_SETTINGS: Mapping[str, str | int] = {"memory_limit": "128MB", "threads": 2}
# What is read and written at once, and so what is lost if the process is killed.
BATCH_ANSWERS = 500
BATCH_BYTES = 8 << 20
_LISTED_AT_ONCE = 5_000

_TABLES = rf"""
CREATE TABLE IF NOT EXISTS options (text VARCHAR);
CREATE TABLE IF NOT EXISTS answers (name VARCHAR, version VARCHAR, error VARCHAR);
CREATE TABLE IF NOT EXISTS rows (
    name VARCHAR, tag VARCHAR, start_seconds DOUBLE, end_seconds DOUBLE, probability DOUBLE
);
CREATE TEMP TABLE listed (name VARCHAR, version VARCHAR, size_bytes BIGINT);
CREATE TEMP TABLE recordings (key VARCHAR);
CREATE TEMP MACRO key_of(name) AS regexp_replace(name, '({"|".join(map(re.escape, ANSWER_SUFFIXES))})$', '');
CREATE TEMP VIEW events AS
    SELECT key_of(name) AS key, tag, start_seconds, end_seconds, probability FROM rows
    ORDER BY key, start_seconds, probability DESC, tag;
CREATE TEMP VIEW failures AS
    SELECT key_of(name) AS key, error FROM answers WHERE error IS NOT NULL
    UNION ALL
    SELECT key, 'there is no answer' FROM recordings ANTI JOIN (SELECT key_of(name) AS key FROM answers) USING (key)
    ORDER BY key;
"""


class Store:
    """The database of a run, opened for going on.

    Args:
        path: Its file; it need not exist.
        options: What the run asks for. A database of other options is refused.

    Raises:
        JournalError: The file holds something else, or another process uses it.
        SetupError: DuckDB is missing.
    """

    def __init__(self, path: Path, options: Mapping[str, Any]) -> None:
        try:
            import duckdb
        except ImportError:
            raise SetupError("sense collect needs DuckDB: pip install 'sense-client[collect]'") from None
        self._path, self._errors = path, duckdb.Error
        path.parent.mkdir(parents=True, exist_ok=True)
        with self._explained():
            self._database: duckdb.DuckDBPyConnection = duckdb.connect(path, config=dict(_SETTINGS))
            self._database.execute(_TABLES)
        self._check_options(json.dumps(options, sort_keys=True))

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._database.close()

    def set_listed(self, listed: Iterable[Listed]) -> None:
        """Takes all answers that there are. What was read of others, or of other versions, is dropped."""
        with self._explained():
            for chunk in _chunks(listed, _LISTED_AT_ONCE):
                self._insert("listed", [[each.name, each.version, each.size_bytes] for each in chunk])
            with self._transaction():
                self._database.execute(
                    "CREATE TEMP TABLE stale AS SELECT name FROM answers ANTI JOIN listed USING (name, version)"
                )
                for table in ("rows", "answers"):
                    self._database.execute(f"DELETE FROM {table} WHERE name IN (FROM stale)")

    def set_recordings(self, keys: Iterable[str]) -> None:
        """Takes all recordings that should have an answer."""
        with self._explained():
            for chunk in _chunks(keys, _LISTED_AT_ONCE):
                self._insert("recordings", [[key] for key in chunk])

    def missing(self) -> list[str]:
        """Returns the names of the answers to read next, none if all are read."""
        query = "SELECT name, size_bytes FROM listed ANTI JOIN answers USING (name) ORDER BY name LIMIT ?"
        names: list[str] = []
        num_bytes = 0
        with self._explained():
            for name, size_bytes in self._database.execute(query, [BATCH_ANSWERS]).fetchall():
                num_bytes += size_bytes
                if names and num_bytes > BATCH_BYTES:
                    break
                names.append(name)
        return names

    def add(self, batch: Sequence[Collected]) -> None:
        """Takes answers; they are safe when this returns."""
        rows = [[each.name, *row] for each in batch for row in each.rows]
        with self._explained(), self._transaction():
            self._database.execute(
                "INSERT INTO answers SELECT name, version, error FROM listed JOIN "
                "(SELECT unnest(?::VARCHAR[]) AS name, unnest(?::VARCHAR[]) AS error) USING (name)",
                [[each.name for each in batch], [each.error for each in batch]],
            )
            self._insert("rows", rows)

    def count(self, table: str) -> int:
        """Returns the number of rows of ``listed``, ``answers``, ``events`` or ``failures``."""
        with self._explained():
            ((number,),) = self._database.execute(f"SELECT count(*) FROM {table}").fetchall()
            return int(number)

    def failures(self) -> Iterator[tuple[str, str]]:
        """Yields key and reason of every recording without a result, by the key."""
        with self._explained():
            found = self._database.execute("FROM failures")
            while chunk := found.fetchmany(_LISTED_AT_ONCE):
                yield from chunk

    def write(self, table: str, path: Path) -> None:
        """Writes ``events`` or ``failures`` into a file, by its ending. It is there as a whole or not at all."""
        with replacing(path) as part, self._explained():
            quoted = str(part).replace("'", "''")
            self._database.execute(f"COPY (FROM {table}) TO '{quoted}' ({FORMATS[path.suffix.lower()]})")

    def remove(self) -> None:
        """Closes the database and removes it, and what a killed process left of sorting."""
        self._database.close()
        self._path.unlink()
        shutil.rmtree(f"{self._path}.tmp", ignore_errors=True)

    def _check_options(self, text: str) -> None:
        with self._explained():
            before = self._database.execute("FROM options").fetchall()
            if not before:
                self._database.execute("INSERT INTO options VALUES (?)", [text])
        if before and before != [(text,)]:
            self._database.close()
            raise JournalError(
                f"{self._path} was begun with other options ({before[0][0]}, and now {text}); choose another --output, "
                "or remove it"
            )

    def _insert(self, table: str, rows: Sequence[Sequence[object]]) -> None:
        """Inserts rows as one list for each column: a statement for each row takes several times as long."""
        if rows:
            columns = ", ".join("unnest(?)" for _ in rows[0])
            self._database.execute(f"INSERT INTO {table} SELECT {columns}", list(map(list, zip(*rows, strict=True))))

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._database.begin()
        try:
            yield
        except BaseException:
            self._database.rollback()
            raise
        self._database.commit()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except self._errors as error:
            raise JournalError(f"{self._path}: {' '.join(str(error).split())}") from error


def _chunks(items: Iterable[Any], size: int) -> Iterator[list[Any]]:
    iterator = iter(items)
    while chunk := list(islice(iterator, size)):
        yield chunk
