"""Names of places after their coordinates, as the IAU has them."""

from __future__ import annotations

import math
from collections.abc import Callable

from skykin.core.shapes import Degrees

PREFIX = "SKYKIN"
#: A tenth of a degree, the last digit of a Galactic name, tells tiles from this side on apart.
SMALLEST_GALACTIC_DEG = 1.0
#: More digits than any survey resolves; places that agree in all of them have the same name.
MOST_DIGITS = 6
#: Decimal numbers such as 209.3 are stored a little below themselves.
STORED = 1e-9


def designations(
    lon_deg: Degrees, lat_deg: Degrees, ra_deg: Degrees, dec_deg: Degrees, tile_deg: float
) -> list[str]:
    """Name places: ``SKYKIN G209.0-19.4``, or ``SKYKIN J053517.2-052328`` for tiles smaller than 1°.

    Digits that are left out are cut off, not rounded, so that a name says in which field a place lies.  All
    names get one more digit until no two are the same.

    Parameters
    ----------
    lon_deg, lat_deg, ra_deg, dec_deg : array (places,)
        Galactic and ICRS, degrees.
    tile_deg : float
        Side of a tile.

    References
    ----------
    Specifications concerning designations for astronomical radiation sources outside the solar system, IAU.
    """
    name: Callable[[float, float, int], str] = _galactic
    lon, lat, digits = lon_deg, lat_deg, 1
    if tile_deg < SMALLEST_GALACTIC_DEG:
        name, lon, lat, digits = _icrs, ra_deg, dec_deg, 0
    while True:
        names = [name(float(x) % 360.0, float(y), digits) for x, y in zip(lon, lat, strict=True)]
        if len(set(names)) == len(names) or digits == MOST_DIGITS:
            return [f"{PREFIX} {each}" for each in names]
        digits += 1


def _galactic(lon_deg: float, lat_deg: float, digits: int) -> str:
    lon, lat = _cut(lon_deg, digits) % 360.0, _cut(abs(lat_deg), digits)
    return f"G{lon:0{digits + 4}.{digits}f}{_sign(lat_deg)}{lat:0{digits + 3}.{digits}f}"


def _icrs(ra_deg: float, dec_deg: float, digits: int) -> str:
    """Right ascension has one digit more: its second is fifteen arcseconds."""
    ra = _sexagesimal(_cut(ra_deg / 15 * 3600, digits + 1) % 86_400.0, digits + 1)
    return f"J{ra}{_sign(dec_deg)}{_sexagesimal(_cut(abs(dec_deg) * 3600, digits), digits)}"


def _sexagesimal(seconds: float, digits: int) -> str:
    minutes = int(seconds) // 60
    width = digits + 3 if digits else 2
    return f"{minutes // 60:02d}{minutes % 60:02d}{seconds - 60 * minutes:0{width}.{digits}f}"


def _cut(value: float, digits: int) -> float:
    scale = 10.0**digits
    return math.floor(value * scale + STORED * scale) / scale


def _sign(value: float) -> str:
    return "-" if value < 0 else "+"
