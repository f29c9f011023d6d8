"""Surveys in buckets: files are fetched into the cache, of a HiPS only the tiles that are needed."""

from __future__ import annotations

import contextlib
import fnmatch
import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from skykin.core.atomic import write_text
from skykin.core.errors import RemoteError, ResourceError, UnknownNameError, shown
from skykin.core.object_store import Entry, ObjectStore, bucket_address, object_store
from skykin.core.protocols import Counter, Progress, Survey
from skykin.core.scratch import wait_for_lock
from skykin.core.survey_options import SurveyOptions
from skykin.survey.download import CACHE_VARIABLE, cache_folder
from skykin.survey.formats.folder import BEGINNINGS
from skykin.survey.hips.store import PROPERTIES, BucketStore
from skykin.survey.open_file import open_file
from skykin.survey.zarr_array import MARKS, BucketPlace, open_zarr

#: Bytes of one request.
PIECE = 8 << 20
#: Files fetched at the same time.
AT_ONCE = 4
#: All copies together; those read longest ago go first, but none that is needed now.
CACHE_BYTES = 64 << 30
#: Left free on the disk.
SPARE_BYTES = 256 << 20
WILD = "*?["
#: Beside a copy ``NAME``: what it is a copy of, what came of it so far, and who is fetching it.
ETAG, PART, LOCK = ".etag", ".part", ".lock"


def open_in_bucket(what: str, options: SurveyOptions, progress: Progress) -> Survey:
    """Open a file, a folder, a pattern or a HiPS in a bucket.

    Parameters
    ----------
    what : str
        Such as ``s3://bucket/image.fits``, ``s3://bucket/plates/*.fits`` or ``s3://bucket/hips``.
    options : SurveyOptions
    progress : Progress

    Raises
    ------
    UnknownNameError
        If there is nothing at that address.
    RemoteError
        If there is no such bucket, it is not allowed, or it cannot be reached.
    """
    address = bucket_address(what) or what
    bucket = object_store("/".join(address.split("/")[:3]))
    path = address.removeprefix(bucket.address).strip("/")
    if any(letter in path for letter in WILD):
        return _open_files(bucket, _matching(bucket, path, address), options, progress)
    entry = bucket.head(path) if path else None
    if entry is not None:
        (copy,) = fetched(bucket, [entry], progress)
        return open_file(copy, options, progress)
    if any(bucket.head(f"{path}/{name}".strip("/")) is not None for name in MARKS):
        return open_zarr(BucketPlace(object_store(address)), options, progress)
    within = bucket.in_folder(path)
    names = {each.key.rpartition("/")[2] for each in within}
    if PROPERTIES in names:
        from skykin.survey.formats.hips import open_hips  # noqa: PLC0415

        return open_hips(BucketStore(address), options, progress)
    if not within:
        raise UnknownNameError(f"there is nothing at {shown(address)}; check the address")
    with ThreadPoolExecutor(AT_ONCE) as pool:
        first = pool.map(lambda each: bucket.read(each.key, stop=9) if each.size else b"", within)
        images = [each for each, begin in zip(within, first, strict=True) if _is_image(begin)]
    if not images:
        raise UnknownNameError(
            f"none of the {len(within)} objects in {shown(address)} is a FITS file; give a folder of FITS "
            "images, of a HiPS, or a file"
        )
    return _open_files(bucket, images, options, progress)


def was_fetched(address: str) -> bool:
    """Whether something at an address was read on this computer before."""
    bucket = "/".join(address.split("/")[:3])
    path = address.removeprefix(bucket).strip("/")
    fixed = path.split("*")[0].split("?")[0].split("[")[0]
    copy = _copies(bucket) / fixed
    return copy.exists() or copy.parent.is_dir() or BucketStore(address).was_opened


def fetched(bucket: ObjectStore, entries: Sequence[Entry], progress: Progress) -> list[Path]:
    """Give copies of objects as files: those that are there and still the same, and others fetched now.

    What came of an object that was broken off is kept and gone on with.

    Raises
    ------
    RemoteError
        If one does not come, or changes meanwhile (``RM-CHANGED``).
    ResourceError
        If the disk has too little space, or the cache folder cannot be written.
    """
    folder = _copies(bucket.bucket)
    copies = [folder / each.key for each in entries]
    missing = [(each, copy) for each, copy in zip(entries, copies, strict=True) if not _is_copy(each, copy)]
    if missing:
        needed = sum(each.size - _came(each, copy) for each, copy in missing)
        _check_room(folder, needed)
        _trim(folder.parent, CACHE_BYTES - needed, keep=frozenset(copies))
        title = f"Fetching from {bucket.bucket}"
        with (
            progress.stage(title, sum(each.size for each, _ in missing), "bytes") as counter,
            ThreadPoolExecutor(AT_ONCE) as pool,
        ):
            for done in [pool.submit(_fetch, bucket, each, copy, counter) for each, copy in missing]:
                done.result()
    for copy in copies:
        with contextlib.suppress(OSError):
            os.utime(copy)  # it is read now
    return copies


