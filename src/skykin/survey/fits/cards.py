"""Cards of a FITS header that describe world coordinates, as checked values."""

from __future__ import annotations

import math
from typing import TypeAlias

from skykin.core.errors import HeaderInvalidError, SkyError, shown
from skykin.survey.fits.check import Hdu

Cards: TypeAlias = dict[str, str | float | int]
#: No angle, frequency or pixel of astronomy is beyond; wcslib takes 1e308 as 0.
LARGEST = 1e20


def finite_number(hdu: Hdu, keyword: str, text: str) -> float:
    """Read a number of a header.

    Raises
    ------
    HeaderInvalidError
        If it is no finite number.
    SkyError
        If it is absurdly large.
    """
    try:
        value = float(text.replace("D", "E").replace("d", "e"))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise HeaderInvalidError(
            f"{keyword} of {hdu} is {shown(text)}, but it must be a finite number; correct the header"
        )
    if abs(value) > LARGEST:
        raise SkyError(
            f"{keyword} of {hdu} is {shown(text)}, which is no place or scale; correct the header",
            code="SKY-RANGE",
        )
    return value
