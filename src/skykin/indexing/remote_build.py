"""Building an index in a bucket: its manifest is put there after the shards that it names."""

from __future__ import annotations

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from datetime import timedelta
from pathlib import Path

from skykin.core.atomic import whole_file, write_text
from skykin.core.errors import IndexRefusedError, RemoteError, SkykinError
from skykin.core.scratch import Scratch
from skykin.indexing.builder import writing
from skykin.indexing.layout import MANIFEST, SHARDS
from skykin.indexing.manifest import Manifest, read_manifest
from skykin.indexing.own_files import DATABASE, OWN_SHARD
from skykin.indexing.remote import RemoteIndex, remote_of

#: Which manifest of the bucket the one in the copy goes on from.
ETAG = "manifest.etag"
#: The manifest is put so long after the last time at the earliest, and is looked at so often.
PUT_EVERY_S, LOOK_EVERY_S = 5.0, 0.5
#: A put may take this share of the time.
SHARE = 0.1
#: Clocks of servers count whole seconds.
TICK = timedelta(seconds=2)


@contextmanager
def built_in(place: str | Path) -> Iterator[Path]:
    """Give the folder in which an index is built; what is committed of one in a bucket is put there.

    A shard is in the bucket before it is committed, and the manifest after: at every moment it names nothing
    that is not there.  It takes the place of the manifest that it goes on from, and of no other, so that of
    two builders one stops.

    Raises
    ------
    IndexRefusedError
        ``IX-LOCKED`` if another process builds it.
    RemoteError
        If the bucket does not take what it is given; what is committed there stays.
    """
    remote = remote_of(place)
    if remote is None:
        yield Path(place)
        return
    folder = remote.copy()
    with writing(folder):
        remote.begin()
        _bring(remote, folder)
    keeper = _Keeper(remote, folder)
    try:
        yield folder
    except BaseException:
        keeper.stop()
        with suppress(SkykinError):
            keeper.put()
        raise
    keeper.stop()
    manifest = keeper.put()
    if manifest is not None:
        _remove_orphans(remote, manifest)


def _bring(remote: RemoteIndex, folder: Path) -> None:
    """Let the copy go on from the bucket's manifest, where that is not the one that it went on from before.

    What the copy has beyond that manifest is as true as it: its shards are in the bucket.
    """
    head = remote.store.head(MANIFEST)
    known = folder / ETAG
    if head is not None and (folder / MANIFEST).is_file() and _text(known) == head.etag:
        return
    for name in (ETAG, *sorted(DATABASE)):
        (folder / name).unlink(missing_ok=True)
    if head is None:
        return
    content = remote.store.read(MANIFEST, etag=head.etag)
    if content is None:
        raise remote.overtaken()
    with whole_file(folder / MANIFEST) as temporary:
        temporary.write_bytes(content)
    write_text(known, head.etag)


class _Keeper:
    """Puts the manifest into the bucket as it grows, in a thread of its own."""

    def __init__(self, remote: RemoteIndex, folder: Path) -> None:
        self.remote, self.folder = remote, folder
        self._seen: object = None
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="skykin-manifest", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        pause_s, last = PUT_EVERY_S, time.monotonic()
        while not self._ended.wait(LOOK_EVERY_S):
            began = time.monotonic()
            if began - last < pause_s or self._state() == self._seen:
                continue
            try:
                self.put()
            except IndexRefusedError:
                return  # the next shard that is written tells it
            except (SkykinError, sqlite3.Error, OSError):
                pass  # tried again, and told at the end
            last = time.monotonic()
            pause_s = max(PUT_EVERY_S, (last - began) / SHARE)

    def put(self) -> Manifest | None:
        """Put the last committed state into the bucket; None if nothing is committed yet.

        Raises
        ------
        IndexRefusedError
            ``IX-LOCKED`` if the bucket has another manifest now than the one that this one goes on from.
        RemoteError
            If it cannot be put.
        """
        state = self._state()
        if not (self.folder / MANIFEST).is_file():
            return None
        with Scratch(self.folder) as scratch:
            copy = scratch.folder / MANIFEST
            with closing(sqlite3.connect(self.folder / MANIFEST, timeout=60)) as connection:
                connection.execute("VACUUM INTO ?", (str(copy),))
            manifest = read_manifest(scratch.folder)  # whole, and its seal is right
            content = copy.read_bytes()
            store, known = self.remote.store, _text(self.folder / ETAG)
            etag = store.put_if(MANIFEST, content, known)
            if etag is None:
                # A put whose answer was lost is tried again, and then finds itself there.
                head = store.head(MANIFEST)
                if head is None or store.read(MANIFEST, etag=head.etag) != content:
                    raise self.remote.overtaken()
                etag = head.etag
        write_text(self.folder / ETAG, etag)
        self._seen = state
        return manifest

    def _state(self) -> object:
        """Sizes and times of the files of the database, which change with every commit."""
        found = []
        for name in (MANIFEST, f"{MANIFEST}-wal"):
            with suppress(OSError):
                status = (self.folder / name).stat()
                found.append((name, status.st_size, status.st_mtime_ns))
        return found


def _remove_orphans(remote: RemoteIndex, manifest: Manifest) -> None:
    """Remove the shards in the bucket that no manifest names, but those that came after the manifest."""
    head = remote.store.head(MANIFEST)
    if head is None:
        return
    named = {f"{SHARDS}/{shard.file}" for shard in manifest.shards.values()}
    old = [
        each.key
        for each in remote.store.entries(SHARDS)
        if each.key not in named
        and OWN_SHARD.fullmatch(each.key.removeprefix(f"{SHARDS}/"))
        and each.modified < head.modified - TICK
    ]
    with suppress(RemoteError):  # who may write need not be allowed to remove
        remote.store.delete(old)


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""