def _fetch(bucket: ObjectStore, entry: Entry, copy: Path, counter: Counter) -> None:
    try:
        copy.parent.mkdir(parents=True, exist_ok=True)
        with _beside(copy, LOCK).open("a") as lock:
            wait_for_lock(lock.fileno())  # somebody else may be fetching the same
            if _is_copy(entry, copy):
                counter.advance(entry.size)
                return
            part = _beside(copy, PART)
            came = _came(entry, copy)
            if not came:
                part.unlink(missing_ok=True)
                write_text(_beside(copy, ETAG), _told(entry))
            counter.advance(came)
            with part.open("ab") as stream:
                while came < entry.size:
                    piece = bucket.read(
                        entry.key, start=came, stop=min(came + PIECE, entry.size), etag=entry.etag
                    )
                    if not piece:
                        raise _vanished(bucket, entry)
                    stream.write(piece)
                    stream.flush()
                    came += len(piece)
                    counter.advance(len(piece))
                os.fsync(stream.fileno())
            part.replace(copy)
    except OSError as error:
        if isinstance(error, RemoteError | ResourceError):
            raise
        raise ResourceError(
            f"cannot write in the cache folder {shown(copy.parent)}: {error.strerror or error}; free some "
            f"space or set {CACHE_VARIABLE} to another folder"
        ) from error


def _open_files(
    bucket: ObjectStore, entries: Sequence[Entry], options: SurveyOptions, progress: Progress
) -> Survey:
    from skykin.survey.derived.mosaic import open_mosaic  # noqa: PLC0415

    ordered = sorted(entries, key=lambda each: each.key)
    return open_mosaic(fetched(bucket, ordered, progress), options, progress)


def _matching(bucket: ObjectStore, pattern: str, address: str) -> list[Entry]:
    parts = pattern.split("/")
    fixed = next(number for number, part in enumerate(parts) if any(letter in part for letter in WILD))
    found = [each for each in bucket.entries("/".join(parts[:fixed])) if _matches(each.key.split("/"), parts)]
    if not found:
        raise UnknownNameError(f"no object matches {shown(address)}; check the pattern")
    return found


def _matches(names: Sequence[str], parts: Sequence[str]) -> bool:
    """Whether a key is of a pattern, part by part; ``**`` is any number of folders."""
    if not parts:
        return not names
    if parts[0] == "**":
        return any(_matches(names[skipped:], parts[1:]) for skipped in range(len(names) + 1))
    return bool(names) and fnmatch.fnmatchcase(names[0], parts[0]) and _matches(names[1:], parts[1:])


def _is_image(begin: bytes | None) -> bool:
    return bool(begin) and (begin or b"").startswith(BEGINNINGS)


def _copies(bucket: str) -> Path:
    return cache_folder() / "objects" / hashlib.sha256(bucket.encode()).hexdigest()[:16]


def _beside(copy: Path, end: str) -> Path:
    return copy.with_name(f".{copy.name}{end}")


def _told(entry: Entry) -> str:
    return json.dumps({"etag": entry.etag, "size": entry.size, "modified": entry.modified.isoformat()})


def _is_of(entry: Entry, copy: Path) -> bool:
    """Whether what is kept was begun from the object as it is now."""
    try:
        return _beside(copy, ETAG).read_text(encoding="utf-8") == _told(entry)
    except (OSError, UnicodeDecodeError):
        return False


def _is_copy(entry: Entry, copy: Path) -> bool:
    try:
        return _is_of(entry, copy) and copy.stat().st_size == entry.size
    except OSError:
        return False


def _came(entry: Entry, copy: Path) -> int:
    """Bytes of an object that came before a download was broken off."""
    try:
        came = _beside(copy, PART).stat().st_size
    except OSError:
        return 0
    return came if came <= entry.size and _is_of(entry, copy) else 0


def _check_room(folder: Path, needed: int) -> None:
    there = next(each for each in (folder, *folder.parents) if each.is_dir())
    free = shutil.disk_usage(there).free
    if needed + SPARE_BYTES > free:
        raise ResourceError(
            f"{needed / 1e9:.2g} GB are to be fetched, but {free / 1e9:.2g} GB are free in the cache folder "
            f"{shown(there)}; free some space or set {CACHE_VARIABLE} to another folder",
            code="RS-DISK",
        )


def _trim(folder: Path, most_bytes: int, *, keep: frozenset[Path]) -> None:
    """Remove copies that were not read for longest until the rest has at most `most_bytes`."""
    found = []
    for told in folder.rglob(f".*{ETAG}"):
        copy = told.with_name(told.name.removeprefix(".").removesuffix(ETAG))
        with contextlib.suppress(OSError):
            status = copy.stat()
            found.append((status.st_mtime_ns, status.st_size, copy))
    total = sum(size for _, size, _ in found)
    for _, size, copy in sorted(found):
        if total <= most_bytes:
            return
        if copy not in keep:
            copy.unlink(missing_ok=True)
            total -= size


def _vanished(bucket: ObjectStore, entry: Entry) -> RemoteError:
    return RemoteError(
        f"{shown(entry.key)} in {shown(bucket.bucket)} was removed while it was read; check the address",
        code="RM-CHANGED",
    )
