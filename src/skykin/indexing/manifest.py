"""The manifest: what an index is of, what is planned, and what is committed."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
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
    "CREATE TABLE {steps} (position INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, plan TEXT NOT NULL, "
    "result TEXT)",
    "CREATE TABLE {shards} (name TEXT PRIMARY KEY, step TEXT NOT NULL, file TEXT NOT NULL, "
    "sha256 TEXT NOT NULL, shape TEXT NOT NULL, dtype TEXT NOT NULL, size INTEGER NOT NULL) WITHOUT ROWID",
)
STEP, SHARD = "position, name, plan, result", "name, file, sha256, shape, dtype, size"
OF_PATTERN = "FROM {steps} WHERE name GLOB ? AND (? IS NULL OR (result IS NOT NULL) = ?)"
#: What the seal is made of, column by column.
COLUMNS = {
    "facts": "name, value",
    "steps": STEP,
    "shards": "name, step, file, sha256, shape, dtype, size",
}
SEAL, SEALS = "seal", 1 << 256
#: Steps that are read at a time.
PAGE = 256


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
class Committed:
    """A step that is done, and whose shards are on disk.

    Parameters
    ----------
    name : str
        Of the step.
    result : dict
    shards : sequence of Shard
    """

    name: str
    result: Mapping[str, Any]
    shards: Sequence[Shard]


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
        told = shown(folder.name or folder)
        what = (
            f"{told} is no index: it holds no {MANIFEST}" if folder.exists() else f"there is no index {told}"
        )
        raise IndexRefusedError(f"{what}; make one with `skykin index`", code="IX-VERSION")
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

    Steps and shards stay on disk: memory does not grow with their number, nor does the time of a commit.

    Parameters
    ----------
    folder : Path
        Of the index.

    Attributes
    ----------
    facts : dict
        Of the version that is built: what readers see, or the next one.
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
            self._seal = _checked_seal(self._connection, TABLES)
            self.facts = _facts(self._connection, TABLES)

    def close(self) -> None:
        """Leave one file: the log is written back."""
        self._connection.close()

    def begin_next(self, go_on: Callable[[Mapping[str, Any]], bool]) -> None:
        """Build a next version from what is answering, or the one that was begun if `go_on` says so.

        An index that is not finished answers nobody, and grows as it is.

        Parameters
        ----------
        go_on : callable
            From the facts of the one that was begun to whether they are those that are wanted now.
        """
        if not self.count() or self.count(done=False):
            return
        begun = None
        if self._has_next():
            with _damage_told(self.folder), _disk_told(self.folder):
                seal, begun = (
                    _checked_seal(self._connection, NEXT_TABLES),
                    _facts(self._connection, NEXT_TABLES),
                )
        self._tables = NEXT_TABLES
        if begun is not None and go_on(begun):
            self._seal, self.facts = seal, begun
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

    def holds(self, file: str) -> bool:
        """Tell whether any version needs a file, one that was begun and not finished among them."""
        name = file[: -len("-0123456789abcdef.npy")]
        tables = [TABLES["shards"], *([NEXT_TABLES["shards"]] if self._has_next() else [])]
        every = " UNION ALL ".join(f"SELECT file FROM {table} WHERE name = ?1" for table in tables)  # noqa: S608
        return (file,) in self._connection.execute(every, (name,))

    def count(self, pattern: str = "*", *, done: bool | None = None) -> int:
        """Count steps whose name is of a pattern with ``*``: all, those that are committed, or the others."""
        (number,) = self._do(f"SELECT count(*) {OF_PATTERN}", (pattern, done, done)).fetchone()
        return int(number)

    def steps(self, pattern: str = "*", *, done: bool | None = None) -> Iterator[Step]:
        """Yield steps in order, a page at a time: they may be committed meanwhile."""
        last = -1
        while found := self._do(
            f"SELECT {{step}} {OF_PATTERN} AND position > ? ORDER BY position LIMIT ?",
            (pattern, done, done, last, PAGE),
        ).fetchall():
            for _, *row in found:
                yield _step(*row)
            last = found[-1][0]

    def step(self, name: str) -> Step | None:
        """Return the step of that name."""
        row = self._do("SELECT name, plan, result FROM {steps} WHERE name = ?", (name,)).fetchone()
        return None if row is None else _step(*row)

    def shards(self, names: Iterable[str]) -> dict[str, Shard]:
        """Return those of these shards that are committed, by name."""
        found = (
            self._do("SELECT {shard} FROM {shards} WHERE name = ?", (name,)).fetchone() for name in names
        )
        return {row[0]: _shard(row) for row in found if row is not None}

    def general(self) -> Manifest:
        """Return what is of no single facet: facts, steps and their shards."""
        steps = self._do(
            "SELECT {step} FROM {steps} WHERE name NOT GLOB 'facet-*' AND name NOT GLOB 'vectors-*' "
            "ORDER BY position"
        )
        shards = self._do(
            "SELECT {shard} FROM {shards} WHERE step NOT GLOB 'facet-*' AND step NOT GLOB 'vectors-*'"
        )
        return Manifest(
            self.facts, tuple(_step(*row) for _, *row in steps), {row[0]: _shard(row) for row in shards}
        )

    def describe(self, facts: Mapping[str, Any]) -> None:
        """Set facts, in one transaction."""
        with self._transaction():
            for name, value in facts.items():
                text = json.dumps(value)
                old = self._do("SELECT name, value FROM {facts} WHERE name = ?", (name,)).fetchone()
                self._replace("facts", old, (name, text))
                self._do("REPLACE INTO {facts} VALUES (?, ?)", (name, text))
        self.facts = _facts(self._connection, self._tables)

    def plan(self, steps: Iterable[Step], *, gone: Collection[str] = (), whole: Collection[str] = ()) -> None:
        """Make these the planned steps, in one transaction; what is committed of them stays.

        Parameters
        ----------
        steps : iterable of Step
            In order; may read `planned` meanwhile.
        gone : collection of str
            Committed steps that are to be done again.
        whole : collection of str
            Patterns of the steps that are made of all others: they are done again if any of those is.
        """
        with self._transaction():
            self._do("DROP TABLE IF EXISTS temp.planned")
            self._do("CREATE TEMP TABLE planned (position INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, "
                     "plan TEXT NOT NULL, result TEXT)")  # fmt: skip
            for position, step in enumerate(steps):
                known = self._do("SELECT result FROM {steps} WHERE name = ?", (step.name,)).fetchone()
                result = None if known is None or step.name in gone else known[0]
                row = (position, step.name, json.dumps(step.plan), result)
                self._do("INSERT INTO planned VALUES (?, ?, ?, ?)", row)
            other = "".join(" AND name NOT GLOB ?" for _ in whole)
            again = self._do(
                f"SELECT 1 FROM planned WHERE result IS NULL{other} UNION ALL SELECT 1 FROM {{steps}} "  # noqa: S608
                f"WHERE name NOT IN (SELECT name FROM planned){other} LIMIT 1",
                (*whole, *whole),
            ).fetchone()
            for pattern in whole if again is not None else ():
                self._do("UPDATE planned SET result = NULL WHERE name GLOB ?", (pattern,))
            self._adopt()
            self._do("DROP TABLE planned")

    def planned(self, pattern: str) -> Iterator[str]:
        """Yield the names of a pattern that `plan` was given so far."""
        last = -1
        while found := self._do(
            "SELECT position, name FROM planned WHERE position > ? AND name GLOB ? ORDER BY position LIMIT ?",
            (last, pattern, PAGE),
        ).fetchall():
            yield from (name for _, name in found)
            last = found[-1][0]

    def _adopt(self) -> None:
        """Put the planned steps in the place of the others, if they differ."""
        differs = self._do(
            "SELECT 1 FROM (SELECT {step} FROM planned EXCEPT SELECT {step} FROM {steps}) UNION ALL "
            "SELECT 1 FROM (SELECT {step} FROM {steps} EXCEPT SELECT {step} FROM planned) LIMIT 1"
        ).fetchone()
        if differs is None:
            return
        self._do("DELETE FROM {shards} WHERE step NOT IN (SELECT name FROM planned WHERE result IS NOT NULL)")
        self._do("DELETE FROM {steps}")
        self._do("INSERT INTO {steps} ({step}) SELECT {step} FROM planned")
        self._seal = _seal_of_rows(self._connection, self._tables)

    def commit(self, *done: Committed) -> None:
        """Say that steps are done and their shards are on disk, in one transaction."""
        if not done:
            return
        with self._transaction():
            for each in done:
                for shard in each.shards:
                    shape = json.dumps(shard.shape)
                    row = (shard.name, each.name, shard.file, shard.sha256, shape, shard.dtype, shard.size)
                    self._replace("shards", None, row)
                    self._do("INSERT INTO {shards} VALUES (?, ?, ?, ?, ?, ?, ?)", row)
                old = self._do("SELECT {step} FROM {steps} WHERE name = ?", (each.name,)).fetchone()
                result = json.dumps(each.result)
                self._replace("steps", old, (*old[:3], result))
                self._do("UPDATE {steps} SET result = ? WHERE name = ?", (result, each.name))

    def _create(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        for statement in SCHEMA:
            self._do(statement)
        self._connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        self._connection.execute(f"PRAGMA user_version = {FORMAT}")
        self._do("REPLACE INTO {facts} VALUES (?, ?)", (SEAL, _spelled(0)))
        self._connection.execute("COMMIT")

    def _has_next(self) -> bool:
        names = self._connection.execute("SELECT name FROM sqlite_master WHERE name = 'next_facts'")
        return names.fetchone() is not None

    def _drop_next(self) -> None:
        for table in NEXT_TABLES.values():
            self._connection.execute(f"DROP TABLE {table}")

    def _do(self, statement: str, values: Sequence[Any] = ()) -> sqlite3.Cursor:
        """Execute a statement on the tables of the version that is built."""
        return self._connection.execute(statement.format(**self._tables, step=STEP, shard=SHARD), values)

    def _replace(self, table: str, old: Sequence[Any] | None, new: Sequence[Any]) -> None:
        """Let the seal follow a row that changes."""
        before = 0 if old is None else _digest(table, old)
        self._seal = (self._seal - before + _digest(table, new)) % SEALS

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        before = self._seal
        with _disk_told(self.folder):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._do("REPLACE INTO {facts} VALUES (?, ?)", (SEAL, _spelled(self._seal)))
                self._connection.execute("COMMIT")
            except BaseException:
                self._seal = before
                if self._connection.in_transaction:
                    self._connection.execute("ROLLBACK")
                raise


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


def _load(connection: sqlite3.Connection) -> Manifest:
    # One transaction: all three tables are of one committed state.
    connection.execute("BEGIN")
    _checked_seal(connection, TABLES)
    steps = connection.execute("SELECT name, plan, result FROM steps ORDER BY position")
    shards = connection.execute(f"SELECT {SHARD} FROM shards ORDER BY name")  # noqa: S608 - our names
    found = Manifest(
        _facts(connection, TABLES),
        tuple(_step(*row) for row in steps),
        {row[0]: _shard(row) for row in shards},
    )
    connection.execute("COMMIT")
    return found


def _facts(connection: sqlite3.Connection, tables: Mapping[str, str]) -> dict[str, Any]:
    where = tables["facts"]
    rows = connection.execute(f"SELECT name, value FROM {where} WHERE name != ? ORDER BY name", (SEAL,))  # noqa: S608
    return {name: json.loads(value) for name, value in rows}


def _step(name: str, plan: str, result: str | None) -> Step:
    return Step(name, json.loads(plan), None if result is None else json.loads(result))


def _shard(row: Sequence[Any]) -> Shard:
    name, file, sha256, shape, dtype, size = row
    return Shard(name, file, sha256, tuple(json.loads(shape)), dtype, size)


def _checked_seal(connection: sqlite3.Connection, tables: Mapping[str, str]) -> int:
    """Return the seal, if it is that of the rows: SQLite itself does not notice a flipped bit."""
    try:
        found, where = _seal_of_rows(connection, tables), tables["facts"]
        row = connection.execute(f"SELECT value FROM {where} WHERE name = ?", (SEAL,)).fetchone()  # noqa: S608
    except sqlite3.OperationalError as error:
        if any(word in str(error) for word in ("unable to open", "locked", "readonly", "disk")):
            raise
        # Such as a column that is no longer there.
        raise sqlite3.DatabaseError(str(error)) from error
    if row is None or row[0] != _spelled(found):
        raise sqlite3.DatabaseError("its rows are not those that were committed")
    return found


def _seal_of_rows(connection: sqlite3.Connection, tables: Mapping[str, str]) -> int:
    r"""Add the hashes of all rows up.

    .. math:: \mathrm{seal} = \sum_\mathrm{rows} \mathrm{SHA256}(\mathrm{row}) \bmod 2^{256}

    The order of rows does not matter, so that a commit adds its own rows and takes away those that it
    replaces, however many others there are.  A flipped bit changes the sum; it is no protection against
    someone who means to deceive.
    """
    total = 0
    for name, columns in COLUMNS.items():
        for row in connection.execute(f"SELECT {columns} FROM {tables[name]}"):  # noqa: S608 - our names
            if name != "facts" or row[0] != SEAL:
                total += _digest(name, row)
    return total % SEALS


def _digest(table: str, row: Sequence[Any]) -> int:
    return int.from_bytes(hashlib.sha256(json.dumps([table, *row]).encode()).digest(), "big")


def _spelled(seal: int) -> str:
    return json.dumps(f"{seal:064x}")


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
