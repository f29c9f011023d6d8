"""HEALPix files, good and bad, each from a formula (section G of the hostile corpus)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from astropy import units as u
from astropy.io import fits
from astropy_healpix import HEALPix

UNSEEN = -1.6375e30


def smooth_sky(nside: int, order: str = "ring", frame: str = "galactic") -> np.ndarray:
    """A sky that is 10 + 5 sin b + 3 cos b cos l of its own frame, pixel by pixel."""
    grid = HEALPix(nside, order=order)
    lon, lat = grid.healpix_to_lonlat(np.arange(grid.npix))
    return smooth_value(lon.to_value(u.deg), lat.to_value(u.deg)).astype(np.float32)


def smooth_value(lon_deg: np.ndarray, lat_deg: np.ndarray) -> np.ndarray:
    lon, lat = np.radians(lon_deg), np.radians(lat_deg)
    return 10 + 5 * np.sin(lat) + 3 * np.cos(lat) * np.cos(lon)


def write_map(
    path: Path,
    columns: dict[str, np.ndarray],
    *,
    wrap: int = 1,
    units: dict[str, str] | None = None,
    **cards: object,
) -> Path:
    """Write columns as a HEALPix table; a card that is None is left out."""
    made = []
    for name, values in columns.items():
        letter = {"f4": "E", "f8": "D", "i4": "J", "i8": "K", "i2": "I"}[values.dtype.str[1:]]
        made.append(
            fits.Column(
                name=name,
                format=f"{wrap}{letter}",
                array=values.reshape(-1, wrap) if wrap > 1 else values,
                unit=(units or {}).get(name),
            )
        )
    table = fits.BinTableHDU.from_columns(made)
    first = next(iter(columns.values()))
    header = {
        "PIXTYPE": "HEALPIX",
        "ORDERING": "RING",
        "COORDSYS": "G",
        "NSIDE": round((len(first) / 12) ** 0.5),
        "INDXSCHM": "IMPLICIT",
    } | cards
    for key, value in header.items():
        if value is not None:
            table.header[key] = value
    table.writeto(path)
    return path
