"""The manifest: what an index is of, what is planned, and what is committed."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from skykin.core.errors import IndexRefusedError, ResourceError, shown
from skykin.indexing.layout import APPLICATION_ID, FORMAT, MANIFEST
from skykin.indexing.shards import Shard

#: The tables of the version that answers, and of the next one while data is appended.
TABLES = {name: name for name in ("facts", "steps", "shards")}
NEXT_TABLES = {name: f"next_{name}" for name in TABLES}
SCHEMA = (
    "CREATE TABLE {facts} (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID",
    "CREATE TABLE {steps} (name TEXT PRIMARY KEY, position INTEGER NOT NULL, plan TEXT NOT NULL, "
    "result TEXT) WITHOUT ROWID",
    "CREATE TABLE {shards} (name TEXT PRIMARY KEY, step TEXT NOT NULL, file TEXT NOT NULL, "
    "sha256 TEXT NOT NULL, shape TEXT NOT NULL, dtype TEXT NOT NULL, size INTEGER NOT NULL) WITHOUT ROWID",
)
SEAL = "seal"


@dataclass(frozen=True)
class Step:
    """A part of the work: planned, and committed once it has a result.

    Parameters
    ----------
    name : str
    plan : dict
        All that decides it.
    result : dict or None
        None until its shards are committed.
    """

    name: str
    plan: Mapping[str, Any]
    result: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class Manifest:
    """One committed state of an index.

    Parameters
    ----------
    facts : dict
        What it is of, and how it was made.
    steps : tuple of Step
        In the order in which they were planned.
    shards : dict
        By name.
    """

    facts: Mapping[str, Any]
    steps: tuple[Step, ...] = ()
    shards: Mapping[str, Shard] = field(default_factory=dict)

    @property
    def missing(self) -> tuple[Step, ...]:
        """Planned, not committed."""
        return tuple(step for step in self.steps if step.result is None)

    @property
    def size(self) -> int:
        """Bytes of all shards."""
        return sum(shard.size for shard in self.shards.values())


def read_manifest(folder: Path) -> Manifest:
    """Read the last committed state, while a builder may be at work.

    Raises
    ------
    IndexRefusedError
        If there is no index (``IX-VERSION``), it is of another version, or its manifest is damaged
        (``IX-CORRUPT``).
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise IndexRefusedError(
            f"{shown(folder.name or folder)} is no index: it holds no {MANIFEST}; make one with "
            "`skykin index`",
            code="IX-VERSION",
        )
    try:
        with _damage_told(folder):
            try:
                return _read_with(path, "mode=ro")
            except sqlite3.OperationalError:
                # On a read-only disk SQLite cannot make the files beside it that several readers need.
                return _read_with(path, "immutable=1")
    except sqlite3.OperationalError as error:
        raise ResourceError(
            f"cannot read {MANIFEST} of the index {shown(folder.name)}: {error}; check its permissions",
            code="RS-READONLY",
        ) from error


def _read_with(path: Path, how: str) -> Manifest:
    with closing(sqlite3.connect(f"{path.resolve().as_uri()}?{how}", uri=True)) as connection:
        connection.text_factory = bytes.decode
        _check_version(connection, path.parent)
        return _load(connection)


