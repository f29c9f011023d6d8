"""Angles as people write them: read from text, and told in the unit that suits their size."""

from __future__ import annotations

import math
import re
from typing import Any

from astropy import units as u

from skykin.core.errors import UsageError, shown

#: Units that may stand behind a number, as parts of a degree; nothing is degrees.
UNITS = {
    **dict.fromkeys(("", "°", "d", "deg", "degree", "degrees"), 1.0),
    **dict.fromkeys(("'", "′", "arcmin"), 1 / 60),
    **dict.fromkeys(('"', "″", "''", "arcsec"), 1 / 3600),
}
_ANGLE = re.compile(r"\s*(\d+\.?\d*(?:e[+-]?\d+)?|\.\d+)\s*([^\d\s]*)\s*", re.IGNORECASE)


def size_deg(what: str, value: Any) -> float:
    """Read a size on the sky, degrees.

    Parameters
    ----------
    what : str
        What is as large, for the error.
    value : str, Quantity or float
        Such as ``30"``, ``0.5'``, ``2 arcmin``, ``0.1 deg``; bare numbers are degrees.

    Raises
    ------
    UsageError
        If it is no angle above 0°.
    """
    way_out = "write an angle such as 30\", 0.5' or 0.1 (degrees)"
    found = math.nan
    if isinstance(value, str):
        written = _ANGLE.fullmatch(value)
        if written and written[2].lower() in UNITS:
            found = float(written[1]) * UNITS[written[2].lower()]
    else:
        try:
            found = float(value.to_value(u.deg) if isinstance(value, u.Quantity) else value)
        except (TypeError, ValueError):
            found = math.nan
    if not (math.isfinite(found) and 0 < found <= 180):
        raise UsageError(f"the {what} {shown(value)} is no size on the sky; {way_out}")
    return found


def size_words(degrees: float) -> str:
    """Tell a size on the sky in degrees, arcminutes or arcseconds, such as 2.4′."""
    for part, sign in ((1.0, "°"), (60.0, "′")):
        if degrees * part >= 1:
            return f"{degrees * part:.3g}{sign}"
    return f"{degrees * 3600:.3g}″"


def area_words(square_degrees: float) -> str:
    """Tell an area on the sky in square degrees, arcminutes or arcseconds, such as 390 arcmin²."""
    for part, unit in ((1.0, "deg²"), (3600.0, "arcmin²")):
        if square_degrees * part >= 1:
            return f"{_three_digits(square_degrees * part)} {unit}"
    return f"{_three_digits(square_degrees * 3600**2)} arcsec²"


def _three_digits(value: float) -> str:
    return f"{float(f'{value:.3g}'):.6g}"
