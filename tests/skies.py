"""Made-up surveys for tests: blobs on the sphere whose positions are known."""

from pathlib import Path

import numpy as np
from astropy import units as u
from astropy.io import fits
from astropy_healpix import HEALPix

from skykin.core.provenance import Source
from skykin.survey.base import About
from skykin.survey.healpix.bands import HealpixBands

#: Galactic longitude, latitude (deg), radius (deg), and strength in each band.
BLOBS = [
    (209.0, -19.0, 4.0, (9.0, 30.0, 6.0)),
    (213.0, -15.0, 2.0, (20.0, 10.0, 2.0)),
    (80.0, 0.0, 4.0, (8.0, 28.0, 7.0)),
    (84.0, 4.0, 2.0, (18.0, 11.0, 2.0)),
    (287.0, -1.0, 3.0, (2.0, 30.0, 20.0)),
    (0.0, 5.0, 6.0, (3.0, 5.0, 9.0)),
    (120.0, 80.0, 8.0, (1.0, 2.0, 1.0)),
]


def intensity(lon_deg, lat_deg, turned_deg=0.0):
    """Values (..., 3) of the made-up sky, turned about the Galactic poles."""
    lon, lat = np.radians(lon_deg - turned_deg), np.radians(lat_deg)
    total = np.full((*np.shape(lon), 3), 0.5) + 0.2 * np.cos(3 * lon)[..., None] * np.cos(lat)[..., None] ** 3
    for blob_lon, blob_lat, radius, strength in BLOBS:
        l0, b0 = np.radians([blob_lon, blob_lat])
        cosine = np.sin(b0) * np.sin(lat) + np.cos(b0) * np.cos(lat) * np.cos(lon - l0)
        away = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
        total += np.exp(-0.5 * (away / radius) ** 2)[..., None] * np.array(strength)
    return total


def blob_survey(turned_deg=0.0, nside=64, covered=None):
    """The made-up sky as a survey; `covered` (lon, lat) -> bool chooses where there is data."""
    grid = HEALPix(nside, order="ring")
    lon, lat = (angle.to_value(u.deg) for angle in grid.healpix_to_lonlat(np.arange(grid.npix)))
    values = intensity(lon, lat, turned_deg).astype(np.float32)
    coverage = np.ones(grid.npix, np.float32)
    if covered is not None:
        coverage[~covered(lon, lat)] = 0
    about = About(
        "blobs",
        "Survey of blobs",
        "R",
        ("red blobs", "green blobs", "blue blobs"),
        Source("blobs.fits", "0" * 64),
        ("Blobs 2026",),
    )
    return HealpixBands(values, coverage, 1.0, about)


def write_wham_like(path: Path, keep, nside=64, channels=72):
    """Write the made-up sky as spectra on irregular velocity grids, in the columns and spellings of WHAM."""
    grid = HEALPix(nside, order="ring")
    lon, lat = (angle.to_value(u.deg) for angle in grid.healpix_to_lonlat(np.arange(grid.npix)))
    chosen = keep(lon, lat)
    lon, lat = lon[chosen], lat[chosen]
    bands = intensity(lon, lat)
    start = -72 + (np.arange(len(lon)) % 7)[:, None] * 0.3
    velocity = (start + 2.03 * np.arange(channels)).astype(np.float32)
    line = np.zeros(velocity.shape)
    for center, strength in zip((40, 0, -40), bands.T, strict=True):
        line += strength[:, None] / 40 * (np.abs(velocity - center) <= 20)
    columns = [
        fits.Column("GAL-LON", "E", unit="DEG", array=lon),
        fits.Column("GAL-LAT", "E", unit="DEG", array=lat),
        fits.Column("VELOCITY", f"{channels}E", unit="KM/S", array=velocity),
        fits.Column("DATA", f"{channels}E", unit="RAYLEIGH/(KM/S)", array=line),
        fits.Column("STAR", "L", array=np.zeros(len(lon), bool)),
    ]
    fits.BinTableHDU.from_columns(columns, name="WHAM_SS").writeto(path)
    return path


class Patch:
    """A part of a survey, masked towards its edge."""

    def __init__(self, survey, extent):
        self._survey, self.extent = survey, extent

    def __getattr__(self, name):
        return getattr(self._survey, name)

    @property
    def overview(self):
        return self

    def sample(self, lon_deg, lat_deg):
        values, coverage = self._survey.sample(lon_deg, lat_deg)
        return values, coverage * self.extent.contains(lon_deg, lat_deg, -8.0)
