"""Numbers of TIFFs that Pillow does not read, or not with all their bits: floats of 64 bits, deep colours."""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from skykin.core.errors import CorruptFileError, NotThisFormatError, TooLargeError, shown
from skykin.core.shapes import Numbers

#: Tags of TIFF.
WIDTH, HEIGHT, BITS, PACKED, MEANING, STRIPS, SAMPLES, LENGTHS = 256, 257, 258, 259, 262, 273, 277, 279
PLANAR, TURNED, KIND = 284, 274, 339
#: Numbers with a sign, as KIND says.
SIGNED = 2
LETTERS = {1: "u", 2: "i", 3: "f"}
KINDS = {1: "whole", 2: "signed whole", 3: "floating-point"}


def tags_of(path: Path) -> Any:
    """Tags of the first page, as Pillow reads them; it fails in many ways where they are damaged."""
    from PIL import TiffImagePlugin  # noqa: PLC0415 - only in the child

    with path.open("rb") as stream:
        first = stream.read(16)
        is_big = first[2:4] in (b"+\0", b"\0+")  # BigTIFF, whose addresses have 8 bytes
        tags = TiffImagePlugin.ImageFileDirectory_v2(first if is_big else first[:8])
        stream.seek(tags.next)
        tags.load(stream)
    return tags


def read_plain(path: Path, tags: Any, most_bytes: int) -> Numbers | None:
    """Numbers (rows, columns, 1 or 3) of a page that is not packed; None if it is stored in another way.

    Parameters
    ----------
    path : Path
    tags : ImageFileDirectory_v2
    most_bytes : int
        More are not read.

    Raises
    ------
    TooLargeError
        If it has more bytes.
    CorruptFileError
        If some of them are missing.
    """
    samples = tags.get(SAMPLES, 1)
    dtype = _dtype(tags)
    plain = (tags.get(PACKED, 1), tags.get(PLANAR, 1), tags.get(TURNED, 1)) == (1, 1, 1)
    plain = plain and STRIPS in tags
    if dtype is None or not plain or samples not in (1, 3) or tags.get(MEANING) not in (1, 2):
        return None
    shape = (tags[HEIGHT], tags[WIDTH], samples)
    size = int(np.prod([*shape, dtype.itemsize], dtype=np.float64))
    if size > most_bytes:
        raise TooLargeError(
            f"{shown(path.name)} has {size >> 20} MiB of numbers, but at most {most_bytes >> 20} MiB are "
            "read; save it smaller"
        )
    with path.open("rb") as stream:
        content = b"".join(
            _at(stream, offset, length) for offset, length in zip(tags[STRIPS], tags[LENGTHS], strict=True)
        )
    if len(content) < size:
        raise CorruptFileError(
            f"{shown(path.name)} is cut short: its pixels need {size} bytes, but it has {len(content)}; get "
            "the file again"
        )
    values: Numbers = np.frombuffer(content, dtype, size // dtype.itemsize).reshape(shape)
    small = dtype.kind == "u" and dtype.itemsize <= 2
    with np.errstate(over="ignore"):  # beyond the range of float32 it is infinite, and blank
        return values.astype(dtype.newbyteorder("=") if small else np.float32)


def not_read(path: Path, tags: Any) -> NotThisFormatError:
    """Say what numbers a TIFF holds that are not read."""
    kind, bits = KINDS.get(tags.get(KIND, (1,))[0], "unknown"), tags.get(BITS, (1,))[0]
    return NotThisFormatError(
        f"{shown(path.name)} is a TIFF with {tags.get(SAMPLES, 1)} {kind} numbers of {bits} bits in each "
        "pixel, stored in a way that is not read; save it as FITS, or as a TIFF without compression",
        code="IN-NOTIMAGE",
    )


def _dtype(tags: Any) -> np.dtype[Any] | None:
    bits, kinds = set(tags.get(BITS, (1,))), set(tags.get(KIND, (1,)))
    if len(bits) != 1 or len(kinds) != 1 or not bits <= {8, 16, 32, 64} or not kinds <= set(LETTERS):
        return None
    code = f"{LETTERS[kinds.pop()]}{bits.pop() // 8}"
    order = "<" if tags.prefix == b"II" else ">"
    return None if code == "f1" else np.dtype(order + code)


def _at(stream: BinaryIO, offset: int, length: int) -> bytes:
    stream.seek(offset)
    return stream.read(length)
