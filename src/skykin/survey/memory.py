"""Images in memory: arrays with world coordinates, HDUs of astropy, NDData."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from skykin.core.errors import SkyError, UsageError
from skykin.core.protocols import Survey

if TYPE_CHECKING:
    from astropy.io.fits import HDUList

#: What can be opened as a survey: names, files, images in memory (astropy has no types), an open survey.
SurveyLike: TypeAlias = str | Path | Sequence[str | Path] | Survey | Any
#: Kinds of numbers that FITS holds.
FITS_KINDS = "iuf"
SMALLEST_FLOAT = 4


def is_in_memory(what: Any) -> bool:
    """Whether it is an image in memory, of any kind."""
    if isinstance(what, tuple) and len(what) == 2:
        return _is_wcs(what[1])
    return _is_hdus(what) or _is_nddata(what)


def images_of(what: Any) -> tuple[list[HDUList], str]:
    """Bring an image in memory into the form of FITS.

    Returns
    -------
    images : one or three HDUList
        Three for three bands: red, green, blue.
    unit : str
        Of the values; empty where it is not known, or stands in a header.

    Raises
    ------
    UsageError, SkyError
        If it is no image of one or three bands, or has no world coordinates.
    """
    from astropy.io import fits  # noqa: PLC0415 - nothing is loaded for a name or file

    if isinstance(what, fits.HDUList):
        return [fits.HDUList([_copied(hdu) for hdu in what])], ""
    if _is_hdus(what):
        first = isinstance(what, fits.PrimaryHDU)
        return [fits.HDUList([_copied(what)] if first else [fits.PrimaryHDU(), _copied(what)])], ""
    values, wcs = (what.data, what.wcs) if _is_nddata(what) else what
    if wcs is None:
        raise SkyError(
            "the image in memory has no world coordinates, so its position is unknown; give its WCS",
            code="SKY-NOWCS",
        )
    unit = getattr(what, "unit", None) or getattr(values, "unit", None)
    array = _plain(getattr(values, "value", values), getattr(what, "mask", None))
    header = wcs.to_fits(relax=True)[0].header
    planes = list(array) if array.ndim == 3 and wcs.naxis == 2 else [array]
    if array.ndim != wcs.naxis and not (wcs.naxis == 2 and array.ndim == 3 and len(planes) == 3):
        raise UsageError(
            f"the image in memory has the shape {array.shape}, but its WCS has {wcs.naxis} axes; give "
            "(rows, columns), or (3, rows, columns) for red, green and blue"
        )
    images = [fits.HDUList([fits.PrimaryHDU(plane, header)]) for plane in planes]
    return images, "" if unit is None else unit.to_string()


def _copied(hdu: Any) -> Any:
    """Copy an HDU; a compressed image becomes a plain one, because compressing it again may lose digits."""
    from astropy.io import fits  # noqa: PLC0415

    return fits.ImageHDU(hdu.data, hdu.header) if isinstance(hdu, fits.CompImageHDU) else hdu.copy()


def _plain(values: Any, mask: Any) -> np.ndarray:
    """Numbers that FITS holds; NaN where they are masked."""
    hidden = mask if mask is not None else np.ma.getmask(values)
    array = np.asarray(np.ma.getdata(values))
    if array.dtype.kind not in FITS_KINDS:
        raise UsageError(
            f"the image in memory holds values of type {array.dtype}, but a survey needs real numbers; "
            "convert it"
        )
    if array.dtype.kind == "f" and array.dtype.itemsize < SMALLEST_FLOAT:
        array = array.astype(np.float32)
    if hidden is np.ma.nomask or not np.any(hidden):
        return array
    return np.where(hidden, np.nan, array)


def _is_wcs(what: Any) -> bool:
    from astropy.wcs import WCS  # noqa: PLC0415

    return isinstance(what, WCS)


def _is_hdus(what: Any) -> bool:
    from astropy.io.fits import HDUList  # noqa: PLC0415
    from astropy.io.fits.hdu.base import _BaseHDU  # noqa: PLC0415

    return isinstance(what, HDUList | _BaseHDU)


def _is_nddata(what: Any) -> bool:
    from astropy.nddata import NDData  # noqa: PLC0415

    return isinstance(what, NDData)
