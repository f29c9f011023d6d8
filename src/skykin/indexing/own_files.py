"""Which names in the folder of an index are its own; no other is ever written or removed."""

from __future__ import annotations

import os
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from skykin.core.errors import ResourceError, UsageError, shown
from skykin.core.scratch import is_scratch, sweep
from skykin.indexing.layout import APPLICATION_ID, COPY_OF, LOCK, MANIFEST, SHARDS

KINDS = "scale|average|rows|norms|directions|basis|cells|moments|tiles|exact|projection"
OWN_SHARD = re.compile(rf"(?:{KINDS})-[\w.-]+-[0-9a-f]{{16}}\.npy")
APPROXIMATE = re.compile(r"approximate-\d+-[0-9a-f]{16}-(?:[0-9a-f]{16}|new)\.faiss")
DATABASE = frozenset({MANIFEST, f"{MANIFEST}-wal", f"{MANIFEST}-shm", f"{MANIFEST}-journal"})
#: The mark of the program is the last number of this head of a SQLite file.
HEADER_BYTES = 72
#: What file managers leave in any folder.
LITTER = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})


def check_index_folder(folder: Path) -> None:
    """Make sure, before any work, that a folder is an index, the beginning of one, or empty.

    Raises
    ------
    UsageError
        ``USAGE-OUT`` if it is a file, or holds what Skykin did not write and is no index.
    """
    if not folder.exists() and not folder.is_symlink():
        return
    if not folder.is_dir():
        raise UsageError(f"{shown(folder)} is a file; name a folder for the index", code="USAGE-OUT")
    for name in (LOCK, SHARDS, *sorted(DATABASE)):
        if (folder / name).is_symlink():
            raise UsageError(
                f"{shown(name)} in {shown(folder)} is a link to another place, where an index does not "
                "write; put the file itself there or name another folder",
                code="USAGE-OUT",
            )
    if _is_index(folder / MANIFEST) or ((folder / MANIFEST).is_file() and _has_shards(folder)):
        return  # a damaged manifest is told of where it is read
    try:
        stranger = next((name for name in _names(folder) if not _is_own(folder, name)), None)
    except OSError as error:
        raise ResourceError(
            f"cannot look into {shown(folder)}: {error.strerror or error}; choose another folder",
            code="RS-READONLY",
        ) from error
    if stranger is not None:
        raise UsageError(
            f"the folder {shown(folder)} holds {shown(stranger)} and is no index, so nothing is written "
            "there; name a new folder",
            code="USAGE-OUT",
        )


def remove_unfinished(folder: Path) -> None:
    """Remove what a builder that was killed left half written."""
    for place in (folder / SHARDS, folder):
        sweep(place)


def remove(folder: Path, pattern: re.Pattern[str], *, but: Callable[[str], bool] | None = None) -> None:
    """Remove the files of a folder whose whole name is of a pattern, but for some."""
    with os.scandir(folder) as entries:
        # Names first, and few: what is removed while a folder is read may hide others.
        gone = [
            entry.path
            for entry in entries
            if pattern.fullmatch(entry.name)
            and not (but is not None and but(entry.name))
            and entry.is_file(follow_symlinks=False)
        ]
    for path in gone:
        Path(path).unlink(missing_ok=True)


def _is_index(manifest: Path) -> bool:
    try:
        with manifest.open("rb") as stream:
            header = stream.read(HEADER_BYTES)
    except OSError:
        return False
    if not header.startswith(b"SQLite format 3\0"):
        return False
    mark = int.from_bytes(header[-4:], "big")
    # A builder that was killed in its first second has its mark in the journal only.
    return (mark or _pragma(manifest, "PRAGMA application_id")) == APPLICATION_ID


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _has_shards(folder: Path) -> bool:
    shards = folder / SHARDS
    return shards.is_dir() and any(OWN_SHARD.fullmatch(name) for name in _names(shards))


def _pragma(manifest: Path, query: str) -> object:
    # A builder that was killed as it made the file left a journal, which is not read without being written.
    for how in ("mode=ro", "immutable=1"):
        with (
            suppress(sqlite3.Error),
            closing(sqlite3.connect(f"{manifest.resolve().as_uri()}?{how}", uri=True)) as connection,
        ):
            return (connection.execute(query).fetchone() or (None,))[0]
    return "it cannot be read"


def _is_own(folder: Path, name: str) -> bool:
    """Whether a name is of an index that was begun: its builder died before its manifest was."""
    path = folder / name
    if name in LITTER:
        return path.is_file()
    if is_scratch(path):
        return True
    if name in DATABASE:
        return (
            path.stat().st_size == 0 or _pragma(folder / MANIFEST, "SELECT name FROM sqlite_master") is None
        )
    if name in (LOCK, COPY_OF):
        return path.is_file()
    if name == SHARDS and path.is_dir():
        return all(OWN_SHARD.fullmatch(each) or is_scratch(path / each) for each in _names(path))
    return False
