"""HEALPix cells of many levels in one map, as localisations of gravitational waves have them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from astropy_healpix.core import healpix_to_lonlat

from skykin.core.errors import DataQualityError, HeaderInvalidError
from skykin.core.extent import ALL_SKY, Extent
from skykin.core.frames import Frame, to_galactic
from skykin.core.shapes import Numbers
from skykin.survey.healpix.cell_map import NEARLY_ALL
from skykin.survey.healpix.cells import cell_side_deg

#: Cells of a finer level have no number of 63 bits.
FINEST_LEVEL = 29


@dataclass(frozen=True, eq=False)
class MultiOrderMap:
    """Values of cells of many levels, none of which overlap, looked up as cells of the finest.

    Parameters
    ----------
    level : int
        log2 of the NSIDE at which it is looked up.
    levels : int64 array (n,)
        Of each cell, none above `level`.
    cells : int64 array (n,)
        Number of each cell among those of its level, in NESTED order; sorted by where they lie.
    values : float32 array (n, bands)
        NaN where masked.
    share : float32 array (n,)
        Share of good data behind each cell, 0 to 1.

    References
    ----------
    Fernique et al. 2022, MOC 2.0, IVOA Recommendation, section 4.3.1 (NUNIQ).
    """

    level: int
    levels: Numbers
    cells: Numbers
    values: Numbers
    share: Numbers

    @classmethod
    def of_uniq(cls, uniq: Numbers, values: Numbers, where: str) -> MultiOrderMap:
        r"""Hold cells by their NUNIQ numbers, :math:`4 \cdot 4^{level} + cell`.

        Raises
        ------
        HeaderInvalidError
            If a number is that of no cell.
        DataQualityError
            If two cells overlap.
        """
        uniq = np.asarray(uniq, np.int64)
        levels = np.zeros_like(uniq)
        for level in range(1, FINEST_LEVEL + 1):
            levels += uniq >= 4 << 2 * level
        cells = uniq - (4 << 2 * levels)
        bad = (uniq < 4) | (cells >= 12 << 2 * levels)
        if bad.any():
            row = int(np.argmax(bad))
            raise HeaderInvalidError(
                f"row {row + 1} of {where} has UNIQ {uniq[row]}, which is the number of no HEALPix cell; "
                "give another file"
            )
        level = int(levels.max(initial=0))
        order = np.argsort(cells << 2 * (level - levels), kind="stable")
        values = np.asarray(values, np.float32)[order]
        seen = np.asarray(np.isfinite(values).all(axis=1), np.float32)
        made = cls(level, levels[order], cells[order], values, seen)
        overlapping = int((made._ends[:-1] > made._starts[1:]).sum())
        if overlapping:
            raise DataQualityError(
                f"{overlapping} of {len(uniq)} cells of {where} overlap another; remove those that are wrong",
                code="DQ-DUP",
            )
        return made

    @cached_property
    def _starts(self) -> Numbers:
        """First cell of `level` within each cell."""
        return np.asarray(self.cells << 2 * (self.level - self.levels))

    @cached_property
    def _ends(self) -> Numbers:
        """First cell of `level` after each cell."""
        return np.asarray(self.cells + 1 << 2 * (self.level - self.levels))

    def look_up(self, cells: Numbers) -> tuple[Numbers, Numbers]:
        """Values ``(n, bands)`` and coverage ``(n,)`` of cells of `level`."""
        place = np.maximum(np.searchsorted(self._starts, cells, side="right") - 1, 0)
        inside = (self._starts[place] <= cells) & (cells < self._ends[place])
        return self.values[place], np.where(inside, self.share[place], np.float32(0))

    def at(self, level: int) -> MultiOrderMap:
        """Average cells that are finer than a level, weighted by their area and coverage."""
        levels = np.minimum(self.levels, level)
        parents = self.cells >> 2 * (self.levels - levels)
        first = np.flatnonzero(np.diff(parents, prepend=-1) | np.diff(levels, prepend=-1))
        area = np.exp2(-2.0 * (self.levels - levels)) * self.share
        total = np.add.reduceat(area, first)
        summed = np.add.reduceat(np.where(area[:, None] > 0, self.values, 0) * area[:, None], first, axis=0)
        mean = np.where(total[:, None] > 0, summed / np.where(total > 0, total, 1)[:, None], np.nan)
        return MultiOrderMap(
            min(level, self.level),
            levels[first],
            parents[first],
            mean.astype(np.float32),
            total.astype(np.float32),
        )

    def extent(self, frame: Frame) -> Extent:
        """Cap that holds every covered cell."""
        seen = self.share > 0
        levels = self.levels[seen]
        if (self.share[seen] * np.exp2(-2.0 * levels)).sum() / 12 > NEARLY_ALL:
            return ALL_SKY
        lon, lat = healpix_to_lonlat(self.cells[seen], 2**levels, order="nested")
        return Extent.around(*to_galactic(lon.deg, lat.deg, frame), cell_side_deg(int(levels.min())))
