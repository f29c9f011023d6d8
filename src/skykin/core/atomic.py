"""Writing so that a file is either whole or not there."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from skykin.core.errors import ResourceError, SkykinError, shown
from skykin.core.scratch import Scratch

MEBIBYTE = 1 << 20
#: First bytes of a sealed file; the last one counts versions of the layout.
SEALED = b"skykin1\n"
#: Of Linux: paths begin at the current folder; the two names change places.
AT_FDCWD, RENAME_EXCHANGE = -100, 2


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Give a temporary path on the same disk; on success sync it and move it to `path`, otherwise remove it.

    The temporary file has the same name, because some writers choose the format by it.  It is not there yet.

    Raises
    ------
    ResourceError
        If the disk is full or the folder cannot be written; `path` is then as it was before.
    """
    try:
        with Scratch(path.parent) as scratch:
            temporary = scratch.folder / path.name
            yield temporary
            sync(temporary)
            temporary.replace(path)
            sync(path.parent)
    except OSError as error:
        if isinstance(error, SkykinError):
            raise
        raise _cannot_write(path, error) from error


def exchange(one: Path, other: Path) -> bool:
    """Let two folders change places in one step; False, and nothing done, where the system cannot."""
    if not sys.platform.startswith("linux"):
        return False
    import ctypes  # noqa: PLC0415 - not needed to write files

    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    if rename(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP):  # an old system, or a disk that cannot
        return False
    raise OSError(number, os.strerror(number), str(one))


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text as a whole file."""
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_hdus(path: Path, hdus: Any) -> None:
    """Write HDUs of astropy by way of memory.

    Into a file astropy lets NumPy write, whose ``tofile`` says nothing of an error at its last bytes: on a
    disk that is full for a moment the file would have a hole.
    """
    stream = io.BytesIO()
    hdus.writeto(stream)
    path.write_bytes(stream.getbuffer())


def write_sealed(path: Path, content: bytes) -> None:
    """Write bytes as a whole file behind a magic number and their SHA-256."""
    with whole_file(path) as temporary:
        temporary.write_bytes(SEALED + hashlib.sha256(content).digest() + content)


def read_sealed(path: Path) -> bytes | None:
    """Read them back; None if there are none, or they are not as they were written."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    start = len(SEALED) + hashlib.sha256().digest_size
    content = data[start:]
    return content if data[:start] == SEALED + hashlib.sha256(content).digest() else None


def sha256_of(path: Path) -> str:
    """Hash a file's bytes, reading a mebibyte at a time."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(MEBIBYTE):
            digest.update(block)
    return digest.hexdigest()


def sync(path: Path) -> None:
    """Wait until a file or folder is on the disk."""
    if os.name == "nt" and path.is_dir():  # Windows cannot open a folder, and need not.
        return
    handle = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _cannot_write(path: Path, error: OSError) -> ResourceError:
    reason = error.strerror or str(error)
    return ResourceError(
        f"cannot write {shown(path.name)}: {reason}; the file is as it was before, "
        "so free some space or choose another folder and run again",
        code="RS-READONLY" if isinstance(error, PermissionError) else "RS-DISK",
    )