class ManifestWriter:
    """The manifest, open for writing; one process at a time.

    Readers see one version.  While data is appended to a finished index, the next version grows in tables
    of its own, and takes the place of the first in one transaction when it is whole.

    Parameters
    ----------
    folder : Path
        Of the index.

    Attributes
    ----------
    answering : Manifest
        What readers see.
    state : Manifest
        What is built: the same, or the next version.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._tables = TABLES
        with _damage_told(folder), _disk_told(folder):
            # Every statement that changes something is inside an explicit transaction.
            self._connection = sqlite3.connect(
                folder / MANIFEST, isolation_level=None, check_same_thread=False
            )
            self._connection.text_factory = bytes.decode
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            if not self._connection.execute("SELECT name FROM sqlite_master").fetchall():
                self._create()
            _check_version(self._connection, folder)
            self.state = self.answering = _load(self._connection)

    def close(self) -> None:
        """Leave one file: the log is written back."""
        self._connection.close()

    def begin_next(self, go_on: Callable[[Manifest], bool]) -> None:
        """Build a next version from what is answering, or the one that was begun if `go_on` says so.

        An index that is not finished answers nobody, and grows as it is.
        """
        if self.answering.missing or not self.answering.steps:
            return
        with _damage_told(self.folder), _disk_told(self.folder):
            begun = _load(self._connection, NEXT_TABLES) if self._has_next() else None
        self._tables = NEXT_TABLES
        if begun is not None and go_on(begun):
            self.state = begun
            return
        with self._transaction():
            if begun is not None:
                self._drop_next()
            for statement in SCHEMA:
                self._do(statement)
            for old, new in zip(TABLES.values(), NEXT_TABLES.values(), strict=True):
                self._connection.execute(f"INSERT INTO {new} SELECT * FROM {old}")  # noqa: S608 - our names

    def publish(self) -> None:
        """Let the next version answer, now that it is whole: in one transaction."""
        if self._tables is NEXT_TABLES:
            self._tables = TABLES
            with self._transaction():
                for old, new in zip(TABLES.values(), NEXT_TABLES.values(), strict=True):
                    self._connection.execute(f"DELETE FROM {old}")  # noqa: S608
                    self._connection.execute(f"INSERT INTO {old} SELECT * FROM {new}")  # noqa: S608
                self._drop_next()
        self.answering = self.state

    def files(self) -> set[str]:
        """Names of the shards of all versions, one that was begun and not finished among them."""
        names = {shard.file for shard in (*self.answering.shards.values(), *self.state.shards.values())}
        if self._has_next():
            names |= {file for (file,) in self._connection.execute("SELECT file FROM next_shards")}
        return names

    def describe(self, facts: Mapping[str, Any]) -> None:
        """Set facts, in one transaction."""
        with self._transaction():
            for name, value in facts.items():
                self._do("REPLACE INTO {facts} VALUES (?, ?)", (name, json.dumps(value)))

    def plan(self, steps: Sequence[Step]) -> None:
        """Make these the planned steps; what others committed is forgotten, in one transaction.

        A step that is already committed stays so if it is given with a result.
        """
        names = [step.name for step in steps if step.result is not None]
        with self._transaction():
            marks = ",".join("?" * len(names))
            self._do(f"DELETE FROM {{shards}} WHERE step NOT IN ({marks})", names)  # noqa: S608
            self._do("DELETE FROM {steps}")
            for position, step in enumerate(steps):
                result = None if step.result is None else json.dumps(step.result)
                row = (step.name, position, json.dumps(step.plan), result)
                self._do("INSERT INTO {steps} VALUES (?, ?, ?, ?)", row)

    def commit(self, name: str, result: Mapping[str, Any], shards: Sequence[Shard]) -> None:
        """Say that a step is done and its shards are on disk, in one transaction."""
        with self._transaction():
            for shard in shards:
                shape = json.dumps(shard.shape)
                row = (shard.name, name, shard.file, shard.sha256, shape, shard.dtype, shard.size)
                self._do("INSERT INTO {shards} VALUES (?, ?, ?, ?, ?, ?, ?)", row)
            self._do("UPDATE {steps} SET result = ? WHERE name = ?", (json.dumps(result), name))

    def _create(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        for statement in SCHEMA:
            self._do(statement)
        self._connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        self._connection.execute(f"PRAGMA user_version = {FORMAT}")
        self._do("REPLACE INTO {facts} VALUES (?, ?)", (SEAL, json.dumps(_seal(Manifest({})))))
        self._connection.execute("COMMIT")

    def _has_next(self) -> bool:
        names = self._connection.execute("SELECT name FROM sqlite_master WHERE name = 'next_facts'")
        return names.fetchone() is not None

    def _drop_next(self) -> None:
        for table in NEXT_TABLES.values():
            self._connection.execute(f"DROP TABLE {table}")

    def _do(self, statement: str, values: Sequence[Any] = ()) -> None:
        """Execute a statement on the tables of the version that is built."""
        self._connection.execute(statement.format(**self._tables), values)

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with _disk_told(self.folder):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                state = _rows(self._connection, self._tables)
                self._do("REPLACE INTO {facts} VALUES (?, ?)", (SEAL, json.dumps(_seal(state))))
                self._connection.execute("COMMIT")
            except BaseException:
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise
            self.state = state


def _check_version(connection: sqlite3.Connection, folder: Path) -> None:
    (mark,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if mark != APPLICATION_ID:
        raise IndexRefusedError(
            f"{MANIFEST} in {shown(folder.name)} is a database of another program; choose another folder",
            code="IX-VERSION",
        )
    if version != FORMAT:
        way = "update Skykin" if version > FORMAT else "build it again"
        raise IndexRefusedError(
            f"the index {shown(folder.name)} has format {version}, but this Skykin reads format {FORMAT}; "
            f"{way}",
            code="IX-VERSION",
        )


def _load(connection: sqlite3.Connection, tables: Mapping[str, str] = TABLES) -> Manifest:
    try:
        state = _rows(connection, tables)
        where = tables["facts"]
        row = connection.execute(f"SELECT value FROM {where} WHERE name = ?", (SEAL,)).fetchone()  # noqa: S608
    except sqlite3.OperationalError as error:
        if any(word in str(error) for word in ("unable to open", "locked", "readonly", "disk")):
            raise
        # Such as a column that is no longer there.
        raise sqlite3.DatabaseError(str(error)) from error
    if row is None or json.loads(row[0]) != _seal(state):
        raise sqlite3.DatabaseError("its rows are not those that were committed")
    return state


def _rows(connection: sqlite3.Connection, tables: Mapping[str, str]) -> Manifest:
    def rows(statement: str, *values: str) -> sqlite3.Cursor:
        return connection.execute(statement.format(**tables), values)

    # One transaction: all three tables are of one committed state.
    own = not connection.in_transaction
    if own:
        connection.execute("BEGIN")
    facts = rows("SELECT name, value FROM {facts} WHERE name != ? ORDER BY name", SEAL)
    known = {name: json.loads(value) for name, value in facts}
    steps = rows("SELECT name, plan, result FROM {steps} ORDER BY position")
    planned = tuple(
        Step(name, json.loads(plan), None if result is None else json.loads(result))
        for name, plan, result in steps
    )
    found = rows("SELECT name, file, sha256, shape, dtype, size FROM {shards} ORDER BY name")
    shards = {
        name: Shard(name, file, sha256, tuple(json.loads(shape)), dtype, size)
        for name, file, sha256, shape, dtype, size in found
    }
    if own:
        connection.execute("COMMIT")
    return Manifest(known, planned, shards)


def _seal(state: Manifest) -> str:
    """Hash of all rows: SQLite itself does not notice a flipped bit."""
    plain = [
        sorted(state.facts.items()),
        [[step.name, step.plan, step.result] for step in state.steps],
        [[s.name, s.file, s.sha256, s.shape, s.dtype, s.size] for s in state.shards.values()],
    ]
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


@contextmanager
def _damage_told(folder: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError:
        raise
    except (sqlite3.DatabaseError, ValueError, KeyError, TypeError, OverflowError) as error:
        if isinstance(error, IndexRefusedError):
            raise
        raise IndexRefusedError(
            f"{MANIFEST} of the index {shown(folder.name)} is damaged ({shown(error)}); restore it from a "
            "copy, or remove the index and build it again"
        ) from error


@contextmanager
def _disk_told(folder: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        readonly = "readonly" in str(error) or "unable to open" in str(error)
        raise ResourceError(
            f"cannot write the index {shown(folder.name)}: {error}; it is as it was before, so free some "
            "space or choose another folder and run the same command again",
            code="RS-READONLY" if readonly else "RS-DISK",
        ) from error
