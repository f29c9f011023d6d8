"""An index in a bucket, by way of its copy in the cache: shards go there when written, come when needed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from skykin.core.atomic import sha256_of, whole_file, write_text
from skykin.core.errors import IndexRefusedError, RemoteError, shown
from skykin.core.object_store import ObjectStore, bucket_address, object_store
from skykin.core.progress import SILENT
from skykin.core.protocols import Progress
from skykin.indexing.copies import ROOM, copied_address, mark_opened
from skykin.indexing.layout import COPY_OF, MANIFEST, SHARDS
from skykin.survey.download import cache_folder

#: Shards that a query reads of all facets; the others are fetched one by one.
OF_ALL_FACETS = ("tiles", "projection", "norms")
AT_ONCE = 16
PIECE = 16 << 20
#: What is said of a store that does not answer.
UNREACHED = frozenset({"RM-UNREACHABLE", "RM-TIMEOUT"})
#: Copies whose bucket another process writes to; nothing more goes there from here.
_overtaken: set[Path] = set()


@dataclass(frozen=True)
class RemoteIndex:
    """An index in a bucket.

    Its copy is a folder like that of any index, with a file that names the bucket.  Shards are immutable and
    named by their hash, so that a copy of one is true for ever; the manifest is that of one moment.

    Parameters
    ----------
    address : str
        Such as ``s3://bucket/wham.skykin``.
    """

    address: str

    @property
    def store(self) -> ObjectStore:
        """The folder of the bucket."""
        return object_store(self.address)

    @property
    def place(self) -> Path:
        """Where in the cache its copy lies, and manifests that were read."""
        return cache_folder() / "indexes" / hashlib.sha256(self.address.encode()).hexdigest()[:16]

    def copy(self) -> Path:
        """Folder of the copy, made if it is not there; while this process runs, nothing of it is removed."""
        folder = self.place / self.store.name
        mark_opened(self.place)
        if copied_address(folder) != self.address:
            (folder / SHARDS).mkdir(parents=True, exist_ok=True)
            write_text(folder / COPY_OF, json.dumps({"address": self.address}))
        return folder

    def manifest_folder(self, progress: Progress = SILENT) -> Path:
        """Folder with the manifest as it is in the bucket now, or was when the bucket could be reached.

        Raises
        ------
        IndexRefusedError
            ``IX-VERSION`` if there is none.
        RemoteError
            If the bucket cannot be reached, and the index was not read on this computer before.
        """
        try:
            head = self.store.head(MANIFEST)
        except RemoteError as error:
            if error.code not in UNREACHED:
                raise
            return self._kept_manifest(error, progress)
        content = None
        if head is not None:
            digest = hashlib.sha256(f"{head.etag} {head.size} {head.modified}".encode()).hexdigest()[:16]
            folder = self.place / "manifests" / digest
            if (folder / MANIFEST).is_file():
                return folder
            content = self.store.read(MANIFEST, etag=head.etag)
        if content is None:
            raise IndexRefusedError(
                f"{shown(self.address)} is no index: it holds no {MANIFEST}; make one with `skykin index`",
                code="IX-VERSION",
            )
        folder.mkdir(parents=True, exist_ok=True)
        with whole_file(folder / MANIFEST) as temporary:
            temporary.write_bytes(content)
        return folder

    @property
    def was_read(self) -> bool:
        """Whether a manifest was read on this computer before."""
        return any(self._manifests)

    @property
    def _manifests(self) -> list[Path]:
        """Folders of the manifests that were read, the last one last."""
        found = (self.place / "manifests").glob(f"*/{MANIFEST}")
        return [path.parent for path in sorted(found, key=lambda path: path.stat().st_mtime_ns)]

    def _kept_manifest(self, error: RemoteError, progress: Progress) -> Path:
        if not self.was_read:
            raise RemoteError(
                f"{error}; there is no copy of the index {shown(self.store.name)} on this computer",
                code=error.code,
            ) from error
        folder = self._manifests[-1]
        when = datetime.fromtimestamp((folder / MANIFEST).stat().st_mtime, UTC)
        progress.say(
            f"{shown(self.address)} cannot be reached: its copy on this computer is used, as the index was "
            f"on {when:%Y-%m-%d}"
        )
        return folder

    def put_shard(self, file: str) -> None:
        """Put a shard that was written into the bucket; an object is there whole or not at all.

        One that is there already has the same content.  It is written again, so that whoever removes what no
        manifest names sees that it is new.

        Raises
        ------
        IndexRefusedError
            ``IX-LOCKED`` if another process writes there.
        """
        folder = self.copy()
        if folder in _overtaken:
            raise self.overtaken()
        self.store.put(f"{SHARDS}/{file}", folder / SHARDS / file)

    def fetch_shard(self, file: str, sha256: str, size: int) -> None:
        """Fetch a shard into the copy.

        Raises
        ------
        IndexRefusedError
            ``IX-CORRUPT`` if it is missing or altered.
        """
        key = f"{SHARDS}/{file}"
        with whole_file(self.copy() / SHARDS / file) as temporary:
            with temporary.open("wb") as stream:
                for start in range(0, max(size, 1), PIECE):
                    piece = self.store.read(key, start=start, stop=min(start + PIECE, max(size, 1)))
                    if piece is None:
                        raise self._corrupt(file, "is missing")
                    stream.write(piece)
            if sha256_of(temporary) != sha256:
                raise self._corrupt(file, "does not hold the bytes that were written")

    def _corrupt(self, file: str, found: str) -> IndexRefusedError:
        return IndexRefusedError(
            f"shard {shown(file)} of the index {shown(self.address)} {found}; remove the index and build it "
            "again"
        )

    def overtaken(self) -> IndexRefusedError:
        """Say that another process writes there, and let this one write nothing more."""
        _overtaken.add(self.copy())
        return IndexRefusedError(
            f"the index {shown(self.address)} is being built by another process, too; nothing of the two is "
            "mixed: when that is done, run the same command again",
            code="IX-LOCKED",
        )

    def begin(self) -> None:
        """Let this process write again."""
        _overtaken.discard(self.copy())
        ROOM.make(0)


def remote_of(place: str | Path) -> RemoteIndex | None:
    """Find the index in a bucket that an address, or the folder of its copy, means; None for any other."""
    address = bucket_address(place) or copied_address(Path(place))
    return None if address is None else RemoteIndex(address)


def is_index(place: str | Path) -> bool:
    """Whether a folder, or an address in a bucket, holds an index."""
    if bucket_address(place) is None:
        return (Path(place).expanduser() / MANIFEST).is_file()
    remote = remote_of(place)
    if remote is None:
        return False
    try:
        return remote.store.head(MANIFEST) is not None
    except RemoteError as error:
        if error.code in UNREACHED and remote.was_read:
            return True
        raise


def shared_name(folder: Path) -> str:
    """Name of an index that other computers know: its address if it is in a bucket, else its folder."""
    return copied_address(folder) or str(folder.resolve())


def local_folder(place: str | Path) -> Path:
    """Folder of an index on this computer: itself, or the copy of one in a bucket."""
    remote = remote_of(place)
    return Path(place).expanduser() if remote is None else remote.copy()


def shard_written(shards: Path, file: str) -> None:
    """Put a shard that was written where its index is."""
    remote = remote_of(shards.parent)
    if remote is not None:
        remote.put_shard(file)


def shard_needed(shards: Path, name: str, known: Callable[[], list[tuple[str, str, str, int]]]) -> None:
    """Fetch a shard that the copy of an index lacks, and with it those that a query reads with it.

    Parameters
    ----------
    shards : Path
        Folder of the shards.
    name : str
        Of the shard.
    known : callable
        Gives name, file, hash and size of all shards.
    """
    remote = remote_of(shards.parent)
    if remote is None:
        return
    kind = name.partition("-")[0]
    together = kind in OF_ALL_FACETS
    needed = [
        (file, sha256, size)
        for other, file, sha256, size in known()
        if (other == name or (together and other.startswith(f"{kind}-"))) and not (shards / file).is_file()
    ]
    ROOM.make(sum(size for _, _, size in needed))
    try:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for done in [pool.submit(remote.fetch_shard, *each) for each in needed]:
                done.result()
    except RemoteError as error:
        if error.code not in UNREACHED:
            raise
        raise RemoteError(
            f"{error}; of the index {shown(remote.store.name)} some files that this needs are not on this "
            "computer",
            code=error.code,
        ) from error
