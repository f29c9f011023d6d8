"""One builder at a time: a lock that ends with the process that holds it."""

from __future__ import annotations

import json
import os
import platform
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from skykin.core.errors import IndexRefusedError, ResourceError, shown
from skykin.indexing.layout import LOCK, MANIFEST, SHARDS

#: Where the lock itself lies, far behind the text that tells who holds it: Windows locks bytes for readers
#: too.
LOCKED_BYTE = 1 << 20


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Hold the right to write an index; remove what a builder that died left half written.

    The operating system takes the lock away from a process that ends, however it ends.

    Raises
    ------
    IndexRefusedError
        If another process holds it (``IX-LOCKED``).
    ResourceError
        If the folder cannot be written.
    """
    try:
        (folder / SHARDS).mkdir(parents=True, exist_ok=True)
        handle = (folder / LOCK).open("a+", encoding="utf-8")
    except OSError as error:
        code = "RS-READONLY" if isinstance(error, PermissionError) or error.errno == 30 else "RS-DISK"
        raise ResourceError(
            f"cannot write the index {shown(folder.name)}: {error.strerror or error}; nothing was changed, "
            "so choose another folder",
            code=code,
        ) from error
    with handle:
        if not _take(handle):
            raise _locked(folder, handle)
        handle.seek(0)
        handle.truncate()
        me = {"pid": os.getpid(), "host": platform.node(), "since": time.strftime("%Y-%m-%dT%H:%M:%S%z")}
        json.dump(me, handle)
        handle.flush()
        _tidy(folder)
        yield


def _take(handle: IO[str]) -> bool:
    try:
        if sys.platform == "win32":  # pragma: no cover
            import msvcrt  # noqa: PLC0415

            handle.seek(LOCKED_BYTE)
            msvcrt.locking(handle.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl  # noqa: PLC0415

            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def _locked(folder: Path, handle: IO[str]) -> IndexRefusedError:
    handle.seek(0)
    try:
        holder = json.loads(handle.read())
        who = f"process {holder['pid']:d} on {shown(holder['host'])} since {shown(holder['since'])}"
    except (ValueError, KeyError, TypeError):
        who = "another process"
    return IndexRefusedError(
        f"the index {shown(folder.name)} is being built by {who}; wait until that is done, then run the same "
        "command again",
        code="IX-LOCKED",
    )


def _tidy(folder: Path) -> None:
    """Remove temporary files: whoever made them is gone, because we hold the lock."""
    for place in (folder / SHARDS, folder):
        for path in place.glob(".*"):
            if path.is_file() and not path.name.startswith(f".{MANIFEST}"):
                path.unlink(missing_ok=True)
