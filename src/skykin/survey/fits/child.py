"""What the guarded child does with a FITS image: astropy reads its header, and unpacks its pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

from skykin.core.errors import CorruptFileError, shown
from skykin.core.progress import SilentProgress
from skykin.survey.fits.header_wcs import read_wcs

PIXELS_AT_ONCE = 1 << 22
#: Made once, because astropy's first header takes five times as long as the next, in every forked child.
FIRST_HEADER = fits.Header.fromstring(fits.Header({"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN"}).tostring())
read_wcs(FIRST_HEADER, "the first header", SilentProgress())


def read_image(
    path: Path, folder: Path, *, hdu: int, compressed: bool, ignore_checksum: bool
) -> dict[str, Any]:
    """Return the header of an image as text, once its world coordinates could be made of it, and notes.

    A compressed image is unpacked to ``pixels.npy`` as float32, NaN where blank.
    """
    where = f"HDU {hdu} of {shown(path.name)}"
    with fits.open(path, disable_image_compression=True) as file:
        notes = _check_sums(file[hdu], where, ignore_checksum)
        if compressed:
            _check_heap(file[hdu], where)
    with fits.open(path, memmap=False) as file:
        image = file[hdu]
        text = image.header.tostring()
        read_wcs(fits.Header.fromstring(text), where, SilentProgress())
        if compressed:
            _unpack(image, folder)
    return {"header": text, "notes": notes}


def unpack(path: Path, folder: Path, hdu: int) -> dict[str, Any]:
    """Unpack a compressed image to ``pixels.npy`` as float32, NaN where blank."""
    with fits.open(path, disable_image_compression=True) as file:
        _check_heap(file[hdu], f"HDU {hdu} of {shown(path.name)}")
    with fits.open(path, memmap=False) as file:
        _unpack(file[hdu], folder)
    return {}


def read_header(path: Path, folder: Path, header: str) -> dict[str, Any]:  # noqa: ARG001 - as `guarded` calls
    """Return a header that stands alone, once world coordinates could be made of it."""
    read = fits.Header.fromstring(header)
    text = read.tostring()
    read_wcs(fits.Header.fromstring(text), f"HDU 0 of {shown(path.name)}", SilentProgress())
    return {"header": text}


def _unpack(image: Any, folder: Path) -> None:
    out = np.lib.format.open_memmap(folder / "pixels.npy", "w+", np.float32, image.shape)
    rows, columns = image.shape[-2:]
    step = max(1, PIXELS_AT_ONCE // max(columns, 1))
    for front in np.ndindex(image.shape[:-2]):
        for row in range(0, rows, step):
            part = (*front, slice(row, row + step), slice(None))
            values = np.asarray(image.section[part], np.float64)
            out[part] = np.where(np.isfinite(values), np.clip(values, -1e37, 1e37), np.nan)
    out.flush()


def _check_sums(stored: Any, where: str, ignore: bool) -> list[str]:
    """Compare an HDU with the checksums it carries, if any; changed data are refused or noted."""
    if not str(stored.header.get("DATASUM", "")).strip().isdigit():
        return []
    if not stored.verify_datasum():
        if ignore:
            return [f"note: the data of {where} do not agree with their DATASUM; used as asked"]
        raise CorruptFileError(
            f"the data of {where} were changed after they were written: they do not add up to what DATASUM "
            "says; get the file again, or read it as it is with --survey-option ignore_checksum=yes",
            code="IN-CHECKSUM",
        )
    if not stored.verify_checksum():
        return [f"note: the header of {where} was edited after writing (CHECKSUM); its data are intact"]
    return []


def _check_heap(table: Any, where: str) -> None:
    """Check that every compressed tile lies inside the heap: astropy takes one that does not as empty."""
    heap = int(table.header["PCOUNT"])
    raw = np.asarray(table.data.view(np.ndarray))
    for name in raw.dtype.names or ():
        form = table.columns[name].format
        if "P" not in form and "Q" not in form:
            continue
        length, offset = raw[name][..., 0].astype(np.int64), raw[name][..., 1].astype(np.int64)
        if ((length < 0) | (offset < 0) | (offset + length > heap)).any():
            raise CorruptFileError(
                f"a tile of {where} lies outside its data; it is damaged, give an intact copy",
                code="IN-CORRUPT",
            )
