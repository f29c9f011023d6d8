"""Directions on the sphere, angles between them, and which tiles overlap."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from astropy import units as u

from skykin.core.shapes import Degrees, Numbers

if TYPE_CHECKING:
    from astropy.table import QTable

#: Solid angle of the sphere, square degrees.
SPHERE_DEG2 = 4 * math.pi * math.degrees(1) ** 2
#: Distances that are shorter by less than this fraction, far below any pixel, count as reached.
SHORTER = 1e-9
#: Rounding of the product of two unit vectors.
ROUNDING = 4e-16


def directions(lon_deg: Degrees | float, lat_deg: Degrees | float) -> Numbers:
    r"""Return unit vectors (..., 3) towards longitudes and latitudes.

    .. math:: (\cos b \cos l, \; \cos b \sin l, \; \sin b)
    """
    lon, lat = np.radians(lon_deg), np.radians(lat_deg)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)


def directions_of(tiles: QTable) -> Numbers:
    """Return unit vectors (tiles, 3) towards the centres of tiles."""
    return directions(tiles["lon"].to_value(u.deg), tiles["lat"].to_value(u.deg))


def separation_deg(
    lon_deg: Degrees | float, lat_deg: Degrees | float, lon0_deg: Degrees | float, lat0_deg: Degrees | float
) -> Degrees:
    r"""Return angles between positions, degrees; exact for small angles, too.

    .. math:: \sin^2\frac{d}{2} = \sin^2\frac{b - b_0}{2} + \cos b \cos b_0 \sin^2\frac{l - l_0}{2}
    """
    lon, lat, lon0, lat0 = (np.radians(each) for each in (lon_deg, lat_deg, lon0_deg, lat0_deg))
    half = np.sin((lat - lat0) / 2) ** 2 + np.cos(lat) * np.cos(lat0) * np.sin((lon - lon0) / 2) ** 2
    return np.asarray(np.degrees(2 * np.arcsin(np.sqrt(np.clip(half, 0, 1)))))


def seen_from(lon: Numbers, lat: Numbers, lat0: float | Numbers) -> tuple[Numbers, Numbers, Numbers]:
    r"""Components of directions along the east, the north and the line of sight of a place at longitude 0.

    .. math:: (\cos b \sin l,\ \cos b_0 \sin b - \sin b_0 \cos b \cos l,
        \ \sin b_0 \sin b + \cos b_0 \cos b \cos l)

    All angles are in radians.  The first two divided by the third are gnomonic coordinates.
    """
    east = np.cos(lat) * np.sin(lon)
    north = np.cos(lat0) * np.sin(lat) - np.sin(lat0) * np.cos(lat) * np.cos(lon)
    ahead = np.sin(lat0) * np.sin(lat) + np.cos(lat0) * np.cos(lat) * np.cos(lon)
    return east, north, ahead


def chord(angle_deg: float) -> float:
    """Straight distance between two points of the unit sphere that are so far apart."""
    return 2 * math.sin(math.radians(min(angle_deg, 180.0)) / 2)


def reach_deg(size_deg: float) -> float:
    """Distance of two centres from which on square tiles do not overlap, however they are rotated."""
    return min(math.sqrt(2) * size_deg, 180.0)


def apart(one: Numbers, others: Numbers, distance_deg: float) -> np.ndarray:
    """Tell which directions (m, 3) lie at least so far from each direction (n, 3): bool array (n, m).

    With `reach_deg` as the distance: which tiles do not overlap.  A distance that is reached to one part in
    `SHORTER` counts as reached, so that rounding decides nothing.
    """
    farthest = 1 - chord(distance_deg) ** 2 / 2 * (1 - 2 * SHORTER)
    return np.asarray(one @ others.T <= farthest + ROUNDING)


def non_overlapping(centres: Numbers, size_deg: float, count: int) -> list[int]:
    """Choose the first `count` of some tiles that do not overlap one chosen before.

    Parameters
    ----------
    centres : array (tiles, 3)
        Unit vectors towards the centres, the best tile first.
    size_deg : float
        Side of a tile.
    count : int
    """
    return spread_out(centres, reach_deg(size_deg), count)


def spread_out(centres: Numbers, distance_deg: float, count: int) -> list[int]:
    """Choose the first `count` of some places, the best first, at least so far from each one chosen before.

    Parameters
    ----------
    centres : array (places, 3)
        Unit vectors.
    distance_deg : float
    count : int
    """
    chosen: list[int] = []
    left = np.ones(len(centres), dtype=bool)
    for place in range(len(centres)):
        if len(chosen) == count:
            break
        if left[place]:
            chosen.append(place)
            left &= apart(centres[place : place + 1], centres, distance_deg)[0]
            left[place] = False
    return chosen
