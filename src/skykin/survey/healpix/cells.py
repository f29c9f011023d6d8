"""A survey whose values lie on HEALPix cells, whether of a map in memory or of a HiPS."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from astropy import units as u
from astropy_healpix.core import bilinear_interpolation_weights

from skykin.core.extent import ALL_SKY, Extent
from skykin.core.frames import Frame, from_galactic
from skykin.core.shapes import BandValues, Coverage, Degrees, Numbers
from skykin.survey.base import About, BaseSurvey, three_bands
from skykin.survey.fill import filled

#: Positions interpolated at a time: some 10 MB of work space, which also stays near the processor.
POSITIONS_AT_ONCE = 1 << 16
#: A HEALPix cell of level 0 is a twelfth of the sphere.
LEVEL_0_DEG = math.degrees(math.sqrt(math.pi / 3))


class Cells(Protocol):
    """Values of the HEALPix cells of one level, in NESTED order."""

    @property
    def level(self) -> int:
        """log2 of NSIDE."""

    def look_up(self, cells: Numbers) -> tuple[Numbers, Numbers]:
        """Values ``(n, bands)``, and coverage ``(n,)``; where that is 0, values mean nothing."""


def cell_side_deg(level: int) -> float:
    """Side of a cell, the root of its area, degrees."""
    return LEVEL_0_DEG / float(2**level)


def level_for(scale_deg: float | None, finest: int, coarsest: int = 0) -> int:
    """Coarsest level whose cells are not larger than `scale_deg`; the finest if there is none."""
    level = coarsest if scale_deg is not None else finest
    while level < finest and cell_side_deg(level) > (scale_deg or 0):
        level += 1
    return level


@dataclass(frozen=True, eq=False, repr=False)
class CellSurvey(BaseSurvey):
    """A survey whose values lie on HEALPix cells.

    Parameters
    ----------
    cells : Cells
        One band is shown grey; of two, the second is blue and their mean green.
    frame : {"galactic", "icrs", "ecliptic"}
        Frame of the cells.
    beam_deg : float
        Angular resolution (full width), degrees.
    about : About
    projection : str
        How the values are stored, such as ``HEALPix RING, NSIDE 64``.
    extent : Extent
    coarse : CellSurvey, optional
        The same survey at a resolution at which all of it can be read, where that is not so at its own.
    """

    cells: Cells
    frame: Frame
    beam_deg: float
    about: About
    projection: str
    extent: Extent = ALL_SKY
    coarse: CellSurvey | None = None

    @property
    def overview(self) -> CellSurvey:
        """The survey as coarse as all of it can be read."""
        return self.coarse or self

    def _facts(self) -> dict[str, object]:
        return {"frame": self.frame, "projection": self.projection, "nside": 2**self.cells.level}

    def _sample(self, lon_deg: Degrees, lat_deg: Degrees) -> tuple[BandValues, Coverage]:
        r"""Interpolate values and coverage between the four nearest cells.

        .. math:: I = \frac{\sum_p w_p c_p I_p}{\sum_p w_p c_p}, \qquad c = \sum_p w_p c_p

        with the bilinear weights :math:`w_p` of HEALPix and the coverage :math:`c_p` of each cell.
        """
        values, coverage = in_parts(self._interpolate, lon_deg, lat_deg)
        return filled(values, coverage), coverage

    def _interpolate(self, lon_deg: Degrees, lat_deg: Degrees) -> tuple[Numbers, Numbers]:
        lon, lat = from_galactic(lon_deg, lat_deg, self.frame)
        cells, weights = bilinear_interpolation_weights(
            lon * u.deg, lat * u.deg, 2**self.cells.level, order="nested"
        )
        values, share = self.cells.look_up(cells.ravel())
        weights = weights * share.reshape(cells.shape)
        total = weights.sum(axis=0)
        values = np.where(share[:, None] > 0, values, 0).reshape(*cells.shape, -1)
        mean = (values * weights[..., None]).sum(axis=0) / np.where(total > 0, total, 1)[:, None]
        return three_bands(mean), np.clip(total, 0, 1)


def in_parts(
    interpolate: Callable[[Degrees, Degrees], tuple[Numbers, Numbers]], lon_deg: Degrees, lat_deg: Degrees
) -> tuple[BandValues, Coverage]:
    """Values ``(..., 3)`` and coverage ``(...)`` of a function of flat arrays, some positions at a time."""
    shape, lon, lat = lon_deg.shape, lon_deg.ravel(), lat_deg.ravel()
    values = np.empty((lon.size, 3), np.float32)
    coverage = np.empty(lon.size, np.float32)
    for start in range(0, lon.size, POSITIONS_AT_ONCE):
        part = slice(start, start + POSITIONS_AT_ONCE)
        values[part], coverage[part] = interpolate(lon[part], lat[part])
    return values.reshape(*shape, 3), coverage.reshape(shape)
