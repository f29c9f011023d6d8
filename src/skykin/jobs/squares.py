"""Squares about places: what lies in them, how large they are, and their cores."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord

from skykin.core.extent import Extent
from skykin.core.footprint import Footprint
from skykin.core.shapes import Degrees
from skykin.indexing.answers import Contains
from skykin.style.statistics.statistic import CORE_SHARE


def inside(where: Footprint) -> Contains:
    """Tell which positions lie in a square."""

    def contains(lon_deg: Degrees, lat_deg: Degrees) -> np.ndarray:
        return where.contains(SkyCoord(lon_deg * u.deg, lat_deg * u.deg, frame="galactic"))

    return contains


def core_of(where: Footprint) -> Footprint:
    """Give the middle quarter of a square along both sides."""
    return replace(where, width_deg=where.width_deg * CORE_SHARE, height_deg=where.height_deg * CORE_SHARE)


def around(where: Footprint) -> Extent:
    """Give the cap that holds a rectangle."""
    half = math.hypot(*(math.tan(math.radians(side) / 2) for side in (where.width_deg, where.height_deg)))
    return Extent(where.lon_deg, where.lat_deg, math.degrees(math.atan(half)))


def solid_angle_deg2(where: Footprint) -> float:
    """Solid angle of a gnomonic rectangle."""
    half = [math.tan(math.radians(side) / 2) for side in (where.width_deg, where.height_deg)]
    product = half[0] * half[1] / math.sqrt((1 + half[0] ** 2) * (1 + half[1] ** 2))
    return 4 * math.asin(product) * math.degrees(1) ** 2
