"""A FITS tile of a HiPS: plain, trimmed, packed with gzip, or compressed inside FITS."""

from __future__ import annotations

import io
import tempfile
import zlib
from pathlib import Path

import numpy as np

from skykin.core.errors import CorruptFileError, HeaderInvalidError, TooLargeError, shown
from skykin.core.shapes import Numbers
from skykin.survey.fits.check import Hdu, read_headers
from skykin.survey.fits.image import check_compression
from skykin.survey.fits.image_hdus import image_shape, is_compressed
from skykin.survey.fits.pixels import DTYPES, Scaling
from skykin.survey.guard import Limits, guarded
from skykin.survey.plausible import without_faults

GZIP = b"\x1f\x8b"
#: A tile of 4096² doubles has so many bytes.
LARGEST_UNPACKED = 130 << 20
LIMITS = Limits(memory_bytes=2 << 30, seconds=60.0, result_bytes=256 << 20)
WIDEST = 1 << 12


def read_fits_tile(content: bytes, file: str) -> Numbers:
    """Values (rows, columns, 1), NaN where blank, at fault or trimmed off, its rows from the bottom.

    Where a tile has blank margins, Hipsgen and reproject write what is left, with the count of what was
    trimmed off first on each axis (TRIMn) and the length before (ONAXISn).

    Raises
    ------
    InputRefusedError
        If it is no image, is damaged, or too large.
    """
    content = _unpacked(content, file)
    hdus = read_headers(io.BytesIO(content), file)
    for hdu in hdus:
        shape = image_shape(hdu)
        if len(shape) >= 2 and max(shape[2:], default=1) == 1:
            if max(shape) > WIDEST:
                raise TooLargeError(
                    f"the tile {shown(file)} has {shape[0]} × {shape[1]} pixels; choose another HiPS"
                )
            rows, columns = shape[1], shape[0]
            values = _unpack(content, hdu) if is_compressed(hdu) else _plain(content, hdu, rows * columns)
            return _untrimmed(without_faults(values).reshape(rows, columns), hdu)[..., None]
    raise CorruptFileError(
        f"the tile {shown(file)} is a FITS file without an image; choose another HiPS", code="IN-KEY"
    )


def _unpacked(content: bytes, file: str) -> bytes:
    if not content.startswith(GZIP):
        return content
    stream = zlib.decompressobj(wbits=31)
    try:
        plain = stream.decompress(content, LARGEST_UNPACKED)
    except zlib.error as error:
        raise CorruptFileError(
            f"the tile {shown(file)} cannot be unpacked ({shown(error)}); get the HiPS again",
            code="IN-DECOMPRESS",
        ) from error
    if stream.unconsumed_tail:
        raise TooLargeError(
            f"the tile {shown(file)} unpacks to more than {LARGEST_UNPACKED} bytes; choose another HiPS",
            code="IN-BOMB",
        )
    if not stream.eof:
        raise CorruptFileError(f"the tile {shown(file)} is cut short; get the HiPS again")
    return plain


def _plain(content: bytes, hdu: Hdu, count: int) -> Numbers:
    stored = np.frombuffer(content, DTYPES[hdu.integer("BITPIX", -64, 64)], count, hdu.data_offset)
    return np.asarray(Scaling.of(hdu, None).apply(stored.reshape(1, -1)))


def _unpack(content: bytes, hdu: Hdu) -> Numbers:
    """Let astropy unpack an image in a child process."""
    check_compression(hdu)
    with tempfile.TemporaryDirectory(prefix="skykin-", ignore_cleanup_errors=True) as folder:
        path = Path(folder) / Path(hdu.file).name
        path.write_bytes(content)
        with guarded("skykin.survey.fits.child:unpack", path, {"hdu": hdu.number}, limits=LIMITS) as parsed:
            return np.array(parsed.array("pixels"))


def _untrimmed(values: Numbers, hdu: Hdu) -> Numbers:
    """Put back the blank margins that were trimmed off."""
    if "TRIM1" not in hdu.cards and "TRIM2" not in hdu.cards:
        return values
    rows, columns = values.shape
    sides, before = [], []
    for axis, length in ((2, rows), (1, columns)):
        before.append(hdu.integer(f"TRIM{axis}", 0, WIDEST, 0))
        sides.append(hdu.integer(f"ONAXIS{axis}", 1, WIDEST, before[-1] + length))
    if before[0] + rows > sides[0] or before[1] + columns > sides[1]:
        raise HeaderInvalidError(
            f"{hdu} has {columns} × {rows} pixels from {before[1]}, {before[0]} on, which do not fit into "
            f"{sides[1]} × {sides[0]} (TRIM, ONAXIS); choose another HiPS",
            code="IN-DIM",
        )
    whole = np.full(sides, np.nan, values.dtype)
    whole[before[0] : before[0] + rows, before[1] : before[1] + columns] = values
    return whole
