"""Standing queries of an index, and the journal of what they found: kept in its folder."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from skykin.core.errors import IndexRefusedError, ResourceError, UsageError, shown
from skykin.indexing.layout import STANDING
from skykin.indexing.remote import remote_of

#: Marks the journal among SQLite files: ``SKYQ``; and its version.
APPLICATION_ID, FORMAT = 0x534B5951, 1
#: How long another process is waited for.
PATIENCE_S = 90.0
SCHEMA = (
    "CREATE TABLE queries (name TEXT PRIMARY KEY, settings TEXT NOT NULL, added TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE found (number INTEGER PRIMARY KEY, identifier TEXT NOT NULL UNIQUE, query TEXT NOT NULL, "
    "lon REAL NOT NULL, lat REAL NOT NULL, notice TEXT NOT NULL, announced INTEGER NOT NULL)",
    "CREATE TABLE state (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
)
#: Name of the state of source, index and queries after which nothing was left to do.
SEEN = "seen"


@dataclass(frozen=True)
class StandingQuery:
    """A query that is asked again whenever data arrive.

    Parameters
    ----------
    name : str
    settings : Mapping
        Plain values: the query, the criterion, and what else decides the targets.
    added : str
        When, UTC.
    """

    name: str
    settings: Mapping[str, Any]
    added: str


@dataclass(frozen=True)
class Found:
    """A target that a standing query found.

    Parameters
    ----------
    identifier : str
        The same for the same target of the same query, whenever and however often it is found.
    query : str
    lon_deg, lat_deg : float
        Galactic.
    notice : Mapping
        What is announced, plain values.
    """

    identifier: str
    query: str
    lon_deg: float
    lat_deg: float
    notice: Mapping[str, Any]


class Standing:
    """The standing queries of an index and their journal, opened; a context manager.

    What is found is written down before it is announced and marked after; both survive a process that is
    killed at any moment.

    Parameters
    ----------
    folder : Path
        Of the index.

    Raises
    ------
    UsageError
        If the index is in a bucket, where there is no place for them.
    """

    def __init__(self, folder: Path) -> None:
        remote = remote_of(folder)
        if remote is not None:
            raise UsageError(
                f"standing queries lie beside an index on this computer, but {shown(remote.address)} is in a "
                "bucket; give the folder of an index"
            )
        self.folder = folder
        with self._told():
            self._connection = sqlite3.connect(
                folder / STANDING, isolation_level=None, timeout=PATIENCE_S, check_same_thread=False
            )
            try:
                self._connection.execute("PRAGMA synchronous = FULL")
                self._prepare()
            except BaseException:
                self._connection.close()
                raise

    def __enter__(self) -> Standing:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def queries(self) -> tuple[StandingQuery, ...]:
        """Give the queries in the order of their names."""
        with self._told():
            rows = self._connection.execute("SELECT name, settings, added FROM queries ORDER BY name")
            return tuple(StandingQuery(name, json.loads(text), added) for name, text, added in rows)

    def add(self, query: StandingQuery) -> bool:
        """Keep a query; return False, and change nothing, if there is one of its name."""
        with self._transaction():
            row = (query.name, json.dumps(query.settings), query.added)
            self._do("DELETE FROM state WHERE name = ?", SEEN)
            return self._do("INSERT OR IGNORE INTO queries VALUES (?, ?, ?)", *row).rowcount == 1

    def remove(self, name: str) -> bool:
        """Forget a query and what it found; return False if there is none of this name."""
        with self._transaction():
            self._do("DELETE FROM found WHERE query = ?", name)
            self._do("DELETE FROM state WHERE name = ?", SEEN)
            return self._do("DELETE FROM queries WHERE name = ?", name).rowcount == 1

    def counts(self) -> dict[str, tuple[int, int]]:
        """Of each query, how many targets were announced, and how many are to be."""
        with self._told():
            rows = self._do(
                "SELECT query, sum(announced), sum(1 - announced) FROM found GROUP BY query"
            ).fetchall()
            return {query: (int(announced), int(waiting)) for query, announced, waiting in rows}

    def found(self, query: str) -> tuple[Found, ...]:
        """Give all that a query found so far."""
        with self._told():
            return self._found("query = ?", query)

    def waiting(self) -> tuple[Found, ...]:
        """Give what is written down and not marked as announced, in the order in which it was found."""
        with self._told():
            return self._found("announced = 0")

    def write_down(self, found: tuple[Found, ...], *, announced: bool = False) -> None:
        """Keep what was found, all of it or, if that fails, nothing."""
        with self._transaction():
            known = {name for (name,) in self._do("SELECT name FROM queries")}
            for each in found:
                if each.query in known:  # it may have been removed meanwhile
                    self._do(
                        "INSERT OR IGNORE INTO found (identifier, query, lon, lat, notice, announced) "
                        "VALUES (?, ?, ?, ?, ?, ?)",
                        each.identifier, each.query, each.lon_deg, each.lat_deg, json.dumps(each.notice),
                        int(announced),
                    )  # fmt: skip

    @contextmanager
    def announcing(self, found: Found) -> Iterator[bool]:
        """Let one target be announced in the block, then mark it.

        Gives False if another process did so meanwhile, or its query was removed.  If the block fails, it is
        not marked.
        """
        with self._transaction():
            where = "WHERE identifier = ? AND announced = 0"
            is_mine = self._do(f"SELECT 1 FROM found {where}", found.identifier).fetchone()  # noqa: S608
            yield is_mine is not None
            self._do(f"UPDATE found SET announced = 1 {where}", found.identifier)  # noqa: S608

    @property
    def seen(self) -> str:
        """The state of source, index and queries after which nothing was left to do."""
        with self._told():
            row = self._do("SELECT value FROM state WHERE name = ?", SEEN).fetchone()
            return "" if row is None else str(row[0])

    @seen.setter
    def seen(self, state: str) -> None:
        with self._transaction():
            self._do("REPLACE INTO state VALUES (?, ?)", SEEN, state)

    def _found(self, where: str, *values: str) -> tuple[Found, ...]:
        rows = self._do(
            f"SELECT identifier, query, lon, lat, notice FROM found WHERE {where} ORDER BY number",  # noqa: S608
            *values,
        )
        return tuple(Found(name, query, lon, lat, json.loads(text)) for name, query, lon, lat, text in rows)

    def _prepare(self) -> None:
        (mark,) = self._connection.execute("PRAGMA application_id").fetchone()
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if (mark, version) == (APPLICATION_ID, FORMAT):
            return
        if mark or self._connection.execute("SELECT name FROM sqlite_master").fetchone():
            raise IndexRefusedError(
                f"{STANDING} in {shown(self.folder.name)} is of another program or version; update Skykin, "
                "or move the file away and add the queries again",
                code="IX-VERSION",
            )
        with self._transaction():
            (mark,) = self._connection.execute("PRAGMA application_id").fetchone()
            if mark == APPLICATION_ID:  # another process was first
                return
            for statement in SCHEMA:
                self._do(statement)
            self._do(f"PRAGMA application_id = {APPLICATION_ID}")
            self._do(f"PRAGMA user_version = {FORMAT}")

    def _do(self, statement: str, *values: Any) -> sqlite3.Cursor:
        return self._connection.execute(statement, values)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with self._told():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Tell in a sentence what SQLite says."""
        try:
            yield
        except sqlite3.OperationalError as error:
            busy, readonly = (
                "locked" in str(error),
                "readonly" in str(error) or "unable to open" in str(error),
            )
            raise ResourceError(
                f"cannot use {STANDING} of the index {shown(self.folder.name)}: {error}; nothing is lost, so "
                f"{'wait until the other process is done' if busy else 'mend that'} and run the same command "
                "again",
                code="IX-LOCKED" if busy else "RS-READONLY" if readonly else "RS-DISK",
            ) from error
        except (sqlite3.DatabaseError, json.JSONDecodeError) as error:
            raise IndexRefusedError(
                f"{STANDING} of the index {shown(self.folder.name)} is damaged ({shown(error)}); restore it "
                "from a copy, or remove it and add the queries again"
            ) from error
