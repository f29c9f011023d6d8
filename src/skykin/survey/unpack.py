"""A file that is compressed as a whole, unpacked within bounds."""

from __future__ import annotations

import bz2
import gzip
import lzma
import shutil
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import IO, Any

from skykin.core.errors import CorruptFileError, TooLargeError, shown
from skykin.core.scratch import TemporaryFolder
from skykin.survey.guard import no_space

PIECE_BYTES = 1 << 20
#: Astronomical data shrink by a factor of ten at most where they hold something; blank skies more.
MOST_RATIO, FREE_BYTES = 200, 64 << 20
MOST_BYTES = 32 << 30


def _gunzip(stream: Any) -> gzip.GzipFile:
    return gzip.GzipFile(fileobj=stream)


#: First bytes, and what unpacks the rest.
OPENERS: dict[bytes, Callable[[Any], Any]] = {
    b"\x1f\x8b": _gunzip,
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ": lzma.LZMAFile,
}


def unpacked(path: Path) -> tuple[Path, Callable[[], object]]:
    """Return the plain file and what to call when it is no longer needed.

    The stream is read to its end, so that its checksum is verified before one value is used.

    Raises
    ------
    TooLargeError
        ``IN-BOMB`` if it grows beyond all proportion.
    CorruptFileError
        ``IN-DECOMPRESS`` if the stream is cut short or damaged.
    """
    opener = _opener_for(path)
    if opener is None:
        return path, _nothing
    folder = TemporaryFolder()
    plain = folder.path / (path.stem if path.suffix in {".gz", ".bz2", ".xz"} else path.name)
    try:
        with path.open("rb") as packed, opener(packed) as stream, plain.open("wb") as out:
            _copy(stream, out, path)
    except BaseException as error:
        folder.remove()
        if isinstance(error, (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile)) or (
            isinstance(error, OSError) and error.errno is None
        ):
            raise CorruptFileError(
                f"{shown(path.name)} cannot be unpacked: {shown(error)}; get the file again",
                code="IN-DECOMPRESS",
            ) from error
        if isinstance(error, OSError) and not isinstance(error, TooLargeError):
            raise no_space(path.name, error) from error
        raise
    return plain, folder.remove


def _nothing() -> None:
    return None


def _opener_for(path: Path) -> Callable[[Any], Any] | None:
    if not path.is_file():
        return None
    try:
        with path.open("rb") as stream:
            first = stream.read(6)
    except OSError:
        return None  # said better when the file itself is looked at
    return next((opener for magic, opener in OPENERS.items() if first.startswith(magic)), None)


def _copy(stream: IO[bytes], out: IO[bytes], path: Path) -> None:
    allowed = min(MOST_BYTES, max(FREE_BYTES, MOST_RATIO * path.stat().st_size))
    allowed = min(allowed, shutil.disk_usage(tempfile.gettempdir()).free // 2)
    written = 0
    while piece := stream.read(PIECE_BYTES):
        written += len(piece)
        if written > allowed:
            raise TooLargeError(
                f"{shown(path.name)} has {path.stat().st_size} bytes and unpacks to more than {allowed}; it "
                "is not read: unpack it yourself if it is what you want",
                code="IN-BOMB",
            )
        out.write(piece)
