"""Shards: immutable NumPy files named after their content."""

from __future__ import annotations

import hashlib
import io
import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from skykin.core.atomic import sha256_of, whole_file
from skykin.core.errors import IndexRefusedError, shown
from skykin.core.shapes import Numbers
from skykin.indexing.remote import shard_written

#: Bytes of a shard that are mapped at a time where all of it is read.
WINDOW = 64 << 20


@dataclass(frozen=True)
class Shard:
    """One array of an index.

    Parameters
    ----------
    name : str
        What it is: ``cells`` of a facet, ``projection`` of a facet, ``standard``, ….
    file : str
        In the folder of shards.
    sha256 : str
        Of the whole file.
    shape : tuple of int
    dtype : str
        As NumPy describes it; of records, their fields.
    size : int
        Bytes of the file.
    """

    name: str
    file: str
    sha256: str
    shape: tuple[int, ...]
    dtype: str
    size: int


def write_shard(folder: Path, name: str, array: Numbers) -> Shard:
    """Write an array: temporary file, sync, rename, sync of the folder.

    Raises
    ------
    ResourceError
        If the disk is full or the folder cannot be written.
    """
    array = np.ascontiguousarray(array)
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, np.lib.format.header_data_from_array_1_0(array))
    header, body = stream.getvalue(), array.reshape(-1).view(np.uint8).data
    digest = hashlib.sha256(header)
    digest.update(body)
    file = f"{name}-{digest.hexdigest()[:16]}.npy"
    with whole_file(folder / file) as temporary, temporary.open("wb") as target:
        target.write(header)
        target.write(body)
    shard_written(folder, file)
    shape = tuple(int(length) for length in array.shape)
    return Shard(name, file, digest.hexdigest(), shape, _spelled(array.dtype), len(header) + array.nbytes)


def check_shard(folder: Path, shard: Shard) -> None:
    """Hash a shard.

    Raises
    ------
    IndexRefusedError
        If it is missing, cut short or altered (``IX-CORRUPT``).
    """
    path = folder / shard.file
    try:
        size = path.stat().st_size
        if size != shard.size:
            raise _corrupt(shard, f"has {size} bytes, not {shard.size}")
        if sha256_of(path) != shard.sha256:
            raise _corrupt(shard, "does not hold the bytes that were written")
    except OSError as error:
        if isinstance(error, IndexRefusedError):
            raise
        raise _corrupt(shard, "is missing" if isinstance(error, FileNotFoundError) else str(error)) from error


def open_shard(folder: Path, shard: Shard) -> tuple[Numbers, int]:
    """Map a shard that was checked before; read-only.  Return it and where in the file it begins."""
    # What is empty cannot be mapped.
    mode: Literal["r"] | None = "r" if shard.shape and 0 not in shard.shape else None
    try:
        array: Numbers = np.load(folder / shard.file, mmap_mode=mode, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise _corrupt(shard, f"cannot be read ({error})") from error
    if array.shape != shard.shape or _spelled(array.dtype) != shard.dtype:
        raise _corrupt(shard, f"holds {array.shape} numbers, not {shard.shape}")
    return array, shard.size - array.nbytes


def map_again(folder: Path, shard: Shard, dtype: np.dtype, begins: int) -> Numbers:
    """Map a shard that was opened before, without reading its header again."""
    if 0 in shard.shape or not shard.shape:
        return open_shard(folder, shard)[0]
    try:
        # As text: NumPy follows all links of a path anew each time.
        return np.memmap(str(folder / shard.file), dtype, "r", begins, shard.shape)
    except (OSError, ValueError) as error:
        raise _corrupt(shard, f"cannot be read ({error})") from error


def windows(folder: Path, shard: Shard, dtype: np.dtype, begins: int) -> Iterator[tuple[slice, Numbers]]:
    """Map a shard that was opened before, some rows after the other; read-only.

    What was mapped counts as memory of the process until it is let go: a large shard is never mapped whole.

    Yields
    ------
    slice, array
        Which rows, and they.
    """
    count, *width = shard.shape
    row = dtype.itemsize * math.prod(width)
    step = max(1, WINDOW // max(1, row))
    if step >= count:
        yield slice(0, count), map_again(folder, shard, dtype, begins)
        return
    for start in range(0, count, step):
        rows = slice(start, min(start + step, count))
        part = replace(shard, shape=(rows.stop - start, *width))
        yield rows, map_again(folder, part, dtype, begins + start * row)


def _spelled(dtype: np.dtype) -> str:
    return dtype.str if dtype.names is None else str(dtype.descr)


def _corrupt(shard: Shard, found: str) -> IndexRefusedError:
    return IndexRefusedError(
        f"shard {shown(shard.file)} of the index {found}; nothing was changed, so restore it from a copy, or "
        "remove the index and build it again"
    )
