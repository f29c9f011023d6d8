"""Celestial frames, and the conversion of Galactic positions to them."""

from __future__ import annotations

from functools import cache
from typing import Literal

import numpy as np
from astropy import units as u
from astropy.coordinates import BarycentricMeanEcliptic, CartesianRepresentation, SkyCoord

from skykin.core.errors import SkyError, UsageError, shown
from skykin.core.shapes import Degrees, Numbers
from skykin.core.sphere import directions

Frame = Literal["galactic", "icrs", "ecliptic"]
#: What files and people call them: letters of HEALPix, words of HiPS, FITS, Fermi's tools and astropy.
SPELLINGS: dict[str, Frame] = {
    **dict.fromkeys(("g", "gal", "galactic"), "galactic"),
    **dict.fromkeys(("c", "q", "cel", "celestial", "eq", "equ", "equatorial", "radec", "j2000"), "icrs"),
    **dict.fromkeys(("icrs", "fk5"), "icrs"),
    **dict.fromkeys(("e", "ecl", "ecliptic"), "ecliptic"),
}


def frame_of(text: object) -> Frame:
    """Read the name of a frame, such as ``G``, ``equatorial`` or ``icrs``.

    FK5 (J2000) counts as ICRS, which it follows to 0.03 arcseconds.

    Raises
    ------
    SkyError
        If it is another; the sentence names those that are known.
    """
    try:
        return SPELLINGS[str(text).strip().lower()]
    except KeyError as error:
        raise SkyError(
            f"the frame is {shown(text)}, but it must be galactic (G), icrs or equatorial (C), or "
            "ecliptic (E)",
            code="SKY-FRAME",
        ) from error


def from_galactic(lon_deg: Degrees, lat_deg: Degrees, frame: Frame) -> tuple[Degrees, Degrees]:
    """Transform Galactic longitudes and latitudes to those of a frame, degrees, longitude in [0, 360)."""
    return _rotated(lon_deg, lat_deg, _matrix(frame)) if frame != "galactic" else (lon_deg, lat_deg)


def to_galactic(lon_deg: Degrees, lat_deg: Degrees, frame: Frame) -> tuple[Degrees, Degrees]:
    """Transform longitudes and latitudes of a frame to Galactic ones, degrees, longitude in [0, 360)."""
    return _rotated(lon_deg, lat_deg, _matrix(frame).T) if frame != "galactic" else (lon_deg, lat_deg)


def galactic_degrees(position: SkyCoord) -> tuple[float, float]:
    """Return Galactic longitude and latitude of one position, degrees.

    Raises
    ------
    UsageError
        If its frame needs a time or an observatory that it does not have.
    """
    try:
        galactic = position.galactic
    except Exception as error:  # A frame without its time or observatory fails in more than one way.
        raise UsageError(
            f"a position in the frame {shown(position.frame.name)} cannot be transformed to Galactic "
            "coordinates without more knowledge; convert it to ICRS first"
        ) from error
    return float(galactic.l.deg), float(galactic.b.deg)


def _rotated(lon_deg: Degrees, lat_deg: Degrees, matrix: Numbers) -> tuple[Degrees, Degrees]:
    x, y, z = np.tensordot(matrix, np.moveaxis(directions(lon_deg, lat_deg), -1, 0), axes=1)
    # A tiny negative longitude is rounded up to 360 by one modulo.
    return np.degrees(np.arctan2(y, x)) % 360.0 % 360.0, np.degrees(np.arctan2(z, np.hypot(x, y)))


@cache
def _matrix(frame: Frame) -> Numbers:
    """Rotation from Galactic axes to those of the frame, with astropy's own poles."""
    target = {"icrs": "icrs", "ecliptic": BarycentricMeanEcliptic(equinox="J2000")}[frame]
    # So far away that the barycentre, where both frames have their origin, does not matter.
    axes = SkyCoord(CartesianRepresentation(np.eye(3) * 1e9 * u.kpc), frame="galactic").transform_to(target)
    return np.asarray(axes.cartesian.xyz.value / 1e9, np.float64)
