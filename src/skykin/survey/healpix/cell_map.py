"""HEALPix cells held in memory: all of the sphere, or only those that are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from astropy_healpix.core import healpix_to_lonlat

from skykin.core.extent import ALL_SKY, Extent
from skykin.core.frames import Frame, to_galactic
from skykin.core.shapes import Numbers
from skykin.survey.healpix.cells import cell_side_deg

#: A footprint of more than this share of the sphere counts as the whole sky.
NEARLY_ALL = 0.4


@dataclass(frozen=True, eq=False)
class CellMap:
    """Values of the cells of one level, in NESTED order.

    Parameters
    ----------
    level : int
        log2 of NSIDE.
    values : float32 array (n, bands)
        NaN where masked.
    share : float32 array (n,)
        Share of good data behind each cell, 0 to 1.
    cells : int64 array (n,) or None
        Numbers of the cells, sorted, none twice; None for all of the sphere.
    """

    level: int
    values: Numbers
    share: Numbers
    cells: Numbers | None = None

    @classmethod
    def of(cls, level: int, values: Numbers, cells: Numbers | None = None) -> CellMap:
        """Hold values that are NaN where the survey has no data."""
        values = np.asarray(values, np.float32)
        seen = np.asarray(np.isfinite(values).all(axis=1), np.float32)
        return cls(level, values, seen, cells)

    @property
    def known(self) -> float:
        """Share of the sphere that is covered."""
        return float(self.share.sum(dtype=np.float64) / (12 * 4**self.level))

    def look_up(self, cells: Numbers) -> tuple[Numbers, Numbers]:
        """Values ``(n, bands)`` and coverage ``(n,)`` of cells."""
        if self.cells is None:
            return self.values[cells], self.share[cells]
        place = np.minimum(np.searchsorted(self.cells, cells), len(self.cells) - 1)
        return self.values[place], np.where(self.cells[place] == cells, self.share[place], np.float32(0))

    def at(self, level: int) -> CellMap:
        """Average down to a coarser level."""
        coarse = self
        while coarse.level > level:
            coarse = coarse._halved()
        return coarse

    def extent(self, frame: Frame) -> Extent:
        """Cap that holds every covered cell."""
        if self.known > NEARLY_ALL:
            return ALL_SKY
        coarse = self.at(min(self.level, 6))
        seen = np.flatnonzero(coarse.share > 0)
        cells = seen if coarse.cells is None else coarse.cells[seen]
        lon, lat = healpix_to_lonlat(cells, 2**coarse.level, order="nested")
        return Extent.around(*to_galactic(lon.deg, lat.deg, frame), cell_side_deg(coarse.level))

    def _halved(self) -> CellMap:
        """Average the four children of each cell, weighted by their coverage."""
        parents, first = None, np.arange(0, len(self.share), 4)
        if self.cells is not None:
            parents, first = np.unique(self.cells >> 2, return_index=True)
        weight = self.share[:, None]
        total = np.add.reduceat(weight, first, axis=0)
        summed = np.add.reduceat(np.where(weight > 0, self.values, 0) * weight, first, axis=0)
        mean = np.where(total > 0, summed / np.where(total > 0, total, 1), np.nan)
        return CellMap(self.level - 1, mean.astype(np.float32), total[:, 0] / np.float32(4), parents)
