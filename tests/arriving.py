"""Plates that arrive one after the other along the Galactic plane, with rings at known places."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from astropy.io import fits

#: Galactic longitude and latitude of the rings, degrees; each lies on one plate of `write_plate`.
RINGS = ((80.0, 1.0), (87.0, -1.0), (95.0, 0.5), (103.0, -0.5), (111.0, 1.0), (119.0, 0.0))
#: Radius and width of a ring, side of a plate and of its pixels, degrees.
RADIUS_DEG, WIDTH_DEG, SIDE_DEG, PIXEL_DEG = 1.0, 0.25, 9.0, 0.25


def write_plate(path: Path, lon_deg: float, moved_deg: float = 0.0) -> None:
    """Write a plate about a longitude, its rings moved in longitude; neighbours 8° away overlap it by 1°."""
    count = int(SIDE_DEG / PIXEL_DEG)
    header = fits.Header(
        {
            "CTYPE1": "GLON-CAR",
            "CTYPE2": "GLAT-CAR",
            "CRVAL1": 100.0,
            "CRVAL2": 0.0,
            "BUNIT": "R",
            "BMAJ": 0.5,
        }
        | {"CDELT1": -PIXEL_DEG, "CDELT2": PIXEL_DEG, "CRPIX2": count / 2 + 0.5}
        | {"CRPIX1": (lon_deg - 100.0) / PIXEL_DEG + count / 2 + 0.5}
    )
    step = (np.arange(count) - count / 2 + 0.5) * PIXEL_DEG
    lon, lat = np.meshgrid(lon_deg - step, step)
    values = 1 + 0.3 * np.sin(1.3 * lon) * np.cos(1.1 * lat) + 0.05 * np.sin(7 * lon) * np.sin(9 * lat)
    for ring_lon, ring_lat in RINGS:
        radius = np.hypot(lon - ring_lon - moved_deg, lat - ring_lat)
        values += 6 * np.exp(-0.5 * ((radius - RADIUS_DEG) / WIDTH_DEG) ** 2)
    fits.PrimaryHDU(values.astype(np.float32), header).writeto(path, overwrite=True)
