"""Copies of indexes in buckets: how much of the cache they take, and which of them are in use."""

from __future__ import annotations

import json
import math
import os
import re
import threading
from contextlib import suppress
from pathlib import Path

from skykin.core.errors import UsageError, shown
from skykin.core.scratch import Scratch, is_scratch, sweep
from skykin.indexing.layout import COPY_OF, SHARDS
from skykin.indexing.own_files import OWN_SHARD
from skykin.survey.download import cache_folder

#: How large the copies of all indexes may be together, in GiB: shards that were read longest ago are removed,
#: but none of an index that a process has opened.
LIMIT_VARIABLE, LIMIT_GIB = "SKYKIN_INDEX_CACHE_GIB", 64.0
#: They are counted again when this share of the limit came.
COUNT_AFTER = 1 / 64
#: Folders of the cache that hold a copy; in each of these is a folder for the marks of processes that use it.
PLACES, OPEN = re.compile(r"[0-9a-f]{16}"), "open"
#: Marks of the copies that this process has opened; they go away with it.
_opened: dict[Path, Scratch] = {}
_opening = threading.Lock()


def copied_address(folder: Path) -> str | None:
    """Address of the index of which a folder is the copy; None if it is an index of its own."""
    try:
        return str(json.loads((folder / COPY_OF).read_text(encoding="utf-8"))["address"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def shard_used(path: Path) -> None:
    """Note that a shard of a copy is read now."""
    with suppress(OSError):
        os.utime(path)


def mark_opened(place: Path) -> None:
    """Let other processes know that this one uses a copy."""
    with _opening:
        if place in _opened:
            return
        with suppress(OSError):  # a cache that only others write to
            (place / OPEN).mkdir(parents=True, exist_ok=True)
            _opened[place] = Scratch(place / OPEN)


def _is_opened(place: Path) -> bool:
    """Whether a process uses a copy."""
    sweep(place / OPEN)
    return (place / OPEN).is_dir() and any(is_scratch(each) for each in (place / OPEN).iterdir())


def limit_bytes() -> float:
    """How large the copies of all indexes may be together.

    Raises
    ------
    UsageError
        If the environment does not say a number.
    """
    told = os.environ.get(LIMIT_VARIABLE, "") or str(LIMIT_GIB)
    try:
        limit = float(told)
    except ValueError:
        limit = math.nan
    if not limit > 0:
        raise UsageError(
            f"{LIMIT_VARIABLE} is {shown(told)}; set it to a number of GiB, such as {LIMIT_GIB:g}"
        )
    return limit * 2**30


class Room:
    """Makes room in the cache for what is fetched next."""

    def __init__(self) -> None:
        self._lock, self._left = threading.Lock(), 0.0

    def make(self, needed: int) -> None:
        """Remove what was read longest ago, if so many bytes more would be too many."""
        with self._lock:
            self._left -= needed
            if self._left <= 0:
                limit = limit_bytes()
                self._left = COUNT_AFTER * limit
                _trim(limit - needed - self._left)


ROOM = Room()


def _trim(most_bytes: float) -> None:
    """Remove shards that were not read for longest until the rest has at most `most_bytes`."""
    found = []
    for shards in (cache_folder() / "indexes").glob(f"*/*/{SHARDS}"):
        copy = shards.parent
        if PLACES.fullmatch(copy.parent.name) and copied_address(copy) is not None:
            for path in shards.iterdir():
                with suppress(OSError):  # another process removed it
                    if OWN_SHARD.fullmatch(path.name) and not path.is_symlink():
                        status = path.stat()
                        found.append((status.st_mtime_ns, status.st_size, path))
    total = sum(size for _, size, _ in found)
    opened = dict[Path, bool]()
    for _, size, path in sorted(found):
        if total <= most_bytes:
            return
        place = path.parents[2]
        if place not in opened:
            opened[place] = _is_opened(place)
        if not opened[place]:
            path.unlink(missing_ok=True)
            total -= size
