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


def read_image(path: Path, folder: Path, hdu: int, compressed: bool) -> dict[str, Any]:
    """Return the header of an image as text, once its world coordinates could be made of it.

    A compressed image is unpacked to ``pixels.npy`` as float32, NaN where blank.
    """
    if compressed:
        _check_heap(path, hdu)
    with fits.open(path, memmap=False, lazy_load_hdus=True) as file:
        image = file[hdu]
        text = image.header.tostring()
        read_wcs(fits.Header.fromstring(text), f"HDU {hdu} of {shown(path.name)}", SilentProgress())
        if compressed:
            _unpack(image, folder)
    return {"header": text}


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


def _check_heap(path: Path, hdu: int) -> None:
    """Check that every compressed tile lies inside the heap: astropy takes one that does not as empty."""
    with fits.open(path, memmap=False, disable_image_compression=True) as file:
        table = file[hdu]
        heap = int(table.header["PCOUNT"])
        raw = np.asarray(table.data.view(np.ndarray))
        for name in raw.dtype.names or ():
            form = table.columns[name].format
            if "P" not in form and "Q" not in form:
                continue
            length, offset = raw[name][..., 0].astype(np.int64), raw[name][..., 1].astype(np.int64)
            if ((length < 0) | (offset < 0) | (offset + length > heap)).any():
                raise CorruptFileError(
                    f"a tile of HDU {hdu} of {shown(path.name)} lies outside its data; get the file again",
                    code="IN-CORRUPT",
                )
