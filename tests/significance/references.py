"""Calibration of tiles beside references at places."""

import numpy as np

from skykin.core.sphere import apart, directions
from skykin.significance.calibration import Calibration, calibrate
from skykin.significance.matched_null import Tiles


def apart_from(tiles: Tiles, lon_deg: float, lat_deg: float) -> np.ndarray:
    """Which tiles do not overlap one of their size at a place."""
    return apart(directions(lon_deg, lat_deg), tiles.directions(), tiles.reach_deg)


def calibrated(tiles: Tiles, lon_deg: float | np.ndarray, lat_deg: float | np.ndarray) -> Calibration:
    """How unusual each tile is among those that overlap none of the references."""
    places = zip(np.atleast_1d(lon_deg), np.atleast_1d(lat_deg), strict=True)
    return calibrate(tiles, np.all([apart_from(tiles, lon, lat) for lon, lat in places], axis=0))
