"""Positions on the sky, checked before they are looked up."""

from __future__ import annotations

import numpy as np

from skykin.core.errors import SkyError
from skykin.core.shapes import Degrees


def checked_positions(lon_deg: Degrees, lat_deg: Degrees) -> tuple[Degrees, Degrees]:
    """Broadcast longitudes and latitudes to one shape; longitudes are wrapped to [0, 360).

    Raises
    ------
    SkyError
        If a position is not finite or beyond a pole.
    """
    lon, lat = np.broadcast_arrays(np.asarray(lon_deg, np.float64), np.asarray(lat_deg, np.float64))
    on_sky = np.isfinite(lon) & (np.abs(lat) <= 90)  # a NaN latitude fails too
    if not on_sky.all():
        worst = int(np.flatnonzero(~on_sky)[0])
        raise SkyError(
            f"position l = {lon.flat[worst]:g}°, b = {lat.flat[worst]:g}° is not on the sky; "
            "give finite longitudes and latitudes from −90° to 90°"
        )
    # A tiny negative longitude is rounded up to 360 by one modulo.
    return lon % 360.0 % 360.0, lat
