"""Where the tiles of a map lie, so that a score can be looked up at any place."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from astropy import units as u
from astropy.table import QTable
from astropy_healpix import HEALPix
from scipy.spatial import cKDTree

from skykin.core.errors import DataQualityError, UsageError
from skykin.core.shapes import Degrees, Numbers
from skykin.core.sphere import chord, directions

SKY_DEG2 = 4 * np.pi * np.degrees(1) ** 2
#: A place farther from every centre than so many spacings lies off the map.
FARTHEST_SPACINGS = 1.1


@dataclass(frozen=True, eq=False)
class TileCentres:
    """Centres of tiles in Galactic coordinates, each standing for a piece of sky.

    Parameters
    ----------
    lon_deg, lat_deg : array (tiles,)
        Galactic positions, degrees.
    area : array (tiles,)
        Share of the whole sky that each tile stands for; sums to 1 over an all-sky map.

    Raises
    ------
    DataQualityError
        If there are no tiles.
    UsageError
        If the arrays differ in length, a position is not finite, or an area is not above 0.
    """

    lon_deg: Degrees
    lat_deg: Degrees
    area: Numbers

    def __post_init__(self) -> None:
        for name in ("lon_deg", "lat_deg", "area"):
            values = np.asarray(getattr(self, name), dtype=np.float64)
            if values.shape != (len(self.lon_deg),):
                raise UsageError(f"{name} has shape {values.shape}, but there are {len(self.lon_deg)} tiles")
            if not np.isfinite(values).all():
                raise UsageError(f"every tile needs a finite {name}, but some are NaN or infinite")
            object.__setattr__(self, name, values)
        if not len(self.lon_deg):
            raise DataQualityError("there are no tiles to evaluate; choose a larger area of the sky")
        if (self.area <= 0).any() or self.area.sum() > 1 + 1e-6:
            raise UsageError(
                f"areas are shares of the whole sky, above 0 and together at most 1, but the smallest is "
                f"{self.area.min():g} and they sum to {self.area.sum():g}"
            )

    @classmethod
    def of(cls, tiles: QTable) -> TileCentres:
        """Take the columns ``lon``, ``lat`` and ``area`` of a table of tiles."""
        lon, lat = (tiles[name].to_value(u.deg) for name in ("lon", "lat"))
        return cls(lon, lat, np.asarray(tiles["area"], dtype=np.float64))

    @classmethod
    def healpix(cls, nside: int, order: str = "ring") -> TileCentres:
        """All pixels of a HEALPix grid, in their order."""
        grid = HEALPix(nside, order=order)
        lon, lat = grid.healpix_to_lonlat(np.arange(grid.npix))
        return cls(lon.deg, lat.deg, np.full(grid.npix, 1 / grid.npix))

    def __len__(self) -> int:
        return len(self.lon_deg)

    @property
    def spacing_deg(self) -> float:
        """Side of a square as large as the piece of sky of the tile that stands for most."""
        return float(np.sqrt(self.area.max() * SKY_DEG2))

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(directions(self.lon_deg, self.lat_deg))

    def nearest(self, lon_deg: Degrees, lat_deg: Degrees) -> Numbers:
        """Index of the tile whose centre is nearest to each place; -1 where the place lies off the map."""
        distance, index = self._tree.query(directions(lon_deg, lat_deg))
        return np.where(distance <= chord(FARTHEST_SPACINGS * self.spacing_deg), index, -1)
