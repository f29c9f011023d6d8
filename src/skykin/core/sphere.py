"""Which tiles share sky: by the distance of their centres."""

from __future__ import annotations

import math

import numpy as np
from astropy import units as u
from astropy.table import QTable

from skykin.core.shapes import Degrees, Numbers


def directions(lon_deg: Degrees, lat_deg: Degrees) -> Numbers:
    """Return unit vectors (..., 3) towards Galactic positions."""
    lon, lat = np.radians(lon_deg), np.radians(lat_deg)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)


def directions_of(tiles: QTable) -> Numbers:
    """Return unit vectors (tiles, 3) towards the centres of tiles."""
    return directions(tiles["lon"].to_value(u.deg), tiles["lat"].to_value(u.deg))


def reach_deg(size_deg: float) -> float:
    """Distance of two centres from which on square tiles share no sky, however they are turned."""
    return min(math.sqrt(2) * size_deg, 180.0)


def apart(one: Numbers, others: Numbers, distance_deg: float) -> np.ndarray:
    """Which directions (m, 3) lie at least so far from each direction (n, 3): bool array (n, m)."""
    return np.asarray(one @ others.T <= math.cos(math.radians(distance_deg)) + 1e-12)
