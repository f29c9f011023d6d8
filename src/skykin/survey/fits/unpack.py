"""Unpacking a compressed FITS image: runs in the child process of `guard` only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

from skykin.core.errors import CorruptFileError, shown

PIXELS_AT_ONCE = 1 << 22


def unpack(path: Path, folder: Path, hdu: int) -> dict[str, Any]:
    """Write an image or cube as float32, NaN where blank, to ``pixels.npy``."""
    _check_heap(path, hdu)
    with fits.open(path, memmap=False, lazy_load_hdus=True) as file:
        image = file[hdu]
        out = np.lib.format.open_memmap(folder / "pixels.npy", "w+", np.float32, image.shape)
        rows, columns = image.shape[-2:]
        step = max(1, PIXELS_AT_ONCE // max(columns, 1))
        for front in np.ndindex(image.shape[:-2]):
            for row in range(0, rows, step):
                part = (*front, slice(row, row + step), slice(None))
                values = np.asarray(image.section[part], np.float64)
                out[part] = np.where(np.isfinite(values), np.clip(values, -1e37, 1e37), np.nan)
        out.flush()
    return {}


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
